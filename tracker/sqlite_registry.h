/* The parts of the registry in the SQLite store, for its own files. */
#ifndef MUSTER_TRACKER_SQLITE_REGISTRY_H
#define MUSTER_TRACKER_SQLITE_REGISTRY_H

#include "tracker/registry.h"
#include "tracker/sqlite_store.h"

/* sqlite_registry.c, inside a transaction: STATUS_NOT_FOUND without such a model. */
Status sqlite_require_model(Db *db, const char *name);
Status sqlite_touch_model(Db *db, const char *name, int64_t now);

/* sqlite_versions.c, inside a transaction: STATUS_NOT_FOUND without such a version, or
 * with a deleted one. */
Status sqlite_require_version(Db *db, const char *name, int64_t version);
Status sqlite_read_version(Db *db, const char *name, int64_t version, ModelVersion *out);

/* sqlite_versions.c: see RegistryCalls. */
Status sqlite_create_version(void *self, const ModelVersionCreate *create,
                             int64_t *version);
Status sqlite_import_version(void *self, const ModelVersion *version, bool *made);
Status sqlite_get_version(void *self, const char *name, int64_t version,
                          ModelVersion *out);
Status sqlite_update_version(void *self, const char *name, int64_t version,
                             const char *description);
Status sqlite_transition(void *self, const char *name, int64_t version, const char *stage,
                         bool archive_others);
Status sqlite_delete_version(void *self, const char *name, int64_t version);
Status sqlite_search_versions(void *self, const RegistryQuery *search,
                              ModelVersions *out);
Status sqlite_set_version_tag(void *self, const char *name, int64_t version,
                              const KeyValue *tag);
Status sqlite_delete_version_tag(void *self, const char *name, int64_t version,
                                 const char *key);

#endif
