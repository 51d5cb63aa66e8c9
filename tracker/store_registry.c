/* What is the same for every kind of store: names and limits, pages, aliases, and where a
 * version's files are. */
#include "tracker/registry.h"

#include "base/mem.h"
#include "tracker/logged_models.h"
#include "tracker/page_token.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const RegistryCalls *calls(const Store *store)
{
    return store->calls->registry;
}

/* ---- names and limits ---- */

static Status check_name(const char *name)
{
    if (!name || !*name) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Registered model name cannot be empty.");
    }
    return validate_text("name", name, LIMIT_MODEL_NAME);
}

static Status check_tag(const char *key, const char *value)
{
    TRY(validate_key("tag", key));
    return validate_text("value", value ? value : "", LIMIT_MODEL_TAG_VALUE);
}

static Status check_tags(const KeyValue *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(check_tag(tags[i].key, tags[i].value));
    }
    return STATUS_OK;
}

static Status check_description(const char *description)
{
    return validate_text("description", description ? description : "",
                         LIMIT_MODEL_DESCRIPTION);
}

static bool is_version_alias(const char *alias)
{
    size_t n = strlen(alias);
    return n > 1 && tolower((unsigned char)alias[0]) == 'v' &&
           strspn(alias + 1, "0123456789") == n - 1;
}

static Status check_alias(const char *alias)
{
    if (!alias || !*alias) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Registered model alias name cannot be empty.");
    }
    for (const char *p = alias; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-') {
            return store_fail(STORE_INVALID_PARAMETER_VALUE,
                              "Invalid alias name: '%s'. Names may only contain "
                              "alphanumerics, underscores (_) and dashes (-)",
                              alias);
        }
    }
    TRY(validate_text("alias", alias, LIMIT_MODEL_ALIAS));
    if (strcasecmp(alias, "latest") == 0) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "'latest' alias name (case insensitive) is reserved.");
    }
    if (is_version_alias(alias)) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Version alias name '%s' is reserved.", alias);
    }
    return STATUS_OK;
}

Status model_version_parse(const char *text, int64_t *out)
{
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n > 18 || strspn(text, "0123456789") != n) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Parameter 'version' must be an integer, got '%s'.",
                          text ? text : "");
    }
    *out = strtoll(text, NULL, 10);
    return STATUS_OK;
}

/* ---- registered models ---- */

Status store_create_registered_model(Store *store, const RegisteredModelCreate *create,
                                     RegisteredModel *out)
{
    TRY(check_name(create->name));
    TRY(check_description(create->description));
    TRY(check_tags(create->tags, create->n_tags));
    TRY(calls(store)->create_model(store->self, create));
    return out ? store_get_registered_model(store, create->name, out) : STATUS_OK;
}

Status store_get_registered_model(Store *store, const char *name, RegisteredModel *out)
{
    TRY(check_name(name));
    return calls(store)->get_model(store->self, name, out);
}

Status store_rename_registered_model(Store *store, const char *name, const char *new_name)
{
    TRY(check_name(name));
    TRY(check_name(new_name));
    return calls(store)->rename_model(store->self, name, new_name);
}

Status store_update_registered_model(Store *store, const char *name,
                                     const char *description)
{
    TRY(check_name(name));
    TRY(check_description(description));
    return calls(store)->update_model(store->self, name, description);
}

Status store_delete_registered_model(Store *store, const char *name)
{
    TRY(check_name(name));
    return calls(store)->delete_model(store->self, name);
}

/* One more than wanted tells whether there is a further page. */
static Status one_more(const RegistryQuery *query, RegistryQuery *page)
{
    *page = *query;
    if (query->page_token && *query->page_token) {
        TRY(page_token_read(query->page_token, &page->offset));
    }
    page->max_results += page->max_results > 0;
    return STATUS_OK;
}

Status store_search_registered_models(Store *store, const RegistryQuery *query,
                                      RegisteredModels *out)
{
    RegistryQuery page;
    TRY(one_more(query, &page));
    TRY(calls(store)->search_models(store->self, &page, out));
    if (query->max_results > 0 && (int64_t)out->n > query->max_results) {
        registered_model_free(&out->items[--out->n]);
        out->next_page_token = page_token_make(page.offset + query->max_results);
    }
    return STATUS_OK;
}

Status store_set_registered_model_tag(Store *store, const char *name, const char *key,
                                      const char *value)
{
    TRY(check_name(name));
    TRY(check_tag(key, value));
    KeyValue tag = {key, value ? value : ""};
    return calls(store)->set_model_tag(store->self, name, &tag);
}

Status store_delete_registered_model_tag(Store *store, const char *name, const char *key)
{
    TRY(check_name(name));
    TRY(validate_key("tag", key));
    return calls(store)->delete_model_tag(store->self, name, key);
}

