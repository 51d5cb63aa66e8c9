/* Folders with a file per key, as MLflow lays out params, tags and metrics: the key is
 * the path, so that one with slashes stands in folders. */
#ifndef MUSTER_TRACKER_KEY_FILES_H
#define MUSTER_TRACKER_KEY_FILES_H

#include "base/status.h"
#include "base/text.h"
#include "tracker/entities.h"

#include <stdbool.h>

enum { KEY_FILE_MAX_BYTES = 1 << 28 };

/* All keys below `dir`, sorted by bytes; a missing folder has none. */
Status key_files_list(const char *dir, StrList *keys);

/* All keys with their texts, sorted. */
Status key_files_read(const char *dir, KeyValues *out);

/* STATUS_USAGE when a file or a folder of another key stands where this one's would:
 * "a" and "a/b" cannot both be. */
Status key_file_check(const char *dir, const char *key);

Status key_file_write(const char *dir, const char *key, const char *value);

/* *out = NULL when there is none; free with free(). */
Status key_file_read(const char *dir, const char *key, char **out);

/* *there = false, and nothing done, when there is no such key. */
Status key_file_remove(const char *dir, const char *key, bool *there);

/* Every point of a metric, in the order of its file; none when there is no such file. A
 * line that is none is STATUS_DAMAGED, except for a torn one at the end. */
Status metric_file_read(const char *dir, const char *key, Metrics *out);

/* Appends points that are not in the file yet. */
Status metric_file_append(const char *dir, const char *key, const Metric *const *points,
                          size_t n);

/* "1.0", "1e-05", "nan", "-inf": a double as Python writes it. `out` has 32 bytes. */
void python_from_double(double value, char out[32]);

#endif
