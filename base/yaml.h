/* YAML of the shape our configs have, read into a flat list with positions.
 *
 * `key: value` or `section: {key: value}`, a value being a scalar or a list of scalars.
 * An item `name: value` of a list is the text "name:value". What the keys mean is
 * base/config's business. */
#ifndef MUSTER_BASE_YAML_H
#define MUSTER_BASE_YAML_H

#include "base/status.h"
#include "base/text.h"

#include <stddef.h>

enum { YAML_MAX_BYTES = 1 << 20, YAML_MAX_DEPTH = 64, YAML_MAX_KEYS = 4096 };

typedef enum YamlKind {
    YAML_IS_NULL, /* nothing, ~ or null */
    YAML_IS_SCALAR,
    YAML_IS_LIST
} YamlKind;

/* Lines and columns count from 1; columns count characters. */
typedef struct YamlValue {
    YamlKind kind;
    StrList texts; /* one for a scalar, none for null */
    size_t line, column;
} YamlValue;

typedef struct YamlEntry {
    char *section; /* "" for a key at the top */
    char *key;
    size_t line, column;                 /* of the key */
    size_t section_line, section_column; /* of the section's name; 0 at the top */
    YamlValue value;
} YamlEntry;

/* In file order. A section without keys stands as a null value under its name at the
 * top. Zero-initialised is empty. */
typedef struct YamlEntries {
    YamlEntry *items;
    size_t n, cap;
} YamlEntries;

void yaml_value_free(YamlValue *value);
void yaml_entries_free(YamlEntries *entries);

/* Reads a whole document. Refused, with "NAME:line:column: ...": syntax errors (the line
 * and a caret follow), duplicate keys (both places), more than YAML_MAX_BYTES, deeper
 * than YAML_MAX_DEPTH, aliases, tags, NUL, UTF-16 and other text that is no UTF-8. A byte
 * order mark and CRLF are fine, and so is a document without content. `out` must be empty
 * and stays so on failure. STATUS_CONFIG on failure. */
Status yaml_read(Text bytes, const char *name, YamlEntries *out);

/* Reads one value alone, by the same rules. Its position is within `bytes`. */
Status yaml_read_value(Text bytes, const char *name, YamlValue *out);

#endif
