/* Printing of configs: final values, help, the flat list of a run's parameters. */
#include "base/config_text.h"

#include "base/config_field.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

bool config_key_is_secret(const char *key)
{
    static const char *const ENDS[] = {"password", "passwd",      "token",
                                       "secret",   "credentials", "apikey"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        if (ends_with(key, ENDS[i])) {
            return true;
        }
    }
    return strcmp(key, "key") == 0 || ends_with(key, "_key") || ends_with(key, ".key");
}

/* 2^62 and more bound nothing: a table may say INT64_MAX or INFINITY. */

bool config_has_min(const Field *field)
{
    bool any = field->min != 0 || field->max != 0 || field->above_min;
    return any && field->min > -0x1p62;
}

bool config_has_max(const Field *field)
{
    bool given = field->max > field->min || (field->max == field->min && field->max != 0);
    return given && field->max < 0x1p62;
}

/* Whole numbers in full: 1000 rather than 1e+03. */
static void format_number(double value, char out[32])
{
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(out, 32, "%.0f", value);
    } else {
        text_from_double(value, out);
    }
}

char *config_range(const Field *field)
{
    char min[32], max[32];
    StrBuf text = {0};
    format_number(field->min, min);
    format_number(field->max, max);
    bool has_min = config_has_min(field), has_max = config_has_max(field);
    if (has_min && has_max && !field->above_min) {
        strbuf_printf(&text, "%s to %s", min, max);
    } else {
        if (has_min) {
            strbuf_printf(&text, "%s %s", field->above_min ? "above" : "at least", min);
        }
        if (has_max) {
            strbuf_printf(&text, "%sat most %s", has_min ? " and " : "", max);
        }
    }
    if (field->unit && text.n > 0) {
        strbuf_printf(&text, " %s", field->unit);
    }
    return strbuf_take(&text);
}

char *config_choices(const Field *field)
{
    StrBuf text = {0};
    for (size_t i = 0; field->choices[i]; i++) {
        strbuf_printf(&text, "%s%s", i ? ", " : "", field->choices[i]);
    }
    return strbuf_take(&text);
}

/* Characters that mean nothing to YAML wherever they stand inside a plain scalar. */
static bool is_plain_char(unsigned char c)
{
    return isalnum(c) || c >= 0x80 || strchr("_./+-%@=", c) != NULL;
}

/* Whether a text can stand without quotes, in a list as well as alone, and reads back as
 * itself. */
static bool is_plain(const char *text)
{
    size_t n = strlen(text);
    bool null = strcasecmp(text, "null") == 0;
    if (n == 0 || null || !(isalnum((unsigned char)text[0]) || strchr("_./", text[0]))) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool inner = i + 1 < n && text[i + 1] != ' ';
        if (!is_plain_char(c) && !(inner && (c == ' ' || c == ':'))) {
            return false;
        }
    }
    return true;
}

static void add_scalar(StrBuf *out, const char *text)
{
    if (is_plain(text)) {
        strbuf_add_text(out, text);
    } else { /* a JSON string is a YAML string */
        JsonWriter w = json_writer(out, 0);
        json_write_string(&w, text);
    }
}

static const char MASK[] = "****";

static void add_text(StrBuf *out, const char *text, bool secret, bool mask)
{
    if (!text) {
        strbuf_add_text(out, "null");
    } else if (mask && secret && *text) {
        add_scalar(out, MASK);
    } else if (mask) {
        char *masked = config_mask_uris(text);
        add_scalar(out, masked);
        free(masked);
    } else {
        add_scalar(out, text);
    }
}

static void add_list(StrBuf *out, const StrList *list, bool secret, bool mask)
{
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        strbuf_add_text(out, i ? ", " : "");
        add_text(out, list->items[i], secret, mask);
    }
    strbuf_add_char(out, ']');
}

