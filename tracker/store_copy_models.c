/* The registry, model by model: the model, its versions in their order, its aliases. */
#include "tracker/store_copy.h"

#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/registry.h"

#include <stdlib.h>
#include <string.h>

/* Searches leave prompts out unless asked, so both are asked for. */
static const char *const ALL[] = {"", "tags.`" PROMPT_TAG "` = 'true'"};

enum { N_ALL = sizeof ALL / sizeof ALL[0] };

typedef struct Copy {
    Store *from, *to;
    const CopyOptions *options;
    CopyReport *report;
} Copy;

/* One that fails keeps no other from being copied; a store that fails ends it all. */
static Status note(Copy *copy, Status status, const char *name, int64_t version)
{
    if (status != STATUS_USAGE && status != STATUS_NOT_FOUND) {
        return status;
    }
    copy->report->n_models_failed++;
    if (copy->options->on_model_failure) {
        copy->options->on_model_failure(name, version);
    }
    return STATUS_OK;
}

/* ---- models ---- */

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static Status make_model(Copy *copy, const RegisteredModel *model)
{
    RegisteredModelCreate create = {.name = model->name,
                                    .description = model->description,
                                    .tags = model->tags.items,
                                    .n_tags = model->tags.n};
    TRY(store_create_registered_model(copy->to, &create, NULL));
    copy->report->n_models++;
    return STATUS_OK;
}

static Status update_model(Copy *copy, const RegisteredModel *model,
                           const RegisteredModel *there)
{
    if (!same(model->description, there->description)) {
        TRY(store_update_registered_model(copy->to, model->name, model->description));
    }
    for (size_t i = 0; i < model->tags.n; i++) {
        const KeyValue *tag = &model->tags.items[i];
        const char *value = key_values_get(&there->tags, tag->key);
        if (!value || strcmp(value, tag->value) != 0) {
            TRY(store_set_registered_model_tag(copy->to, model->name, tag->key,
                                               tag->value));
        }
    }
    return STATUS_OK;
}

static Status copy_model(Copy *copy, const RegisteredModel *model)
{
    RegisteredModel there;
    Status status = store_get_registered_model(copy->to, model->name, &there);
    if (status == STATUS_NOT_FOUND) {
        return make_model(copy, model);
    }
    TRY(status);
    status = update_model(copy, model, &there);
    registered_model_free(&there);
    return status;
}

/* ---- versions ---- */

/* Where the file that a URI names is, when the folder `before` was copied to `after`;
 * other URIs stay. Free with free(). */
static char *moved(const char *uri, const char *before, const char *after)
{
    char *path = artifact_local_path(uri);
    size_t n = before ? strlen(before) : 0;
    bool inside = path && n > 0 && after && strncmp(path, before, n) == 0 &&
                  (path[n] == '/' || !path[n]);
    char *result = inside ? mem_printf("%s%s", after, path + n) : mem_strdup(uri);
    free(path);
    return result;
}

/* The places of a version, as they are after its run's artifacts were copied. */
static void find_places(Copy *copy, const ModelVersion *version, char **source,
                        char **storage)
{
    Run before = {0}, after = {0};
    char *from = NULL, *to = NULL;
    if (!copy->options->without_artifacts && *version->run_id &&
        store_get_run(copy->from, version->run_id, &before) == STATUS_OK &&
        store_get_run(copy->to, version->run_id, &after) == STATUS_OK) {
        from = artifact_local_path(before.artifact_uri);
        to = artifact_local_path(after.artifact_uri);
    }
    *source = moved(version->source, from, to);
    *storage = moved(version->storage_location, from, to);
    free(from);
    free(to);
    run_free(&before);
    run_free(&after);
}

static Status import(Copy *copy, const ModelVersion *version, bool *made)
{
    ModelVersion wanted = *version;
    char *source, *storage;
    find_places(copy, version, &source, &storage);
    wanted.source = source;
    wanted.storage_location = storage;
    Status status = store_import_model_version(copy->to, &wanted, made);
    free(source);
    free(storage);
    return status;
}

static Status update_version(Copy *copy, const ModelVersion *version,
                             const ModelVersion *there)
{
    const char *name = version->name;
    int64_t number = version->version;
    if (version->creation_time != there->creation_time) {
        return status_set(STATUS_USAGE, "version %lld of %s is another one there",
                          (long long)number, name);
    }
    if (!same(version->description, there->description)) {
        TRY(store_update_model_version(copy->to, name, number, version->description));
    }
    if (strcmp(version->stage, there->stage) != 0) {
        TRY(store_transition_stage(copy->to, name, number, version->stage, false));
    }
    for (size_t i = 0; i < version->tags.n; i++) {
        const KeyValue *tag = &version->tags.items[i];
        const char *value = key_values_get(&there->tags, tag->key);
        if (!value || strcmp(value, tag->value) != 0) {
            TRY(store_set_model_version_tag(copy->to, name, number, tag->key,
                                            tag->value));
        }
    }
    return STATUS_OK;
}

/* A version that was deleted there stays deleted. */
static Status copy_version(Copy *copy, const ModelVersion *version)
{
    bool made;
    TRY(import(copy, version, &made));
    copy->report->n_versions += made;
    if (made) {
        return STATUS_OK;
    }
    ModelVersion there;
    Status status =
        store_get_model_version(copy->to, version->name, version->version, &there);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    status = update_version(copy, version, &there);
    model_version_free(&there);
    return status;
}

static Status copy_versions(Copy *copy, const char *filter)
{
    ModelVersions all = {0};
    RegistryQuery query = {.filter = filter};
    TRY(store_search_model_versions(copy->from, &query, &all));
    Status status = STATUS_OK;
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        const ModelVersion *version = &all.items[i];
        status = note(copy, copy_version(copy, version), version->name, version->version);
    }
    model_versions_free(&all);
    return status;
}

/* ---- aliases ---- */

static Status copy_aliases(Copy *copy, const RegisteredModel *model)
{
    RegisteredModel there;
    TRY(store_get_registered_model(copy->to, model->name, &there));
    Status status = STATUS_OK;
    for (size_t i = 0; i < model->aliases.n && status == STATUS_OK; i++) {
        const ModelAlias *alias = &model->aliases.items[i];
        bool known = false;
        for (size_t k = 0; k < there.aliases.n; k++) {
            known = known || (strcmp(there.aliases.items[k].alias, alias->alias) == 0 &&
                              there.aliases.items[k].version == alias->version);
        }
        if (!known) {
            status = store_set_model_alias(copy->to, model->name, alias->alias,
                                           alias->version);
        }
    }
    registered_model_free(&there);
    return status;
}

/* ---- all of it ---- */

static Status for_models(Copy *copy, const char *filter,
                         Status (*call)(Copy *copy, const RegisteredModel *model))
{
    RegisteredModels all = {0};
    RegistryQuery query = {.filter = filter};
    TRY(store_search_registered_models(copy->from, &query, &all));
    Status status = STATUS_OK;
    for (size_t i = 0; i < all.n && status == STATUS_OK; i++) {
        status = note(copy, call(copy, &all.items[i]), all.items[i].name, 0);
    }
    registered_models_free(&all);
    return status;
}

Status store_copy_models(Store *from, Store *to, const CopyOptions *options,
                         CopyReport *report)
{
    Copy copy = {from, to, options, report};
    for (size_t i = 0; i < N_ALL; i++) {
        TRY(for_models(&copy, ALL[i], copy_model));
        TRY(copy_versions(&copy, ALL[i]));
        TRY(for_models(&copy, ALL[i], copy_aliases));
    }
    return STATUS_OK;
}