static Status stage_of(const char *text, const char **out)
{
    *out = model_stage_name(text ? text : "");
    return *out ? STATUS_OK
                : store_fail(STORE_INVALID_PARAMETER_VALUE,
                             "Invalid Model Version stage: %s. Value must be one of "
                             "None, Staging, Production, Archived.",
                             text ? text : "");
}

static bool is_wanted(const char *stage, const char *const *stages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(stage, stages[i]) == 0) {
            return true;
        }
    }
    return n == 0;
}

Status store_latest_versions(Store *store, const char *name, const char *const *stages,
                             size_t n_stages, ModelVersions *out)
{
    RegisteredModel model;
    const char *unused;
    for (size_t i = 0; i < n_stages; i++) {
        TRY(stage_of(stages[i], &unused));
    }
    TRY(store_get_registered_model(store, name, &model));
    ModelVersions found = model.latest_versions;
    model.latest_versions = (ModelVersions){0};
    registered_model_free(&model);
    size_t n = 0;
    for (size_t i = 0; i < found.n; i++) {
        if (is_wanted(found.items[i].stage, stages, n_stages)) {
            found.items[n++] = found.items[i];
        } else {
            model_version_free(&found.items[i]);
        }
    }
    found.n = n;
    *out = found;
    return STATUS_OK;
}

/* ---- aliases ---- */

Status store_set_model_alias(Store *store, const char *name, const char *alias,
                             int64_t version)
{
    TRY(check_name(name));
    TRY(check_alias(alias));
    ModelAlias named = {alias, version};
    return calls(store)->set_alias(store->self, name, &named);
}

Status store_delete_model_alias(Store *store, const char *name, const char *alias)
{
    TRY(check_name(name));
    TRY(check_alias(alias));
    return calls(store)->delete_alias(store->self, name, alias);
}

/* 0 when no version has it. */
static int64_t version_of_alias(const RegisteredModel *model, const char *alias)
{
    for (size_t i = 0; i < model->aliases.n; i++) {
        if (strcmp(model->aliases.items[i].alias, alias) == 0) {
            return model->aliases.items[i].version;
        }
    }
    const ModelVersions *latest = &model->latest_versions; /* by version */
    return strcasecmp(alias, "latest") == 0 && latest->n > 0
               ? latest->items[latest->n - 1].version
               : 0;
}

Status store_get_version_by_alias(Store *store, const char *name, const char *alias,
                                  ModelVersion *out)
{
    RegisteredModel model;
    TRY(store_get_registered_model(store, name, &model));
    int64_t version = version_of_alias(&model, alias ? alias : "");
    registered_model_free(&model);
    return version
               ? store_get_model_version(store, name, version, out)
               : store_fail(STORE_INVALID_PARAMETER_VALUE,
                            "Registered model alias %s not found.", alias ? alias : "");
}

/* ---- where files are ---- */

static Status unknown_source(const char *source)
{
    char *message = mem_strdup(status_message());
    store_fail(STORE_INVALID_PARAMETER_VALUE,
               "Unable to fetch model from model URI source artifact location '%s'. "
               "Error: %s",
               source, message);
    free(message);
    return STATUS_USAGE;
}

static Status location_of_logged(Store *store, const char *model_id, char **out)
{
    LoggedModel model;
    TRY(store_get_logged_model(store, model_id, &model));
    *out = mem_strdup(model.artifact_location);
    logged_model_free(&model);
    return STATUS_OK;
}

static Status location_of_version(Store *store, const char *name, const char *number,
                                  char **out)
{
    int64_t version;
    TRY(model_version_parse(number, &version));
    return store_model_download_uri(store, name, version, out);
}

/* "models:/NAME/VERSION", "models:/MODEL_ID"; everything else stands for itself. */
static Status storage_of(Store *store, const char *source, char **out)
{
    static const char MODELS[] = "models:/";
    if (strncmp(source, MODELS, strlen(MODELS)) != 0) {
        *out = mem_strdup(source);
        return STATUS_OK;
    }
    const char *rest = source + strlen(MODELS), *slash = strrchr(rest, '/');
    char *name = mem_strndup(rest, slash ? (size_t)(slash - rest) : strlen(rest));
    Status status = slash ? location_of_version(store, name, slash + 1, out)
                          : location_of_logged(store, name, out);
    free(name);
    return status == STATUS_USAGE || status == STATUS_NOT_FOUND ? unknown_source(source)
                                                                : status;
}

/* ---- versions ---- */

