/* Which texts YAML 1.1 takes for something else, and how those are quoted. */
#include "tracker/meta_yaml.h"

#include "base/files.h"
#include "base/mem.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

/* What a plain scalar would be other than text (https://yaml.org/type/). */
static const char OTHER_TYPES[] =
    "^(~|null|Null|NULL|<<|=|"
    "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|"
    "[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|"
    "[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+|"
    "[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|\\.[0-9][0-9_]*([eE][-+][0-9]+)?|"
    "[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)|"
    "[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:"
    "[0-9]{2}:[0-9]{2}(\\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?)$";

static bool is_other_type(const char *text)
{
    regex_t regex;
    CHECK(regcomp(&regex, OTHER_TYPES, REG_EXTENDED | REG_NOSUB) == 0);
    bool result = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return result;
}

static bool has_control_character(const char *text)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_space_or_end(char c)
{
    return c == ' ' || c == '\0';
}

static bool has_indicator(const char *text)
{
    if (strchr("#,[]{}&*!|>'\"%@`", *text) || strncmp(text, "---", 3) == 0 ||
        strncmp(text, "...", 3) == 0) {
        return true;
    }
    if (strchr("-?:", *text) && is_space_or_end(text[1])) {
        return true;
    }
    for (const char *p = text; *p; p++) {
        if ((*p == ':' && is_space_or_end(p[1])) || (*p == ' ' && p[1] == '#')) {
            return true;
        }
    }
    return *text == ' ' || text[strlen(text) - 1] == ' ';
}

static void add_double_quoted(StrBuf *out, const char *text)
{
    strbuf_add_char(out, '"');
    for (const char *p = text; *p; p++) {
        const char *escaped = *p == '"'    ? "\\\""
                              : *p == '\\' ? "\\\\"
                              : *p == '\n' ? "\\n"
                              : *p == '\r' ? "\\r"
                              : *p == '\t' ? "\\t"
                                           : NULL;
        if (escaped) {
            strbuf_add_text(out, escaped);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            strbuf_printf(out, "\\x%02X", (unsigned char)*p);
        } else {
            strbuf_add_char(out, *p);
        }
    }
    strbuf_add_char(out, '"');
}

static void add_scalar(StrBuf *out, const char *text)
{
    if (has_control_character(text)) {
        add_double_quoted(out, text);
    } else if (*text && !has_indicator(text) && !is_other_type(text)) {
        strbuf_add_text(out, text);
    } else {
        strbuf_add_char(out, '\'');
        for (const char *p = text; *p; p++) {
            strbuf_add_text(out, *p == '\'' ? "'" : "");
            strbuf_add_char(out, *p);
        }
        strbuf_add_char(out, '\'');
    }
}

void meta_add_text(StrBuf *out, const char *key, const char *value)
{
    add_scalar(out, key);
    strbuf_add_text(out, ": ");
    if (value) {
        add_scalar(out, value);
    } else {
        strbuf_add_text(out, "null");
    }
    strbuf_add_char(out, '\n');
}

void meta_add_int(StrBuf *out, const char *key, int64_t value)
{
    strbuf_printf(out, "%s: %lld\n", key, (long long)value);
}

void meta_add_map(StrBuf *out, const char *key, const KeyValues *map)
{
    strbuf_printf(out, map->n ? "%s:\n" : "%s: {}\n", key);
    KeyValues sorted = {0};
    for (size_t i = 0; i < map->n; i++) {
        key_values_add(&sorted, map->items[i].key, map->items[i].value);
    }
    key_values_sort(&sorted);
    for (size_t i = 0; i < sorted.n; i++) {
        strbuf_add_text(out, "  ");
        meta_add_text(out, sorted.items[i].key, sorted.items[i].value);
    }
    key_values_free(&sorted);
}

/* ---- reading ---- */

Status meta_load(const char *path, YamlEntries *out)
{
    StrBuf bytes = {0};
    TRY(file_read(path, YAML_MAX_BYTES, STATUS_NOT_FOUND, &bytes));
    Status status = yaml_read((Text){bytes.p, bytes.n}, path, out);
    strbuf_free(&bytes);
    if (status != STATUS_OK) {
        char *message = mem_strdup(status_message());
        status = status_set(STATUS_DAMAGED, "%s", message);
        free(message);
    }
    return status;
}

static const YamlValue *find(const YamlEntries *meta, const char *key)
{
    for (size_t i = 0; i < meta->n; i++) {
        if (!*meta->items[i].section && strcmp(meta->items[i].key, key) == 0) {
            return &meta->items[i].value;
        }
    }
    return NULL;
}

const char *meta_text(const YamlEntries *meta, const char *key)
{
    const YamlValue *value = find(meta, key);
    return value && value->kind == YAML_IS_SCALAR ? value->texts.items[0] : NULL;
}

int64_t meta_int(const YamlEntries *meta, const char *key, int64_t otherwise)
{
    const char *text = meta_text(meta, key);
    char *end;
    long long value = text ? strtoll(text, &end, 10) : 0;
    return text && *text && !*end ? value : otherwise;
}

void meta_map(const YamlEntries *meta, const char *key, KeyValues *out)
{
    for (size_t i = 0; i < meta->n; i++) {
        const YamlEntry *entry = &meta->items[i];
        if (strcmp(entry->section, key) == 0 && entry->value.kind == YAML_IS_SCALAR) {
            key_values_add(out, entry->key, entry->value.texts.items[0]);
        }
    }
}
