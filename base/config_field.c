/* From a value as it was written to the C value of one field: types, bounds, choices, and
 * what is said when they do not fit. */
#include "base/config_field.h"

#include "base/config_text.h"
#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a value is checked against and where it goes. */
typedef struct Slot {
    const Section *section;
    const Field *field;
    const char *origin;
} Slot;

/* "ORIGIN: train.lr: WHAT" */
static Status refuse(const Slot *slot, const char *what)
{
    return status_set(STATUS_CONFIG, "%s: %s%s%s: %s", slot->origin, slot->section->name,
                      *slot->section->name ? "." : "", slot->field->key, what);
}

/* A secret given in the wrong shape must not show either. */
static char *shown_value(const Slot *slot, const YamlValue *value)
{
    if (config_key_is_secret(slot->field->key)) {
        return mem_strdup("****");
    }
    switch (value->kind) {
    case YAML_IS_NULL:
        return mem_strdup("nothing");
    case YAML_IS_LIST:
        return mem_strdup("a list");
    default:
        return mem_printf("\"%.200s\"", value->texts.items[0]);
    }
}

static Status refuse_found(const Slot *slot, const YamlValue *value, const char *expected)
{
    char *shown = shown_value(slot, value);
    char *what = mem_printf("expected %s, found %s", expected, shown);
    Status status = refuse(slot, what);
    free(what);
    free(shown);
    return status;
}

static Status refuse_range(const Slot *slot, const char *found)
{
    char *range = config_range(slot->field);
    char *what = mem_printf("%s is out of range, allowed is %s", found,
                            *range ? range : "what 64 bits hold");
    Status status = refuse(slot, what);
    free(what);
    free(range);
    return status;
}

static bool in_range(const Field *field, double value)
{
    if (config_has_min(field) &&
        (field->above_min ? value <= field->min : value < field->min)) {
        return false;
    }
    return !config_has_max(field) || value <= field->max;
}

static const char *scalar_of(const YamlValue *value)
{
    return value->kind == YAML_IS_SCALAR ? value->texts.items[0] : "";
}

static Status set_bool(const Slot *slot, const YamlValue *value, void *at)
{
    static const char *const NAMES[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcasecmp(scalar_of(value), NAMES[i]) == 0) {
            *(bool *)at = i % 2 == 1;
            return STATUS_OK;
        }
    }
    return refuse_found(slot, value, "true or false");
}

/* Digits alone that no number type holds are a range matter, not a wrong type. */
static bool is_huge(const char *text)
{
    char *end;
    double number = strtod(text, &end);
    bool decimal = strspn(text, "+-.0123456789eE") == strlen(text);
    return decimal && end != text && !*end && fabs(number) > 0x1p53;
}

static Status set_int(const Slot *slot, const YamlValue *value, void *at)
{
    long long number;
    const char *text = scalar_of(value);
    if (!text_to_int(text, &number)) {
        if (is_huge(text)) {
            return refuse_range(slot, text);
        }
        return refuse_found(slot, value, "a whole number");
    }
    if (!in_range(slot->field, (double)number)) {
        return refuse_range(slot, text);
    }
    *(int64_t *)at = number;
    return STATUS_OK;
}

static bool names_no_number(const char *text)
{
    static const char *const NAMES[] = {"nan", "inf", "infinity"};
    text += *text == '+' || *text == '-';
    text += *text == '.';
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcasecmp(text, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

static Status set_double(const Slot *slot, const YamlValue *value, void *at)
{
    double number;
    const char *text = scalar_of(value);
    if (!text_to_double(text, &number)) {
        if (names_no_number(text)) {
            return refuse_found(slot, value, "a finite number");
        }
        return is_huge(text) ? refuse_range(slot, text)
                             : refuse_found(slot, value, "a number");
    }
    if (!in_range(slot->field, number)) {
        return refuse_range(slot, text);
    }
    *(double *)at = number;
    return STATUS_OK;
}

static Status set_text(const Slot *slot, const YamlValue *value, void *at)
{
    if (value->kind == YAML_IS_LIST) {
        return refuse_found(slot, value, "one text");
    }
    free(*(char **)at);
    *(char **)at = value->kind == YAML_IS_NULL ? NULL : mem_strdup(scalar_of(value));
    return STATUS_OK;
}

static Status set_list(const Slot *slot, const YamlValue *value, void *at)
{
    (void)slot;
    StrList *list = at;
    strlist_free(list);
    for (size_t i = 0; i < value->texts.n; i++) {
        strlist_add(list, value->texts.items[i]);
    }
    return STATUS_OK;
}

static Status set_choice(const Slot *slot, const YamlValue *value, void *at)
{
    const char *const *choices = slot->field->choices;
    size_t n = 0;
    for (; choices[n]; n++) {
        if (strcmp(scalar_of(value), choices[n]) == 0) {
            *(int *)at = (int)n;
            return STATUS_OK;
        }
    }
    char *names = config_choices(slot->field);
    char *expected = mem_printf("one of %s", names);
    refuse_found(slot, value, expected);
    free(expected);
    free(names);
    const char *nearest = text_nearest(scalar_of(value), choices, n);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    }
    return STATUS_CONFIG;
}

bool config_says_auto(const YamlValue *value)
{
    return strcmp(scalar_of(value), "auto") == 0;
}

static Status set_auto(const Field *field, void *at)
{
    switch (field->type) {
    case FIELD_INT:
        *(int64_t *)at = AUTO_INT;
        break;
    case FIELD_DOUBLE:
        *(double *)at = AUTO_DOUBLE;
        break;
    default:
        CHECK(field->type == FIELD_CHOICE);
        *(int *)at = AUTO_CHOICE;
    }
    return STATUS_OK;
}

Status config_set_field(const Section *section, const Field *field, const char *origin,
                        const YamlValue *value)
{
    static Status (*const SET[])(const Slot *, const YamlValue *, void *) = {
        [FIELD_BOOL] = set_bool, [FIELD_INT] = set_int,   [FIELD_DOUBLE] = set_double,
        [FIELD_TEXT] = set_text, [FIELD_LIST] = set_list, [FIELD_CHOICE] = set_choice,
    };
    Slot slot = {section, field, origin};
    void *at = (char *)section->target + field->offset;
    if (field->automatic && config_says_auto(value)) {
        return set_auto(field, at);
    }
    return SET[field->type](&slot, value, at);
}

static size_t field_size(FieldType type)
{
    static const size_t SIZES[] = {
        [FIELD_BOOL] = sizeof(bool),     [FIELD_INT] = sizeof(int64_t),
        [FIELD_DOUBLE] = sizeof(double), [FIELD_TEXT] = sizeof(char *),
        [FIELD_LIST] = sizeof(StrList),  [FIELD_CHOICE] = sizeof(int),
    };
    return SIZES[type];
}

void config_free(const Section *sections, size_t n_sections)
{
    for (size_t i = 0; i < n_sections; i++) {
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            const Field *field = &sections[i].fields[k];
            void *at = (char *)sections[i].target + field->offset;
            if (field->type == FIELD_TEXT) {
                free(*(char **)at);
            } else if (field->type == FIELD_LIST) {
                strlist_free(at);
            }
            memset(at, 0, field_size(field->type));
        }
    }
}
