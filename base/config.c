/* Values as they were given, with where they came from, and the pass that turns them into
 * structs by the modules' field tables. Printing stands in config_text.c. */
#include "base/config.h"

#include "base/config_text.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Who wins: a later source over an earlier one, and within one the later value. */
typedef enum Source { FROM_FILE, FROM_ENVIRONMENT, FROM_COMMAND_LINE } Source;

typedef struct Given {
    Source source;
    char *section_origin; /* where the section's name stands */
    char *key_origin;     /* where the key stands */
    char *origin;         /* where the value stands */
    char *section, *key;
    YamlValue value;
} Given;

struct Config {
    Given *items;
    size_t n, cap;
};

static void add_given(Config *config, Given given)
{
    config->items =
        mem_grow(config->items, &config->cap, config->n + 1, sizeof *config->items);
    config->items[config->n++] = given;
}

static char *origin_of(const char *path, size_t line, size_t column)
{
    return mem_printf("%s:%zu:%zu", path, line, column);
}

/* Takes the entries' texts over. */
static void take_entries(Config *config, const char *path, YamlEntries *entries)
{
    for (size_t i = 0; i < entries->n; i++) {
        YamlEntry *entry = &entries->items[i];
        Given given = {
            .source = FROM_FILE,
            .section_origin = origin_of(path, entry->section_line, entry->section_column),
            .key_origin = origin_of(path, entry->line, entry->column),
            .origin = origin_of(path, entry->value.line, entry->value.column),
            .section = entry->section,
            .key = entry->key,
            .value = entry->value,
        };
        add_given(config, given);
        *entry = (YamlEntry){0};
    }
}

Status config_open(const char *path, Config **out)
{
    Config *config = mem_zalloc(1, sizeof *config);
    if (path) {
        StrBuf bytes = {0};
        YamlEntries entries = {0};
        Status status = file_read(path, YAML_MAX_BYTES, STATUS_CONFIG, &bytes);
        if (status == STATUS_OK) {
            status = yaml_read((Text){bytes.p, bytes.n}, path, &entries);
        }
        strbuf_free(&bytes);
        if (status != STATUS_OK) {
            config_close(config);
            return status;
        }
        take_entries(config, path, &entries);
        yaml_entries_free(&entries);
    }
    *out = config;
    return STATUS_OK;
}

void config_close(Config *config)
{
    if (!config) {
        return;
    }
    for (size_t i = 0; i < config->n; i++) {
        Given *given = &config->items[i];
        free(given->section_origin);
        free(given->key_origin);
        free(given->origin);
        free(given->section);
        free(given->key);
        yaml_value_free(&given->value);
    }
    free(config->items);
    free(config);
}

/* A value outside a file is itself unless it opens a list or a quote: nobody should have
 * to think of YAML's punctuation on a command line. */
static Status value_of_text(const char *text, const char *origin, YamlValue *out)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL"};
    if (*text && strchr("[\"'", *text)) {
        return yaml_read_value(text_of(text), origin, out);
    }
    YamlValue value = {.kind = YAML_IS_SCALAR, .line = 1, .column = 1};
    for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++) {
        if (strcmp(text, NULLS[i]) == 0) {
            value.kind = YAML_IS_NULL;
        }
    }
    if (value.kind == YAML_IS_SCALAR) {
        strlist_add(&value.texts, text);
    }
    *out = value;
    return STATUS_OK;
}

/* Lines and columns within one argument would say little. */
static Status refuse_outside(const char *origin, Text key, const char *text)
{
    status_set(STATUS_CONFIG, "%s: %.*s: not a value or a list: %.200s", origin,
               (int)key.n, key.p, text);
    status_hint("lists are written [a, b], quotes close where they open");
    return STATUS_CONFIG;
}

static Status add_outside(Config *config, Source source, const char *origin, Text key,
                          const char *text)
{
    YamlValue value;
    if (value_of_text(text, origin, &value) != STATUS_OK) {
        return refuse_outside(origin, key, text);
    }
    const char *dot = memchr(key.p, '.', key.n);
    size_t section_n = dot ? (size_t)(dot - key.p) : 0;
    size_t skip = dot ? section_n + 1 : 0;
    Given given = {
        .source = source,
        .section_origin = mem_strdup(origin),
        .key_origin = mem_strdup(origin),
        .origin = mem_strdup(origin),
        .section = mem_strndup(key.p, section_n),
        .key = mem_strndup(key.p + skip, key.n - skip),
        .value = value,
    };
    add_given(config, given);
    return STATUS_OK;
}

Status config_override(Config *config, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment) {
        status_set(STATUS_USAGE, "%s: expected section.key=value", assignment);
        status_hint("overrides look like train.lr=3e-4");
        return STATUS_USAGE;
    }
    Text key = {assignment, (size_t)(equals - assignment)};
    return add_outside(config, FROM_COMMAND_LINE, "command line", key, equals + 1);
}

Status config_environment(Config *config, const char *variable, const char *key,
                          const char *value)
{
    return add_outside(config, FROM_ENVIRONMENT, variable, text_of(key), value);
}

static const Given *find_given(const Config *config, Text section, Text key)
{
    const Given *found = NULL;
    for (size_t i = 0; i < config->n; i++) {
        const Given *given = &config->items[i];
        if (text_is(section, given->section) && text_is(key, given->key) &&
            (!found || given->source >= found->source)) {
            found = given;
        }
    }
    return found;
}

