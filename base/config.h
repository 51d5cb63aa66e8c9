/* Configuration: field tables, and the one pass that fills structs from them.
 *
 * Each module owns one struct and one table of fields. The same table parses YAML and
 * `section.key=value`, checks bounds, prints help and --explain, and yields the run's
 * parameters. A key without a section ("seed: 1") belongs to the section named "". */
#ifndef MUSTER_BASE_CONFIG_H
#define MUSTER_BASE_CONFIG_H

#include "base/config_auto.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum FieldType {
    FIELD_BOOL,   /* bool: true, false, yes, no, on, off */
    FIELD_INT,    /* int64_t */
    FIELD_DOUBLE, /* double */
    FIELD_TEXT,   /* char *, owned; NULL when the default is NULL and nothing was given */
    FIELD_LIST,   /* StrList, owned; a scalar in YAML counts as a list of one */
    FIELD_CHOICE  /* int: index into `choices` */
} FieldType;

typedef struct Field {
    const char *key;
    FieldType type;
    size_t offset;              /* offsetof the section's struct */
    const char *default_text;   /* parsed as if it had been given; NULL = zero, empty */
    double min, max;            /* allowed range of numbers, both included */
    bool above_min;             /* `min` itself is not allowed */
    const char *const *choices; /* NULL-terminated names of a FIELD_CHOICE */
    const char *unit;           /* "rows", "s"; NULL for none */
    const char *help;           /* one line */
    bool placement;      /* where something is computed, not what: not in checkpoints */
    AutoRule *automatic; /* numbers and choices: what `auto` stands for; NULL: no auto */
} Field;

/* One module's part of the config: its name, its table and the struct to fill. */
typedef struct Section {
    const char *name;
    const char *help; /* one line */
    const Field *fields;
    size_t n_fields;
    void *target;
} Section;

typedef struct Config Config;

/* Reads a YAML file of `section: {key: value}` (two levels; lists of scalars as values).
 * Refused with file:line:column: syntax, duplicate keys (both places), NUL and invalid
 * UTF-8, UTF-16, over 1 MB, deeper than 64, aliases. The result borrows nothing.
 * `path` NULL gives an empty config. STATUS_CONFIG on failure. */
Status config_open(const char *path, Config **out);
void config_close(Config *config);

/* Adds one `section.key=value` from the command line; the value is read as YAML (so
 * `data.text=[a, b]` is a list). A later one beats an earlier one and the file. */
Status config_override(Config *config, const char *assignment);

/* The same for a value that came from an environment variable named `variable`; an
 * override and the file: flag beats environment beats file. */
Status config_environment(Config *config, const char *variable, const char *key,
                          const char *value);

/* Fills every section's struct: defaults, then what was given. Unknown sections and keys
 * (did-you-mean), wrong types, out of range: STATUS_CONFIG with where the value came from
 * and the allowed range. Structs must be zeroed before; free them with config_free. */
Status config_apply(Config *config, const Section *sections, size_t n_sections);

/* Whether a value, or any, is `auto` and waits for config_resolve. */
bool config_is_auto(const Section *section, const Field *field);
bool config_has_auto(const Section *sections, size_t n_sections);

/* Gives every value that is `auto` the one of its rule. `config` (NULL: nobody will ask)
 * remembers why, for config_explain. */
void config_resolve(Config *config, const Section *sections, size_t n_sections,
                    const DataFacts *facts);

/* Lets config_explain say why values are still `auto`. */
void config_leave_auto(Config *config, const char *why);

/* Whether "section.key" was given, and not as `auto`. */
bool config_is_given(const Config *config, const char *dotted_key);

/* Frees the owned texts and lists of every section's struct and zeroes them. */
void config_free(const Section *sections, size_t n_sections);

/* Where the value of "section.key" came from: "configs/x.yaml:12:9", "command line",
 * "MLFLOW_TRACKING_URI", "default". For errors about values that only make sense
 * together. Borrowed until config_close. */
const char *config_origin(const Config *config, const char *dotted_key);

/* STATUS_CONFIG, "x.yaml: data.train: missing": with where it was left empty, or else the
 * file that does not have it. */
Status config_missing(const Config *config, const char *dotted_key);

/* Prints every final value and its origin, section by section, as YAML with comments that
 * can be read back in. Values whose key names a secret are masked. */
void config_explain(const Config *config, const Section *sections, size_t n_sections,
                    FILE *out);

/* Prints the keys, types, defaults, ranges and help lines of the tables. */
void config_help(const Section *sections, size_t n_sections, FILE *out);

/* The value of one field as text, as it would be written in YAML; free with free(). */
char *config_value(const Section *section, const Field *field);

/* Calls `each` for every field: "train.lr", "0.002". Secrets are masked. */
void config_flatten(const Section *sections, size_t n_sections,
                    void (*each)(void *context, const char *key, const char *value),
                    void *context);

/* The section's values as an object of texts under the section's name, into an open
 * object. Nothing is masked. */
void config_write_json(const Section *section, JsonWriter *w);

/* "http://user:****@host": a copy without the password of any URI in the text. Free with
 * free(). */
char *config_mask_uris(const char *text);

#endif
