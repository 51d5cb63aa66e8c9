/* The registry's values: growing, copying, freeing, and the words for what is not there.
 */
#include "tracker/registry.h"

#include "base/mem.h"
#include "tracker/store_error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void free_text(const char *text)
{
    free((char *)text);
}

static const char *const STAGES[] = {"None", "Staging", "Production", "Archived"};

const char *model_stage_name(const char *text)
{
    for (size_t i = 0; i < sizeof STAGES / sizeof STAGES[0]; i++) {
        if (strcasecmp(text, STAGES[i]) == 0) {
            return STAGES[i];
        }
    }
    return NULL;
}

void model_version_free(ModelVersion *version)
{
    free_text(version->name);
    free_text(version->description);
    free_text(version->user_id);
    free_text(version->stage);
    free_text(version->source);
    free_text(version->run_id);
    free_text(version->run_link);
    free_text(version->status);
    free_text(version->status_message);
    free_text(version->storage_location);
    key_values_free(&version->tags);
    strlist_free(&version->aliases);
    *version = (ModelVersion){0};
}

void model_versions_free(ModelVersions *list)
{
    for (size_t i = 0; i < list->n; i++) {
        model_version_free(&list->items[i]);
    }
    free(list->items);
    free(list->next_page_token);
    *list = (ModelVersions){0};
}

static void model_aliases_free(ModelAliases *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free_text(list->items[i].alias);
    }
    free(list->items);
    *list = (ModelAliases){0};
}

void model_aliases_add(ModelAliases *list, const char *alias, int64_t version)
{
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (ModelAlias){mem_strdup(alias), version};
}

void registered_model_free(RegisteredModel *model)
{
    free_text(model->name);
    free_text(model->description);
    key_values_free(&model->tags);
    model_aliases_free(&model->aliases);
    model_versions_free(&model->latest_versions);
    *model = (RegisteredModel){0};
}

void registered_models_free(RegisteredModels *list)
{
    for (size_t i = 0; i < list->n; i++) {
        registered_model_free(&list->items[i]);
    }
    free(list->items);
    free(list->next_page_token);
    *list = (RegisteredModels){0};
}

static int compare_versions(const void *a, const void *b)
{
    int64_t x = ((const ModelVersion *)a)->version,
            y = ((const ModelVersion *)b)->version;
    return (x > y) - (x < y);
}

void latest_versions_take(ModelVersions *latest, ModelVersion *version)
{
    size_t at = 0;
    while (at < latest->n && strcmp(latest->items[at].stage, version->stage) != 0) {
        at++;
    }
    if (at < latest->n && latest->items[at].version > version->version) {
        model_version_free(version);
        return;
    }
    if (at == latest->n) {
        latest->items =
            mem_grow(latest->items, &latest->cap, latest->n + 1, sizeof *latest->items);
        latest->n++;
    } else {
        model_version_free(&latest->items[at]);
    }
    latest->items[at] = *version;
    *version = (ModelVersion){0};
    qsort(latest->items, latest->n, sizeof latest->items[0], compare_versions);
}

Status no_registered_model(const char *name)
{
    return store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                      "Registered Model with name=%s not found", name);
}

Status no_model_version(const char *name, int64_t version)
{
    return store_fail(STORE_RESOURCE_DOES_NOT_EXIST,
                      "Model Version (name=%s, version=%lld) not found", name,
                      (long long)version);
}

Status registered_model_exists(const char *name)
{
    return store_fail(STORE_RESOURCE_ALREADY_EXISTS,
                      "Registered Model (name=%s) already exists.", name);
}
