/* The parts of the registry in folders, for its own files. */
#ifndef MUSTER_TRACKER_FILE_REGISTRY_H
#define MUSTER_TRACKER_FILE_REGISTRY_H

#include "tracker/file_store.h"
#include "tracker/registry.h"

/* file_registry.c: the folder of a model, to be freed; STATUS_NOT_FOUND without it. */
Status file_model_dir(const FileStore *store, const char *name, char **out);

/* The folders of all models; `out` must be empty. */
Status file_model_dirs(const FileStore *store, StrList *out);
Status file_read_aliases(const char *model_dir, ModelAliases *out);

/* Sets when the model was changed last. */
Status file_touch_model(const char *model_dir, int64_t now);

/* file_versions.c: the numbers of a model's versions, deleted ones too, in order. */
Status file_version_numbers(const char *model_dir, Steps *out);

/* A version as its file says, deleted ones too. */
Status file_load_version(const char *model_dir, int64_t number, ModelVersion *out);
Status file_save_version(const char *model_dir, const ModelVersion *version);

/* STATUS_NOT_FOUND without such a version, or with a deleted one. */
Status file_read_version(const char *model_dir, const char *name, int64_t number,
                         ModelVersion *out);

/* file_versions.c: see RegistryCalls. */
Status file_create_version(void *self, const ModelVersionCreate *create,
                           int64_t *version);
Status file_import_version(void *self, const ModelVersion *version, bool *made);
Status file_get_version(void *self, const char *name, int64_t version, ModelVersion *out);
Status file_update_version(void *self, const char *name, int64_t version,
                           const char *description);
Status file_transition(void *self, const char *name, int64_t version, const char *stage,
                       bool archive_others);
Status file_delete_version(void *self, const char *name, int64_t version);
Status file_search_versions(void *self, const RegistryQuery *search, ModelVersions *out);
Status file_set_version_tag(void *self, const char *name, int64_t version,
                            const KeyValue *tag);
Status file_delete_version_tag(void *self, const char *name, int64_t version,
                               const char *key);

#endif
