/* Values as they were given, with where they came from, and the pass that turns them into
 * structs by the modules' field tables. Single values are config_field.c's business,
 * printing config_text.c's. */
#include "base/config.h"

#include "base/config_field.h"
#include "base/config_text.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

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
    char *path; /* NULL without a file */
    Given *items;
    size_t n, cap;
    AutoNotes notes;
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
    config->path = mem_strdup(path);
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
    auto_notes_free(&config->notes);
    free(config->items);
    free(config->path);
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
    char *name = mem_strndup(key.p, key.n);
    const char *shown = config_key_is_secret(name) ? "****" : text;
    free(name);
    status_set(STATUS_CONFIG, "%s: %.*s: not a value or a list: %.200s", origin,
               (int)key.n, key.p, shown);
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

static const Given *find_dotted(const Config *config, const char *dotted_key)
{
    const char *dot = strchr(dotted_key, '.');
    Text section = {dotted_key, dot ? (size_t)(dot - dotted_key) : 0};
    return config ? find_given(config, section, text_of(dot ? dot + 1 : dotted_key))
                  : NULL;
}

const char *config_origin(const Config *config, const char *dotted_key)
{
    const Given *given = find_dotted(config, dotted_key);
    return given ? given->origin : "default";
}

bool config_is_given(const Config *config, const char *dotted_key)
{
    const Given *given = find_dotted(config, dotted_key);
    return given && !config_says_auto(&given->value);
}

AutoNotes *config_auto_notes(Config *config)
{
    return config ? &config->notes : NULL;
}

Status config_missing(const Config *config, const char *dotted_key)
{
    const char *origin = config_origin(config, dotted_key);
    bool given = strcmp(origin, "default") != 0;
    status_set(STATUS_CONFIG, "%s: missing", dotted_key);
    if (given || (config && config->path)) {
        status_prefix("%s", given ? origin : config->path);
    }
    return STATUS_CONFIG;
}

static const char *dot_of(const Section *section)
{
    return *section->name ? "." : "";
}

/* A default that its own table refuses is our mistake, not the user's. */
static void set_default(const Section *section, const Field *field)
{
    if (!field->default_text) {
        return;
    }
    YamlValue value;
    bool good = value_of_text(field->default_text, "default", &value) == STATUS_OK &&
                config_set_field(section, field, "default", &value) == STATUS_OK;
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
    return config_set_field(section, field, given->origin, &given->value);
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
