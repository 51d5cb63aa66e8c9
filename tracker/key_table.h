/* Metric keys, each kept once: who logs a million points of "loss" shares one copy.
 *
 * Looking up takes no lock and any number of threads; a key is checked once, when it is
 * first seen. */
#ifndef MUSTER_TRACKER_KEY_TABLE_H
#define MUSTER_TRACKER_KEY_TABLE_H

#include "base/status.h"

typedef struct KeyTable KeyTable;

KeyTable *key_table_open(void);
void key_table_close(KeyTable *table); /* frees the keys; NULL is fine */

/* The table's copy of `key`, borrowed until key_table_close. STATUS_USAGE for what is no
 * key of a metric (tracker/validate.h), and when there are too many different ones. */
Status key_table_intern(KeyTable *table, const char *key, const char **out);

#endif
