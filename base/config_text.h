/* How fields and their values are put into words; shared by config.c's errors and
 * config_text.c's printing, for nobody else. */
#ifndef MUSTER_BASE_CONFIG_TEXT_H
#define MUSTER_BASE_CONFIG_TEXT_H

#include "base/config.h"

#include <stdbool.h>

/* Whether a key names a secret: it ends with password, token, secret, credentials, or
 * the word key. */
bool config_key_is_secret(const char *key);

/* A table entry whose bounds are both zero has none, unless it is above_min. */
bool config_has_min(const Field *field);
bool config_has_max(const Field *field);

/* "above 0 and at most 1", "1 to 512 rows"; "" without bounds. Free with free(). */
char *config_range(const Field *field);

/* "adam, sgd". Free with free(). */
char *config_choices(const Field *field);

#endif