static char *value_text(const Section *section, const Field *field, bool mask)
{
    const void *at = (const char *)section->target + field->offset;
    bool secret = config_key_is_secret(field->key);
    StrBuf out = {0};
    char number[32];
    if (config_is_auto(section, field)) {
        return mem_strdup("auto");
    }
    switch (field->type) {
    case FIELD_BOOL:
        strbuf_add_text(&out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_INT:
        strbuf_printf(&out, "%lld", (long long)*(const int64_t *)at);
        break;
    case FIELD_DOUBLE:
        format_number(*(const double *)at, number);
        strbuf_add_text(&out, number);
        break;
    case FIELD_TEXT:
        add_text(&out, *(char *const *)at, secret, mask);
        break;
    case FIELD_LIST:
        add_list(&out, at, secret, mask);
        break;
    case FIELD_CHOICE:
        add_scalar(&out, field->choices[*(const int *)at]);
        break;
    }
    return strbuf_take(&out);
}

char *config_value(const Section *section, const Field *field)
{
    return value_text(section, field, false);
}

static char *dotted_key(const Section *section, const Field *field)
{
    return mem_printf("%s%s%s", section->name, *section->name ? "." : "", field->key);
}

void config_write_json(const Section *section, JsonWriter *w)
{
    json_write_key(w, section->name);
    json_begin_object(w);
    for (size_t i = 0; i < section->n_fields; i++) {
        char *value = config_value(section, &section->fields[i]);
        json_write_key(w, section->fields[i].key);
        json_write_string(w, value);
        free(value);
    }
    json_end_object(w);
}

void config_flatten(const Section *sections, size_t n_sections,
                    void (*each)(void *context, const char *key, const char *value),
                    void *context)
{
    for (size_t i = 0; i < n_sections; i++) {
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            char *key = dotted_key(&sections[i], &sections[i].fields[k]);
            char *value = value_text(&sections[i], &sections[i].fields[k], true);
            each(context, key, value);
            free(value);
            free(key);
        }
    }
}

enum { ORIGIN_COLUMN = 40 };

static void explain_field(const Config *config, const Section *section,
                          const Field *field, FILE *out)
{
    char *value = value_text(section, field, true);
    char *line = mem_printf("%s%s: %s", *section->name ? "  " : "", field->key, value);
    int width = (int)utf8_width(text_of(line));
    int gap = width < ORIGIN_COLUMN ? ORIGIN_COLUMN - width : 0;
    char *why = config_why(config, section, field);
    fprintf(out, "%s%*s  # %s\n", line, gap, "", why);
    free(why);
    free(line);
    free(value);
}

void config_explain(const Config *config, const Section *sections, size_t n_sections,
                    FILE *out)
{
    for (size_t i = 0; i < n_sections; i++) {
        if (*sections[i].name && sections[i].n_fields > 0) {
            fprintf(out, "%s:\n", sections[i].name);
        }
        for (size_t k = 0; k < sections[i].n_fields; k++) {
            explain_field(config, &sections[i], &sections[i].fields[k], out);
        }
    }
}

/* What is typed for the value: "NUMBER", "none|basic". */
static char *placeholder(const Field *field)
{
    static const char *const NAMES[] = {
        [FIELD_BOOL] = "true|false", [FIELD_INT] = "INT",   [FIELD_DOUBLE] = "NUMBER",
        [FIELD_TEXT] = "TEXT",       [FIELD_LIST] = "LIST", [FIELD_CHOICE] = "",
    };
    if (field->type != FIELD_CHOICE) {
        return mem_strdup(NAMES[field->type]);
    }
    StrBuf text = {0};
    for (size_t i = 0; field->choices[i]; i++) {
        strbuf_printf(&text, "%s%s", i ? "|" : "", field->choices[i]);
    }
    return strbuf_take(&text);
}

enum { HELP_COLUMN = 34 };

/* "  train.lr=NUMBER      peak learning rate (default 0.002; above 0 and at most 1)" */
static void help_field(const Section *section, const Field *field, FILE *out)
{
    char *key = dotted_key(section, field);
    char *value = placeholder(field);
    char *range = config_range(field);
    int width = fprintf(out, "  %s=%s", key, value);
    if (width >= HELP_COLUMN) {
        fputc('\n', out);
        width = 0;
    }
    fprintf(out, "%*s  %s", HELP_COLUMN - width, "", field->help ? field->help : "");
    const char *preset = field->default_text ? field->default_text : "";
    if (*preset || *range) {
        fprintf(out, " (%s%s%s%s)", *preset ? "default " : "", preset,
                *preset && *range ? "; " : "", range);
    }
    fputc('\n', out);
    free(range);
    free(value);
    free(key);
}

void config_help(const Section *sections, size_t n_sections, FILE *out)
{
    for (size_t i = 0; i < n_sections; i++) {
        const Section *section = &sections[i];
        fprintf(out, "%s%s%s%s\n", i ? "\n" : "", section->name,
                *section->name ? ": " : "", section->help ? section->help : "");
        for (size_t k = 0; k < section->n_fields; k++) {
            help_field(section, &section->fields[k], out);
        }
    }
}
