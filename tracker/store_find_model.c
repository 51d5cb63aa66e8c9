/* What users call versions of registered models. */
#include "tracker/registry.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char PREFIX[] = "models:/";

enum { NEAR_NAMES_FROM = 1000 };

bool is_model_reference(const char *text)
{
    return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

static Status malformed(const char *reference)
{
    status_set(STATUS_USAGE, "'%s' names no version of a model", reference);
    status_hint("models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/STAGE");
    return STATUS_USAGE;
}

/* The message of a failure stays; the hint says which names there are. */
static void hint_near_model(Store *store, const char *name)
{
    char *message = mem_strdup(status_message());
    RegistryQuery query = {.max_results = NEAR_NAMES_FROM};
    RegisteredModels all = {0};
    StrList names = {0};
    if (store_search_registered_models(store, &query, &all) == STATUS_OK) {
        for (size_t i = 0; i < all.n; i++) {
            strlist_add(&names, all.items[i].name);
        }
    }
    const char *nearest = text_nearest(name, (const char *const *)names.items, names.n);
    char *listed = strlist_join(&names, ", ");
    status_set(STATUS_NOT_FOUND, "%s", message);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else if (names.n > 0) {
        status_hint("models there: %.200s", listed);
    } else {
        status_hint("`muster models register` makes the first one");
    }
    free(listed);
    free(message);
    strlist_free(&names);
    registered_models_free(&all);
}

static Status by_stage(Store *store, const char *name, const char *stage,
                       ModelVersion *out)
{
    ModelVersions latest = {0};
    TRY(store_latest_versions(store, name, &stage, 1, &latest));
    if (latest.n == 0) {
        return status_set(STATUS_NOT_FOUND, "no version of %s is in stage %s", name,
                          model_stage_name(stage));
    }
    *out = latest.items[0];
    latest.items[0] = (ModelVersion){0};
    model_versions_free(&latest);
    return STATUS_OK;
}

/* An alias that is not there is the user's business here, not a malformed request. */
static Status by_alias(Store *store, const char *name, const char *alias,
                       ModelVersion *out)
{
    Status status = store_get_version_by_alias(store, name, alias, out);
    if (status == STATUS_USAGE) {
        status = status_set(STATUS_NOT_FOUND, "no version of %s has the alias %s", name,
                            alias);
        status_hint("`muster models show %s` lists its aliases", name);
    }
    return status;
}

static Status by_selector(Store *store, const char *reference, const char *name,
                          const char *selector, ModelVersion *out)
{
    int64_t version;
    if (model_stage_name(selector)) {
        return by_stage(store, name, selector, out);
    }
    if (strcasecmp(selector, "latest") == 0) {
        return by_alias(store, name, "latest", out);
    }
    return model_version_parse(selector, &version) == STATUS_OK
               ? store_get_model_version(store, name, version, out)
               : malformed(reference);
}

static Status check_model(Store *store, const char *name)
{
    RegisteredModel model;
    Status status = store_get_registered_model(store, name, &model);
    if (status == STATUS_OK) {
        registered_model_free(&model);
    } else if (status == STATUS_NOT_FOUND) {
        hint_near_model(store, name);
    }
    return status;
}

Status store_find_model_version(Store *store, const char *reference, ModelVersion *out)
{
    const char *text = reference + strlen(PREFIX);
    if (!is_model_reference(reference)) {
        return malformed(reference);
    }
    const char *at = strrchr(text, '@'), *slash = strrchr(text, '/');
    const char *end = at && (!slash || at > slash) ? at : slash;
    if (!end || end == text || !end[1]) {
        return malformed(reference);
    }
    char *name = mem_strndup(text, (size_t)(end - text));
    Status status = check_model(store, name);
    if (status == STATUS_OK) {
        status = end == at ? by_alias(store, name, end + 1, out)
                           : by_selector(store, reference, name, end + 1, out);
    }
    free(name);
    return status;
}
