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

#endif
