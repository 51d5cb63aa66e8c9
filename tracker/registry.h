/* The model registry of a store: named models, their numbered versions, stages, aliases
 * and tags.
 *
 * MLflow's rules: a version's number is one more than any there ever was; a deleted one
 * leaves its number taken; an alias names one version of a model; a version is in one
 * stage. Failures are those of tracker/store.h, with a finer code in
 * tracker/store_error.h. A struct that a call filled owns its texts; free it with the
 * function named beside it. */
#ifndef MUSTER_TRACKER_REGISTRY_H
#define MUSTER_TRACKER_REGISTRY_H

#include "base/status.h"
#include "tracker/entities.h"
#include "tracker/store.h"

#include <stdbool.h>

/* Models that carry it with "true" are texts for language models: searches leave them out
 * unless the filter asks for the tag. */
#define PROMPT_TAG "mlflow.prompt.is_prompt"

typedef struct ModelVersion {
    const char *name;                         /* of the registered model */
    int64_t version;                          /* from 1 */
    int64_t creation_time, last_updated_time; /* ms */
    const char *description;                  /* NULL when there is none */
    const char *user_id;                      /* likewise */
    const char *stage;                        /* "None", "Staging", ... */
    const char *source;                       /* a URI or a path */
    const char *run_id, *run_link;            /* "" when there is none */
    const char *status;                       /* "READY" */
    const char *status_message;               /* NULL when there is none */
    const char *storage_location;             /* where its files are; never NULL */
    KeyValues tags;                           /* by key */
    StrList aliases;                          /* sorted */
} ModelVersion;

typedef struct ModelVersions {
    ModelVersion *items;
    size_t n, cap;
    char *next_page_token;
} ModelVersions;

typedef struct ModelAlias {
    const char *alias;
    int64_t version;
} ModelAlias;

typedef struct ModelAliases {
    ModelAlias *items;
    size_t n, cap;
} ModelAliases;

typedef struct RegisteredModel {
    const char *name;
    const char *description;                  /* NULL when there is none */
    int64_t creation_time, last_updated_time; /* ms */
    KeyValues tags;                           /* by key */
    ModelAliases aliases;                     /* by name */
    ModelVersions latest_versions;            /* the newest of each stage, by version */
} RegisteredModel;

typedef struct RegisteredModels {
    RegisteredModel *items;
    size_t n, cap;
    char *next_page_token;
} RegisteredModels;

void model_version_free(ModelVersion *version); /* the contents, not the struct */
void model_versions_free(ModelVersions *list);
void registered_model_free(RegisteredModel *model);
void registered_models_free(RegisteredModels *list);
void model_aliases_add(ModelAliases *list, const char *alias, int64_t version);

/* The stage as it is written, of a text in any case; NULL for what is none. Static. */
const char *model_stage_name(const char *text);

typedef struct RegisteredModelCreate {
    const char *name;
    const char *description; /* or NULL */
    const KeyValue *tags;
    size_t n_tags;
} RegisteredModelCreate;

typedef struct ModelVersionCreate {
    const char *name; /* of a registered model that is there */
    const char *source;
    const char *run_id, *run_link, *description, *user_id; /* or NULL */
    const char *model_id; /* a logged model, which gets to know the version; or NULL */
    const KeyValue *tags;
    size_t n_tags;

    /* For kinds of stores: set by store_create_model_version. */
    const char *storage_location;
} ModelVersionCreate;

/* For both searches. */
typedef struct RegistryQuery {
    const char *filter; /* tracker/filter.h; NULL or "" = all */
    const char *const *order_by;
    size_t n_order_by;
    int64_t max_results, offset; /* 0 = no limit, from the first */
    const char *page_token;      /* of the page before; NULL or "" = from `offset` */
} RegistryQuery;

/* The calls of one kind of store; see the functions below. */
typedef struct RegistryCalls {
    Status (*create_model)(void *self, const RegisteredModelCreate *create);
    Status (*get_model)(void *self, const char *name, RegisteredModel *out);
    Status (*rename_model)(void *self, const char *name, const char *new_name);
    Status (*update_model)(void *self, const char *name, const char *description);
    Status (*delete_model)(void *self, const char *name);
    Status (*search_models)(void *self, const RegistryQuery *query,
                            RegisteredModels *out);
    Status (*set_model_tag)(void *self, const char *name, const KeyValue *tag);
    Status (*delete_model_tag)(void *self, const char *name, const char *key);
    Status (*set_alias)(void *self, const char *name, const ModelAlias *alias);
    Status (*delete_alias)(void *self, const char *name, const char *alias);
    Status (*create_version)(void *self, const ModelVersionCreate *create,
                             int64_t *version);
    Status (*import_version)(void *self, const ModelVersion *version, bool *made);
    Status (*get_version)(void *self, const char *name, int64_t version,
                          ModelVersion *out);
    Status (*update_version)(void *self, const char *name, int64_t version,
                             const char *description);
    Status (*transition)(void *self, const char *name, int64_t version, const char *stage,
                         bool archive_others);
    Status (*delete_version)(void *self, const char *name, int64_t version);
    Status (*search_versions)(void *self, const RegistryQuery *query, ModelVersions *out);
    Status (*set_version_tag)(void *self, const char *name, int64_t version,
                              const KeyValue *tag);
    Status (*delete_version_tag)(void *self, const char *name, int64_t version,
                                 const char *key);
} RegistryCalls;

