/* From the bytes of a query or a body to the JSON object that handlers read.
 *
 * MLflow's clients have sent many things over the years: a body that is no JSON counts as
 * an empty object, a string that holds an object is decoded twice, and Python's bare NaN
 * and Infinity are numbers here. */
#include "tracker/api.h"

#include "base/mem.h"
#include "tracker/api_fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- queries ---- */

static bool is_list(ApiType type)
{
    return type == API_STRINGS || type == API_IDS;
}

static const char *first_value(const HttpTarget *target, const ApiField *field)
{
    const char *value = http_target_param(target, field->name);
    return value || !field->alias ? value : http_target_param(target, field->alias);
}

static void write_list(JsonWriter *w, const HttpTarget *target, const char *name)
{
    json_begin_array(w);
    for (size_t i = 0; i < target->n_params; i++) {
        if (strcmp(target->params[i].name, name) == 0) {
            json_write_string(w, target->params[i].value);
        }
    }
    json_end_array(w);
}

static Status write_bool(ApiCall *call, JsonWriter *w, const ApiField *field,
                         const char *value)
{
    if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0) {
        return api_fail(call, "INVALID_PARAMETER_VALUE",
                        "Invalid boolean value '%.200s' for parameter '%s': expected "
                        "true or false",
                        value, field->name);
    }
    json_write_bool(w, strcasecmp(value, "true") == 0);
    return STATUS_OK;
}

static Status write_param(ApiCall *call, JsonWriter *w, const ApiField *field)
{
    const char *value = first_value(&call->target, field);
    if (!value) {
        return STATUS_OK;
    }
    json_write_key(w, field->name);
    if (field->type == API_BOOL) {
        return write_bool(call, w, field, value);
    }
    if (is_list(field->type)) {
        write_list(w, &call->target, field->name);
    } else {
        json_write_string(w, value);
    }
    return STATUS_OK;
}

static Status read_query(ApiCall *call)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    const ApiFields *fields = call->route->fields;
    Status status = STATUS_OK;
    json_begin_object(&w);
    for (size_t i = 0; i < fields->n && status == STATUS_OK; i++) {
        status = write_param(call, &w, &fields->items[i]);
    }
    if (status == STATUS_OK) {
        json_end_object(&w);
        status = json_parse((Text){text.p, text.n}, "query", STATUS_USAGE, &call->in);
        CHECK(status == STATUS_OK);
    }
    strbuf_free(&text);
    return status;
}

/* ---- bodies ---- */

/* Puts quotes around NaN, Infinity and -Infinity where they stand outside of strings. */
static char *quote_bare_numbers(Text text, size_t *n)
{
    static const char *const NAMES[] = {"NaN", "Infinity", "-Infinity"};
    StrBuf out = {0};
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string && c == '\\' && i + 1 < text.n) {
            strbuf_add(&out, text.p + i++, 2);
            continue;
        }
        in_string ^= c == '"';
        const char *name = NULL;
        for (size_t k = 0; k < 3 && !in_string && !name; k++) {
            size_t length = strlen(NAMES[k]);
            name = length <= text.n - i && memcmp(text.p + i, NAMES[k], length) == 0
                       ? NAMES[k]
                       : NULL;
        }
        if (name) {
            strbuf_printf(&out, "\"%s\"", name);
            i += strlen(name) - 1;
        } else {
            strbuf_add_char(&out, c);
        }
    }
    *n = out.n;
    return strbuf_take(&out);
}

static bool parse(Text text, Json **out)
{
    if (json_parse(text, "body", STATUS_USAGE, out) == STATUS_OK) {
        return true;
    }
    if (!memmem(text.p, text.n, "NaN", 3) && !memmem(text.p, text.n, "Infinity", 8)) {
        return false;
    }
    size_t n;
    char *quoted = quote_bare_numbers(text, &n);
    bool ok = json_parse((Text){quoted, n}, "body", STATUS_USAGE, out) == STATUS_OK;
    free(quoted);
    return ok;
}

static void read_body(ApiCall *call)
{
    Text text = {call->x->body.p, call->x->body.n};
    Json *value = NULL;
    if (text.n > 0) {
        parse(text, &value);
    }
    if (json_type(value) == JSON_STRING) {
        Json *inner = NULL;
        parse(json_text(value), &inner);
        json_free(value);
        value = inner;
    }
    if (json_type(value) != JSON_OBJECT) {
        json_free(value);
        CHECK(json_parse(TEXT("{}"), "body", STATUS_USAGE, &value) == STATUS_OK);
    }
    call->in = value;
    strbuf_free(&call->x->body);
}

static Status check_content_type(ApiCall *call)
{
    const char *method = call->x->method;
    if (strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0) {
        return STATUS_OK;
    }
    const char *type = http_header(call->x, "Content-Type");
    if (!type) {
        return api_fail(call, "INVALID_PARAMETER_VALUE",
                        "Bad Request. Content-Type header is missing.");
    }
    size_t n = strcspn(type, "; ");
    if (n != strlen("application/json") ||
        strncasecmp(type, "application/json", n) != 0) {
        return api_fail(call, "INVALID_PARAMETER_VALUE",
                        "Bad Request. Content-Type must be one of ['application/json'].");
    }
    return STATUS_OK;
}

Status api_read_request(ApiCall *call)
{
    if (!call->route->fields) {
        return STATUS_OK;
    }
    if (strcmp(call->route->method, "GET") == 0) {
        TRY(read_query(call));
    } else {
        TRY(check_content_type(call));
        read_body(call);
    }
    return api_check_fields(call);
}

/* ---- and back ---- */

/* A handler that answers with something else than JSON sets the reply's status itself. */
void api_run(ApiCall *call)
{
    HttpReply *reply = &call->x->reply;
    call->out = json_writer(&reply->body, 0);
    json_begin_object(&call->out);
    Status status = call->route->handle(call);
    if (status != STATUS_OK && !call->failed) {
        api_fail_with_status(call, status);
    }
    if (reply->status == 0) {
        json_end_object(&call->out);
        reply->status = 200;
        reply->content_type = "application/json";
    }
}
