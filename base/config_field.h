/* One field's value, checked and stored; config.c's other half, for nobody else. */
#ifndef MUSTER_BASE_CONFIG_FIELD_H
#define MUSTER_BASE_CONFIG_FIELD_H

#include "base/config.h"
#include "base/yaml.h"

/* Parses the value by the field's type, checks its bounds and puts it into the section's
 * struct, which stays as it was on failure. STATUS_CONFIG with "ORIGIN: section.key: ..."
 * otherwise. */
Status config_set_field(const Section *section, const Field *field, const char *origin,
                        const YamlValue *value);

/* Whether the value is the word `auto`. */
bool config_says_auto(const YamlValue *value);

/* Why values that were `auto` are what they are: config_auto.c's, kept by config.c. */
typedef struct AutoNotes {
    StrList keys, whys; /* "section.key", "22,265 training rows" */
    char *left;         /* why the others are still auto, or NULL */
} AutoNotes;

AutoNotes *config_auto_notes(Config *config); /* NULL of NULL */
void auto_notes_free(AutoNotes *notes);

/* Where a field's value comes from, for config_explain; free with free(). */
char *config_why(const Config *config, const Section *section, const Field *field);

#endif
