/* What is the same for every kind of store: names, limits, pages. */
#include "tracker/logged_models.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tracker/names.h"
#include "tracker/page_token.h"
#include "tracker/search_logged_models.h"
#include "tracker/store_error.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const LoggedModelCalls *calls(const Store *store)
{
    return store->calls->logged_models;
}

static Status check_name(const char *name)
{
    if (strpbrk(name, "/:.%\"'")) {
        return store_fail(STORE_INVALID_PARAMETER_VALUE,
                          "Invalid model name (%s) provided. Model name must be a "
                          "non-empty string and cannot contain the following characters: "
                          "/ : . %% \" '",
                          name);
    }
    return validate_text("name", name, LIMIT_LOGGED_MODEL_NAME);
}

static Status check_id(const char *model_id)
{
    return model_id && *model_id ? validate_run_id(model_id)
                                 : store_fail(STORE_INVALID_PARAMETER_VALUE,
                                              "Missing value for required parameter "
                                              "'model_id'");
}

static Status check_params(const KeyValue *params, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(validate_key("param", params[i].key));
    }
    return STATUS_OK;
}

static Status check_tags(const KeyValue *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TRY(validate_key("tag", tags[i].key));
        TRY(validate_text("value", tags[i].value ? tags[i].value : "", LIMIT_TAG_VALUE));
    }
    return STATUS_OK;
}

Status store_create_logged_model(Store *store, const LoggedModelCreate *given,
                                 LoggedModel *out)
{
    char made_name[RUN_NAME_CAP], hex[RUN_ID_CAP], model_id[MODEL_ID_CAP];
    LoggedModelCreate create = *given;
    if (!create.experiment_id || !*create.experiment_id) {
        create.experiment_id = "0";
    }
    const char *name = create.name;
    if (!name || !*name) {
        run_name_make(made_name);
        name = made_name;
    }
    TRY(check_name(name));
    TRY(check_params(create.params, create.n_params));
    TRY(check_tags(create.tags, create.n_tags));
    run_id_make(hex);
    snprintf(model_id, sizeof model_id, "m-%s", hex);
    int64_t now = clock_wall_ms();
    LoggedModel model = {.model_id = model_id,
                         .experiment_id = create.experiment_id,
                         .name = name,
                         .model_type = create.model_type,
                         .source_run_id = create.source_run_id,
                         .status = LOGGED_MODEL_PENDING,
                         .creation_time = now,
                         .last_updated_time = now,
                         .params = {(KeyValue *)create.params, create.n_params, 0},
                         .tags = {(KeyValue *)create.tags, create.n_tags, 0}};
    bool made;
    TRY(calls(store)->create(store->self, &model, &made));
    return store_get_logged_model(store, model_id, out);
}

Status store_import_logged_model(Store *store, const LoggedModel *model, bool *made)
{
    TRY(check_id(model->model_id));
    return calls(store)->create(store->self, model, made);
}

Status store_get_logged_model(Store *store, const char *model_id, LoggedModel *out)
{
    TRY(check_id(model_id));
    return calls(store)->get(store->self, model_id, out);
}

Status store_finalize_logged_model(Store *store, const char *model_id,
                                   LoggedModelStatus status)
{
    TRY(check_id(model_id));
    return logged_model_status_name(status)
               ? calls(store)->finalize(store->self, model_id, status)
               : store_fail(STORE_INVALID_PARAMETER_VALUE,
                            "Invalid value %d for parameter 'status' supplied",
                            (int)status);
}

Status store_log_logged_model_params(Store *store, const char *model_id,
                                     const KeyValue *params, size_t n)
{
    TRY(check_id(model_id));
    TRY(check_params(params, n));
    return calls(store)->log_params(store->self, model_id, params, n);
}

Status store_set_logged_model_tags(Store *store, const char *model_id,
                                   const KeyValue *tags, size_t n)
{
    TRY(check_id(model_id));
    TRY(check_tags(tags, n));
    return calls(store)->set_tags(store->self, model_id, tags, n);
}

Status store_delete_logged_model_tag(Store *store, const char *model_id, const char *key)
{
    TRY(check_id(model_id));
    TRY(validate_key("tag", key));
    return calls(store)->delete_tag(store->self, model_id, key);
}

Status store_delete_logged_model(Store *store, const char *model_id)
{
    TRY(check_id(model_id));
    return calls(store)->delete_model(store->self, model_id);
}

Status store_deleted_logged_models(Store *store, KeyValues *out)
{
    return calls(store)->deleted(store->self, out);
}

Status store_purge_logged_model(Store *store, const char *model_id)
{
    TRY(check_id(model_id));
    return calls(store)->purge(store->self, model_id);
}

Status store_search_logged_models(Store *store, const LoggedModelQuery *query,
                                  LoggedModels *out)
{
    LoggedModelQuery page = *query;
    LoggedModels found = {0};
    if (query->page_token && *query->page_token) {
        TRY(page_token_read(query->page_token, &page.offset));
    }
    page.max_results += page.max_results > 0;
    TRY(search_among_logged_models(&page, &found)); /* mistakes, before reading */
    Status status = calls(store)->all(store->self, query->experiment_ids,
                                      query->n_experiment_ids, &found);
    if (status == STATUS_OK) {
        status = search_among_logged_models(&page, &found);
    }
    if (status != STATUS_OK) {
        logged_models_free(&found);
        return status;
    }
    if (query->max_results > 0 && (int64_t)found.n > query->max_results) {
        logged_model_free(&found.items[--found.n]);
        found.next_page_token = page_token_make(page.offset + query->max_results);
    }
    *out = found;
    return STATUS_OK;
}

Status store_log_model_inputs(Store *store, const char *run_id,
                              const char *const *model_ids, size_t n)
{
    TRY(validate_run_id(run_id));
    for (size_t i = 0; i < n; i++) {
        TRY(check_id(model_ids[i]));
    }
    return calls(store)->log_inputs(store->self, run_id, model_ids, n);
}

Status store_log_model_outputs(Store *store, const char *run_id,
                               const ModelOutput *outputs, size_t n)
{
    TRY(validate_run_id(run_id));
    for (size_t i = 0; i < n; i++) {
        TRY(check_id(outputs[i].model_id));
    }
    return calls(store)->log_outputs(store->self, run_id, outputs, n);
}