/* The logged model is told which version it became: tag mlflow.modelVersions. */
static Status tell_logged_model(Store *store, const char *model_id, const char *name,
                                int64_t version)
{
    LoggedModel model;
    KeyValues known = {0};
    TRY(store_get_logged_model(store, model_id, &model));
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)version);
    logged_model_registrations(&model, &known);
    logged_model_free(&model);
    key_values_add(&known, name, number);
    char *text = logged_model_registrations_text(&known);
    KeyValue tag = {MODEL_VERSIONS_TAG, text};
    Status status = store_set_logged_model_tags(store, model_id, &tag, 1);
    free(text);
    key_values_free(&known);
    return status;
}

static Status check_create(const ModelVersionCreate *create)
{
    TRY(check_name(create->name));
    if (!create->source || !*create->source) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Missing value for required parameter 'source'");
    }
    TRY(validate_text("source", create->source, LIMIT_ARTIFACT_LOCATION));
    TRY(check_description(create->description));
    return check_tags(create->tags, create->n_tags);
}

/* In one transaction with what the logged model is told, where the store can. */
static Status create_version(Store *store, const ModelVersionCreate *create,
                             int64_t *version)
{
    bool logged = create->model_id && *create->model_id;
    LoggedModel model = {0};
    if (logged) {
        TRY(store_get_logged_model(store, create->model_id, &model));
        logged_model_free(&model);
    }
    TRY(store_begin(store));
    Status status = calls(store)->create_version(store->self, create, version);
    if (status == STATUS_OK && logged) {
        status = tell_logged_model(store, create->model_id, create->name, *version);
    }
    if (status != STATUS_OK) {
        store_rollback(store);
        return status;
    }
    return store_commit(store);
}

Status store_create_model_version(Store *store, const ModelVersionCreate *given,
                                  ModelVersion *out)
{
    TRY(check_create(given));
    char *storage = NULL;
    int64_t version = 0;
    TRY(storage_of(store, given->source, &storage));
    ModelVersionCreate create = *given;
    create.storage_location = storage;
    Status status = create_version(store, &create, &version);
    free(storage);
    TRY(status);
    return out ? store_get_model_version(store, given->name, version, out) : STATUS_OK;
}

Status store_import_model_version(Store *store, const ModelVersion *version, bool *made)
{
    TRY(check_name(version->name));
    return calls(store)->import_version(store->self, version, made);
}

Status store_get_model_version(Store *store, const char *name, int64_t version,
                               ModelVersion *out)
{
    TRY(check_name(name));
    return calls(store)->get_version(store->self, name, version, out);
}

Status store_update_model_version(Store *store, const char *name, int64_t version,
                                  const char *description)
{
    TRY(check_name(name));
    TRY(check_description(description));
    return calls(store)->update_version(store->self, name, version, description);
}

Status store_transition_stage(Store *store, const char *name, int64_t version,
                              const char *stage, bool archive_others)
{
    const char *wanted;
    TRY(check_name(name));
    TRY(stage_of(stage, &wanted));
    bool active = strcmp(wanted, "Staging") == 0 || strcmp(wanted, "Production") == 0;
    if (archive_others && !active) {
        return store_fail(
            STORE_INVALID_PARAMETER_VALUE,
            "Model version transition cannot archive existing model versions "
            "because '%s' is not an Active stage. Valid stages are Staging, "
            "Production",
            wanted);
    }
    return calls(store)->transition(store->self, name, version, wanted, archive_others);
}

Status store_delete_model_version(Store *store, const char *name, int64_t version)
{
    TRY(check_name(name));
    return calls(store)->delete_version(store->self, name, version);
}

Status store_search_model_versions(Store *store, const RegistryQuery *query,
                                   ModelVersions *out)
{
    RegistryQuery page;
    TRY(one_more(query, &page));
    TRY(calls(store)->search_versions(store->self, &page, out));
    if (query->max_results > 0 && (int64_t)out->n > query->max_results) {
        model_version_free(&out->items[--out->n]);
        out->next_page_token = page_token_make(page.offset + query->max_results);
    }
    return STATUS_OK;
}

Status store_set_model_version_tag(Store *store, const char *name, int64_t version,
                                   const char *key, const char *value)
{
    TRY(check_name(name));
    TRY(check_tag(key, value));
    KeyValue tag = {key, value ? value : ""};
    return calls(store)->set_version_tag(store->self, name, version, &tag);
}

Status store_delete_model_version_tag(Store *store, const char *name, int64_t version,
                                      const char *key)
{
    TRY(check_name(name));
    TRY(validate_key("tag", key));
    return calls(store)->delete_version_tag(store->self, name, version, key);
}

Status store_model_download_uri(Store *store, const char *name, int64_t version,
                                char **out)
{
    ModelVersion found;
    TRY(store_get_model_version(store, name, version, &found));
    *out = mem_strdup(found.storage_location);
    model_version_free(&found);
    return STATUS_OK;
}