/* ---- registered models ---- */

/* A taken name is STORE_RESOURCE_ALREADY_EXISTS. `out` may be NULL. */
Status store_create_registered_model(Store *store, const RegisteredModelCreate *create,
                                     RegisteredModel *out);
Status store_get_registered_model(Store *store, const char *name, RegisteredModel *out);

/* Its versions, tags and aliases follow. */
Status store_rename_registered_model(Store *store, const char *name,
                                     const char *new_name);
Status store_update_registered_model(Store *store, const char *name,
                                     const char *description);

/* With all of its versions, for good. Files stay where they are. */
Status store_delete_registered_model(Store *store, const char *name);
Status store_search_registered_models(Store *store, const RegistryQuery *query,
                                      RegisteredModels *out);
Status store_set_registered_model_tag(Store *store, const char *name, const char *key,
                                      const char *value);

/* Fine when there is none. */
Status store_delete_registered_model_tag(Store *store, const char *name, const char *key);

/* The newest version in each of these stages (any case); none = in all four. */
Status store_latest_versions(Store *store, const char *name, const char *const *stages,
                             size_t n_stages, ModelVersions *out);

/* Gives the alias to a version; it leaves the one that had it. */
Status store_set_model_alias(Store *store, const char *name, const char *alias,
                             int64_t version);

/* Fine when there is none. */
Status store_delete_model_alias(Store *store, const char *name, const char *alias);

/* "latest" is the newest. An unknown alias is STORE_INVALID_PARAMETER_VALUE. */
Status store_get_version_by_alias(Store *store, const char *name, const char *alias,
                                  ModelVersion *out);

/* ---- versions ---- */

/* A source "models:/NAME/VERSION" or "models:/MODEL_ID" stands for where that one's files
 * are. Whether a client may name a local path is for the caller to say. */
Status store_create_model_version(Store *store, const ModelVersionCreate *create,
                                  ModelVersion *out);

/* Makes a version as it is in another store, with its number, times, stage and tags, its
 * model being there. One of that number is left as it is: *made = false. */
Status store_import_model_version(Store *store, const ModelVersion *version, bool *made);
Status store_get_model_version(Store *store, const char *name, int64_t version,
                               ModelVersion *out);
Status store_update_model_version(Store *store, const char *name, int64_t version,
                                  const char *description);

/* `archive_others`: whatever else is in that stage (Staging or Production) moves to
 * Archived. */
Status store_transition_stage(Store *store, const char *name, int64_t version,
                              const char *stage, bool archive_others);

/* Its number stays taken, its aliases go. */
Status store_delete_model_version(Store *store, const char *name, int64_t version);
Status store_search_model_versions(Store *store, const RegistryQuery *query,
                                   ModelVersions *out);
Status store_set_model_version_tag(Store *store, const char *name, int64_t version,
                                   const char *key, const char *value);

/* Fine when there is none. */
Status store_delete_model_version_tag(Store *store, const char *name, int64_t version,
                                      const char *key);

/* Where a version's files are; free with free(). */
Status store_model_download_uri(Store *store, const char *name, int64_t version,
                                char **out);

/* A version as clients write it. */
Status model_version_parse(const char *text, int64_t *out);

/* ---- what users call versions ---- */

/* "models:/..." */
bool is_model_reference(const char *text);

/* "models:/NAME/VERSION", "models:/NAME@ALIAS", "models:/NAME/STAGE" (the newest in it),
 * "models:/NAME/latest". STATUS_NOT_FOUND with what there is; STATUS_USAGE for what is
 * none of these. */
Status store_find_model_version(Store *store, const char *reference, ModelVersion *out);

/* ---- for the kinds of stores ---- */

/* A version that was deleted is kept under this stage, so that its number stays taken. */
#define STAGE_DELETED "Deleted_Internal"

Status no_registered_model(const char *name);
Status no_model_version(const char *name, int64_t version);
Status registered_model_exists(const char *name);

/* Hands a version to the list if it is the newest of its stage so far, in place of the
 * one there; frees it otherwise. The list stays in the order of versions. */
void latest_versions_take(ModelVersions *latest, ModelVersion *version);

#endif
