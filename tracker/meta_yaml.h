/* The meta.yaml files of MLflow's folders: a mapping of plain values, keys sorted, in the
 * form PyYAML gives it (lines are not folded). */
#ifndef MUSTER_TRACKER_META_YAML_H
#define MUSTER_TRACKER_META_YAML_H

#include "base/status.h"
#include "base/text.h"
#include "base/yaml.h"
#include "tracker/entities.h"

/* ---- writing: "key: value" lines, which the caller adds in the order of the keys ----
 */

/* NULL is null; text that would read as something else is quoted. */
void meta_add_text(StrBuf *out, const char *key, const char *value);
void meta_add_int(StrBuf *out, const char *key, int64_t value);

/* A mapping of texts, sorted here; {} when empty. */
void meta_add_map(StrBuf *out, const char *key, const KeyValues *map);

/* ---- reading ---- */

/* STATUS_NOT_FOUND without the file, STATUS_DAMAGED for what is no mapping. Free with
 * yaml_entries_free. */
Status meta_load(const char *path, YamlEntries *out);

/* NULL when absent or null. Borrowed. */
const char *meta_text(const YamlEntries *meta, const char *key);
int64_t meta_int(const YamlEntries *meta, const char *key, int64_t otherwise);
void meta_map(const YamlEntries *meta, const char *key, KeyValues *out);

#endif
