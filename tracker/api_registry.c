/* The model registry: registered models, their tags and aliases. Versions are in
 * api_versions.c. */
#include "tracker/registry.h"

#include "tracker/api.h"
#include "tracker/api_model_write.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"

#include <stdlib.h>

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static const char *name_of(ApiCall *call)
{
    return api_text(call, call->in, "name");
}

static Status answer_model(ApiCall *call, const char *name)
{
    RegisteredModel model;
    TRY(store_get_registered_model(call->store, name, &model));
    json_write_key(&call->out, "registered_model");
    api_write_registered_model(&call->out, &model);
    registered_model_free(&model);
    return STATUS_OK;
}

static Status create(ApiCall *call)
{
    size_t n_tags;
    KeyValue *tags = api_key_values(call, call->in, "tags", &n_tags);
    RegisteredModelCreate wanted = {.name = name_of(call),
                                    .description =
                                        api_text(call, call->in, "description"),
                                    .tags = tags,
                                    .n_tags = n_tags};
    Status status = store_create_registered_model(call->store, &wanted, NULL);
    free(tags);
    TRY(status);
    return answer_model(call, wanted.name);
}

static Status get(ApiCall *call)
{
    return answer_model(call, name_of(call));
}

static Status rename_model(ApiCall *call)
{
    const char *new_name = api_text(call, call->in, "new_name");
    TRY(store_rename_registered_model(call->store, name_of(call), new_name));
    return answer_model(call, new_name);
}

static Status update(ApiCall *call)
{
    TRY(store_update_registered_model(call->store, name_of(call),
                                      api_text(call, call->in, "description")));
    return answer_model(call, name_of(call));
}

static Status delete_model(ApiCall *call)
{
    return store_delete_registered_model(call->store, name_of(call));
}

static Status search(ApiCall *call)
{
    RegistryQuery query = {.filter = api_text(call, call->in, "filter"),
                           .page_token = api_text(call, call->in, "page_token")};
    TRY(api_max_results(call, PAGE_DEFAULT, PAGE_MAX, &query.max_results));
    const char **order_by = api_texts(call, call->in, "order_by", &query.n_order_by);
    query.order_by = order_by;
    RegisteredModels found = {0};
    Status status = store_search_registered_models(call->store, &query, &found);
    free(order_by);
    TRY(status);
    if (found.n > 0) {
        json_write_key(&call->out, "registered_models");
        json_begin_array(&call->out);
        for (size_t i = 0; i < found.n; i++) {
            api_write_registered_model(&call->out, &found.items[i]);
        }
        json_end_array(&call->out);
    }
    api_write_optional(&call->out, "next_page_token", found.next_page_token);
    registered_models_free(&found);
    return STATUS_OK;
}

static Status latest_versions(ApiCall *call)
{
    size_t n;
    const char **stages = api_texts(call, call->in, "stages", &n);
    ModelVersions found = {0};
    Status status = store_latest_versions(call->store, name_of(call), stages, n, &found);
    free(stages);
    TRY(status);
    api_write_model_versions(&call->out, "model_versions", &found);
    model_versions_free(&found);
    return STATUS_OK;
}

/* ---- tags and aliases ---- */

static Status set_tag(ApiCall *call)
{
    const char *value = api_text(call, call->in, "value");
    return store_set_registered_model_tag(
        call->store, name_of(call), api_text(call, call->in, "key"), value ? value : "");
}

static Status delete_tag(ApiCall *call)
{
    return store_delete_registered_model_tag(call->store, name_of(call),
                                             api_text(call, call->in, "key"));
}

static Status set_alias(ApiCall *call)
{
    int64_t version;
    TRY(model_version_parse(api_text(call, call->in, "version"), &version));
    return store_set_model_alias(call->store, name_of(call),
                                 api_text(call, call->in, "alias"), version);
}

static Status delete_alias(ApiCall *call)
{
    return store_delete_model_alias(call->store, name_of(call),
                                    api_text(call, call->in, "alias"));
}

static Status get_by_alias(ApiCall *call)
{
    ModelVersion version;
    TRY(store_get_version_by_alias(call->store, name_of(call),
                                   api_text(call, call->in, "alias"), &version));
    json_write_key(&call->out, "model_version");
    api_write_model_version(&call->out, &version);
    model_version_free(&version);
    return STATUS_OK;
}

/* ---- the table ---- */

#define NAME                                                                             \
    {                                                                                    \
        .name = "name", .required = true                                                 \
    }

static const ApiFields CREATE =
    API_FIELDS(NAME, {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG},
               {.name = "description"});
static const ApiFields BY_NAME = API_FIELDS(NAME);
static const ApiFields RENAME = API_FIELDS(NAME, {.name = "new_name", .required = true});
static const ApiFields UPDATE = API_FIELDS(NAME, {.name = "description"});
static const ApiFields SEARCH =
    API_FIELDS({.name = "filter"}, {.name = "max_results", .type = API_INT},
               {.name = "order_by", .type = API_STRINGS}, {.name = "page_token"});
static const ApiFields LATEST = API_FIELDS(NAME, {.name = "stages", .type = API_STRINGS});
static const ApiFields TAG =
    API_FIELDS(NAME, {.name = "key", .required = true}, {.name = "value"});
static const ApiFields ALIAS = API_FIELDS(NAME, {.name = "alias", .required = true});
static const ApiFields SET_ALIAS =
    API_FIELDS(NAME, {.name = "alias", .required = true},
               {.name = "version", .type = API_ID, .required = true});

#define READ(method, path, handle, fields)                                               \
    {                                                                                    \
        method, BASE_API, path, POLICY_READ, RUN_READER, handle, fields, NULL, 0         \
    }
#define WRITE(method, path, handle, fields)                                              \
    {                                                                                    \
        method, BASE_API, path, POLICY_WRITE, RUN_WRITER, handle, fields, NULL, 0        \
    }

static const Route ROUTES[] = {
    WRITE("POST", "registered-models/create", create, &CREATE),
    WRITE("POST", "registered-models/rename", rename_model, &RENAME),
    WRITE("PATCH", "registered-models/update", update, &UPDATE),
    WRITE("DELETE", "registered-models/delete", delete_model, &BY_NAME),
    READ("GET", "registered-models/get", get, &BY_NAME),
    READ("GET", "registered-models/search", search, &SEARCH),
    READ("GET", "registered-models/get-latest-versions", latest_versions, &LATEST),
    READ("POST", "registered-models/get-latest-versions", latest_versions, &LATEST),
    WRITE("POST", "registered-models/set-tag", set_tag, &TAG),
    WRITE("DELETE", "registered-models/delete-tag", delete_tag, &TAG),
    WRITE("POST", "registered-models/alias", set_alias, &SET_ALIAS),
    WRITE("DELETE", "registered-models/alias", delete_alias, &ALIAS),
    READ("GET", "registered-models/alias", get_by_alias, &ALIAS),
};

const RouteTable api_registry = ROUTE_TABLE(ROUTES);