const char *config_origin(const Config *config, const char *dotted_key)
{
    const char *dot = strchr(dotted_key, '.');
    Text section = {dotted_key, dot ? (size_t)(dot - dotted_key) : 0};
    const Given *given =
        config ? find_given(config, section, text_of(dot ? dot + 1 : dotted_key)) : NULL;
    return given ? given->origin : "default";
}

/* What a value is checked against and where it goes. */
typedef struct Slot {
    const Section *section;
    const Field *field;
    const char *origin;
} Slot;

static const char *dot_of(const Section *section)
{
    return *section->name ? "." : "";
}

/* "ORIGIN: train.lr: WHAT" */
static Status refuse(const Slot *slot, const char *what)
{
    return status_set(STATUS_CONFIG, "%s: %s%s%s: %s", slot->origin, slot->section->name,
                      dot_of(slot->section), slot->field->key, what);
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

static Status set_field(const Slot *slot, const YamlValue *value)
{
    static Status (*const SET[])(const Slot *, const YamlValue *, void *) = {
        [FIELD_BOOL] = set_bool, [FIELD_INT] = set_int,   [FIELD_DOUBLE] = set_double,
        [FIELD_TEXT] = set_text, [FIELD_LIST] = set_list, [FIELD_CHOICE] = set_choice,
    };
    void *at = (char *)slot->section->target + slot->field->offset;
    return SET[slot->field->type](slot, value, at);
}

/* A default that its own table refuses is our mistake, not the user's. */
static void set_default(const Section *section, const Field *field)
{
    if (!field->default_text) {
        return;
    }
    Slot slot = {section, field, "default"};
    YamlValue value;
    bool good = value_of_text(field->default_text, "default", &value) == STATUS_OK &&
                set_field(&slot, &value) == STATUS_OK;
    if (!good) {
        log_status();
    }
    CHECK(good);
    yaml_value_free(&value);
}

static const Section *find_section(const Section *sections, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(sections[i].name, name) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

static const Field *find_field(const Section *section, const char *key)
{
    for (size_t i = 0; section && i < section->n_fields; i++) {
        if (strcmp(section->fields[i].key, key) == 0) {
            return &section->fields[i];
        }
    }
    return NULL;
}

/* Every "section.key", and every section's name when `names`. */
static void all_keys(const Section *sections, size_t n, bool names, StrList *out)
{
    for (size_t i = 0; i < n; i++) {
        if (names && *sections[i].name) {
            strlist_add(out, sections[i].name);
        }
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            strlist_add_take(out,
                             mem_printf("%s%s%s", sections[i].name, dot_of(&sections[i]),
                                        sections[i].fields[k].key));
        }
    }
}

/* The same key elsewhere is a likelier slip than a misspelling. */
static void hint_known_key(const Section *sections, size_t n, const Given *given,
                           const char *dotted)
{
    for (size_t i = 0; i < n; i++) {
        if (find_field(&sections[i], given->key)) {
            status_hint("did you mean %s%s%s?", sections[i].name, dot_of(&sections[i]),
                        given->key);
            return;
        }
    }
    StrList known = {0};
    all_keys(sections, n, !*given->section, &known);
    const char *nearest = text_nearest(dotted, (const char *const *)known.items, known.n);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    }
    strlist_free(&known);
}

static void hint_known_section(const Section *sections, size_t n, const char *name)
{
    StrList known = {0};
    for (size_t i = 0; i < n; i++) {
        if (*sections[i].name) {
            strlist_add(&known, sections[i].name);
        }
    }
    const char *nearest = text_nearest(name, (const char *const *)known.items, known.n);
    char *all = strlist_join(&known, ", ");
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("sections are: %s", all);
    }
    free(all);
    strlist_free(&known);
}

static Status check_known(const Section *sections, size_t n, const Given *given)
{
    const Section *section = find_section(sections, n, given->section);
    if (find_field(section, given->key)) {
        return STATUS_OK;
    }
    bool at_top = !*given->section;
    if (at_top && find_section(sections, n, given->key)) {
        if (given->value.kind == YAML_IS_NULL) { /* "train:" with nothing below it */
            return STATUS_OK;
        }
        return status_set(STATUS_CONFIG, "%s: %s: expected keys below it, found a value",
                          given->origin, given->key);
    }
    if (!at_top && !section) {
        status_set(STATUS_CONFIG, "%s: unknown section %s", given->section_origin,
                   given->section);
        hint_known_section(sections, n, given->section);
        return STATUS_CONFIG;
    }
    char *dotted = mem_printf("%s%s%s", given->section, at_top ? "" : ".", given->key);
    status_set(STATUS_CONFIG, "%s: unknown key %s", given->key_origin, dotted);
    hint_known_key(sections, n, given, dotted);
    free(dotted);
    return STATUS_CONFIG;
}

static Status apply_field(Config *config, const Section *section, const Field *field)
{
    set_default(section, field);
    const Given *given = find_given(config, text_of(section->name), text_of(field->key));
    if (!given) {
        return STATUS_OK;
    }
    Slot slot = {section, field, given->origin};
    return set_field(&slot, &given->value);
}

Status config_apply(Config *config, const Section *sections, size_t n_sections)
{
    for (size_t i = 0; i < config->n; i++) {
        TRY(check_known(sections, n_sections, &config->items[i]));
    }
    for (size_t i = 0; i < n_sections; i++) {
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            TRY(apply_field(config, &sections[i], &sections[i].fields[k]));
        }
    }
    return STATUS_OK;
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
