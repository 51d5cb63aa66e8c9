/* A request against the fields of its route: first whether what is required is there,
 * then whether it has the type, field by field in the order of the table, as MLflow does.
 */
#include "tracker/api_fields.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool text_has_nul(const Json *value)
{
    Text text = json_text(value);
    return memchr(text.p, 0, text.n) != NULL;
}

static bool read_int(const Json *value, int64_t *out)
{
    if (json_type(value) == JSON_INT) {
        *out = json_int(value, 0);
        return true;
    }
    if (json_type(value) == JSON_DOUBLE) {
        double number = json_double(value, 0);
        bool whole = number >= -0x1p63 && number < 0x1p63;
        *out = whole ? (int64_t)number : 0;
        return whole && (double)*out == number;
    }
    const char *text = json_string(value);
    if (!text || !*text || text_has_nul(value) ||
        strspn(text + (*text == '-'), "0123456789") != strlen(text + (*text == '-'))) {
        return false;
    }
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static int enum_number(const char *const *names, const Json *value)
{
    const char *text = json_string(value);
    int64_t number;
    for (int i = 1; text && names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    if (read_int(value, &number)) {
        for (int i = 1; names[i]; i++) {
            if (i == number) {
                return i;
            }
        }
    }
    return 0;
}

static bool is_number_text(const Json *value)
{
    const char *text = json_string(value);
    double number;
    return text && (strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 ||
                    strcmp(text, "-Infinity") == 0 || text_to_double(text, &number));
}

static bool in_range(const ApiField *field, const Json *value)
{
    int64_t number;
    bool any = field->min == 0 && field->max == 0;
    return read_int(value, &number) &&
           (any || (number >= field->min && number <= field->max));
}

/* Whether one value, an item of a list or not, is of the field's type. */
static bool has_type(const ApiField *field, const Json *value)
{
    JsonType type = json_type(value);
    switch (field->type) {
    case API_STRING:
    case API_STRINGS:
        return type == JSON_STRING && !text_has_nul(value);
    case API_ID:
    case API_IDS:
        return type == JSON_INT || (type == JSON_STRING && !text_has_nul(value));
    case API_INT:
        return in_range(field, value);
    case API_DOUBLE:
        return type == JSON_INT || type == JSON_DOUBLE || is_number_text(value);
    case API_BOOL:
        return type == JSON_BOOL;
    case API_ENUM:
        return field->lenient || enum_number(field->names, value) > 0;
    case API_OBJECT:
    case API_OBJECTS:
        return type == JSON_OBJECT;
    }
    return false;
}

static const Json *member(const Json *object, const ApiField *field)
{
    const Json *value = json_get(object, field->name);
    if (json_type(value) == JSON_NULL && field->alias) {
        value = json_get(object, field->alias);
    }
    return json_type(value) == JSON_NULL ? NULL : value;
}

static bool is_list(const ApiField *field)
{
    return field->type == API_STRINGS || field->type == API_IDS ||
           field->type == API_OBJECTS;
}

/* Where a value is, from the inside out; put into words only when it is wrong. */
typedef struct Place {
    const struct Place *within; /* NULL for the request itself */
    const char *name;           /* of a member; NULL for an item of a list */
    size_t index;
} Place;

/* "metrics[3].key" */
static void add_place(const Place *place, StrBuf *out)
{
    if (!place) {
        return;
    }
    add_place(place->within, out);
    if (place->name) {
        strbuf_printf(out, "%s%s", out->n ? "." : "", place->name);
    } else {
        strbuf_printf(out, "[%zu]", place->index);
    }
}

static Status refuse(ApiCall *call, const Place *place, const Json *value)
{
    StrBuf path = {0};
    add_place(place, &path);
    Status status = value ? api_invalid(call, path.p, value) : api_missing(call, path.p);
    strbuf_free(&path);
    return status;
}

static Status check_object(ApiCall *call, const ApiFields *fields, const Json *object,
                           const Place *place);

static Status check_value(ApiCall *call, const ApiField *field, const Json *value,
                          const Place *place)
{
    if (!has_type(field, value)) {
        return refuse(call, place, value);
    }
    return field->inner ? check_object(call, field->inner, value, place) : STATUS_OK;
}

static Status check_list(ApiCall *call, const ApiField *field, const Json *list,
                         const Place *place)
{
    if (json_type(list) != JSON_ARRAY) {
        return refuse(call, place, list);
    }
    for (size_t i = 0; i < json_size(list); i++) {
        Place item = {place, NULL, i};
        TRY(check_value(call, field, json_at(list, i), &item));
    }
    return STATUS_OK;
}

static bool is_empty_text(const Json *value)
{
    const char *text = json_string(value);
    return text && !*text;
}

static bool counts_as_absent(const ApiField *field, const Json *value)
{
    bool is_text = field->type == API_STRING || field->type == API_ID;
    return !value || (is_text && is_empty_text(value)) ||
           (field->type == API_IDS && json_type(value) == JSON_ARRAY &&
            json_size(value) == 0);
}

static Status check_field(ApiCall *call, const ApiField *field, const Json *object,
                          const Place *within)
{
    const Json *value = member(object, field);
    Place place = {within, field->name, 0};
    if (field->required && counts_as_absent(field, value)) {
        return refuse(call, &place, NULL);
    }
    if (!value) {
        return STATUS_OK;
    }
    return is_list(field) ? check_list(call, field, value, &place)
                          : check_value(call, field, value, &place);
}

static Status check_object(ApiCall *call, const ApiFields *fields, const Json *object,
                           const Place *place)
{
    for (size_t i = 0; i < fields->n; i++) {
        TRY(check_field(call, &fields->items[i], object, place));
    }
    return STATUS_OK;
}

Status api_check_fields(ApiCall *call)
{
    return check_object(call, call->route->fields, call->in, NULL);
}

/* ---- reading what was checked ---- */

static const Json *value_of(const Json *of, const char *name)
{
    const Json *value = json_get(of, name);
    if (json_type(value) == JSON_NULL && strcmp(name, "run_id") == 0) {
        value = json_get(of, "run_uuid");
    }
    return json_type(value) == JSON_NULL ? NULL : value;
}

static const char *text_of_value(ApiCall *call, const Json *value)
{
    if (json_type(value) != JSON_INT) {
        return json_string(value);
    }
    char *text = mem_printf("%lld", (long long)json_int(value, 0));
    strlist_add_take(&call->scratch, text);
    return text;
}

const char *api_text(ApiCall *call, const Json *of, const char *name)
{
    return text_of_value(call, value_of(of, name));
}

int64_t api_int(const Json *of, const char *name, int64_t otherwise)
{
    int64_t number;
    return read_int(value_of(of, name), &number) ? number : otherwise;
}

double api_double(const Json *of, const char *name, double otherwise)
{
    const Json *value = value_of(of, name);
    double number;
    const char *text = json_string(value);
    if (text && text_to_double(text, &number)) {
        return number;
    }
    return json_double(value, otherwise);
}

bool api_bool(const Json *of, const char *name, bool otherwise)
{
    return json_bool(value_of(of, name), otherwise);
}

int api_enum(const Json *of, const char *name, const char *const *names, int otherwise)
{
    const Json *value = value_of(of, name);
    int number = value ? enum_number(names, value) : 0;
    return number ? number : otherwise;
}

const char **api_texts(ApiCall *call, const Json *of, const char *name, size_t *n)
{
    const Json *list = value_of(of, name);
    *n = json_size(list);
    const char **texts = *n ? mem_alloc(*n, sizeof *texts) : NULL;
    for (size_t i = 0; i < *n; i++) {
        texts[i] = text_of_value(call, json_at(list, i));
    }
    return texts;
}

KeyValue *api_key_values(ApiCall *call, const Json *of, const char *name, size_t *n)
{
    const Json *list = value_of(of, name);
    *n = json_size(list);
    KeyValue *pairs = *n ? mem_alloc(*n, sizeof *pairs) : NULL;
    for (size_t i = 0; i < *n; i++) {
        const Json *pair = json_at(list, i);
        const char *key = api_text(call, pair, "key");
        const char *value = api_text(call, pair, "value");
        pairs[i] = (KeyValue){key ? key : "", value ? value : ""};
    }
    return pairs;
}
