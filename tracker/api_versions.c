/* Versions of registered models. */
#include "tracker/api.h"
#include "tracker/api_files.h"
#include "tracker/api_model_write.h"
#include "tracker/api_shared.h"
#include "tracker/api_source.h"
#include "tracker/api_write.h"
#include "tracker/registry.h"

#include <stdlib.h>

enum { PAGE_MAX = 200000 };

static const char *name_of(ApiCall *call)
{
    return api_text(call, call->in, "name");
}

static Status version_of(ApiCall *call, int64_t *out)
{
    return model_version_parse(api_text(call, call->in, "version"), out);
}

static void write_version(ApiCall *call, ModelVersion *version)
{
    json_write_key(&call->out, "model_version");
    api_write_model_version(&call->out, version);
    model_version_free(version);
}

static Status answer_version(ApiCall *call, int64_t number)
{
    ModelVersion version;
    TRY(store_get_model_version(call->store, name_of(call), number, &version));
    write_version(call, &version);
    return STATUS_OK;
}

static Status create(ApiCall *call)
{
    size_t n_tags;
    ModelVersionCreate wanted = {.name = name_of(call),
                                 .source = api_text(call, call->in, "source"),
                                 .run_id = api_text(call, call->in, "run_id"),
                                 .run_link = api_text(call, call->in, "run_link"),
                                 .description = api_text(call, call->in, "description"),
                                 .model_id = api_text(call, call->in, "model_id")};
    TRY(api_check_source(call, wanted.source, wanted.run_id, wanted.model_id));
    KeyValue *tags = api_key_values(call, call->in, "tags", &n_tags);
    wanted.tags = tags;
    wanted.n_tags = n_tags;
    ModelVersion version;
    Status status = store_create_model_version(call->store, &wanted, &version);
    free(tags);
    TRY(status);
    write_version(call, &version);
    return STATUS_OK;
}

static Status get(ApiCall *call)
{
    int64_t number;
    TRY(version_of(call, &number));
    return answer_version(call, number);
}

static Status update(ApiCall *call)
{
    int64_t number;
    TRY(version_of(call, &number));
    TRY(store_update_model_version(call->store, name_of(call), number,
                                   api_text(call, call->in, "description")));
    return answer_version(call, number);
}

static Status transition(ApiCall *call)
{
    int64_t number;
    TRY(version_of(call, &number));
    TRY(store_transition_stage(call->store, name_of(call), number,
                               api_text(call, call->in, "stage"),
                               api_bool(call->in, "archive_existing_versions", false)));
    return answer_version(call, number);
}

static Status delete_version(ApiCall *call)
{
    int64_t number;
    TRY(version_of(call, &number));
    return store_delete_model_version(call->store, name_of(call), number);
}

static Status download_uri(ApiCall *call)
{
    int64_t number;
    char *uri;
    TRY(version_of(call, &number));
    TRY(store_model_download_uri(call->store, name_of(call), number, &uri));
    api_write_text(&call->out, "artifact_uri", uri);
    free(uri);
    return STATUS_OK;
}

static Status get_artifact(ApiCall *call)
{
    int64_t number;
    char *uri, *name = NULL;
    TRY(version_of(call, &number));
    TRY(store_model_download_uri(call->store, name_of(call), number, &uri));
    Status status = api_artifact_name(call, uri, api_text(call, call->in, "path"), &name);
    free(uri);
    if (status == STATUS_OK) {
        status = api_send_file(call, name);
    }
    free(name);
    return status;
}

static Status search(ApiCall *call)
{
    RegistryQuery query = {.filter = api_text(call, call->in, "filter"),
                           .page_token = api_text(call, call->in, "page_token")};
    TRY(api_max_results(call, PAGE_MAX, PAGE_MAX, &query.max_results));
    const char **order_by = api_texts(call, call->in, "order_by", &query.n_order_by);
    query.order_by = order_by;
    ModelVersions found = {0};
    Status status = store_search_model_versions(call->store, &query, &found);
    free(order_by);
    TRY(status);
    api_write_model_versions(&call->out, "model_versions", &found);
    api_write_optional(&call->out, "next_page_token", found.next_page_token);
    model_versions_free(&found);
    return STATUS_OK;
}

static Status set_tag(ApiCall *call)
{
    int64_t number;
    const char *value = api_text(call, call->in, "value");
    TRY(version_of(call, &number));
    return store_set_model_version_tag(call->store, name_of(call), number,
                                       api_text(call, call->in, "key"),
                                       value ? value : "");
}

static Status delete_tag(ApiCall *call)
{
    int64_t number;
    TRY(version_of(call, &number));
    return store_delete_model_version_tag(call->store, name_of(call), number,
                                          api_text(call, call->in, "key"));
}

/* ---- the table ---- */

#define VERSION                                                                          \
    {.name = "name", .required = true},                                                  \
    {                                                                                    \
        .name = "version", .type = API_ID, .required = true                              \
    }

static const ApiFields CREATE = API_FIELDS(
    {.name = "name", .required = true}, {.name = "source", .required = true},
    {.name = "run_id"}, {.name = "tags", .type = API_OBJECTS, .inner = &API_TAG},
    {.name = "run_link"}, {.name = "description"}, {.name = "model_id"});
static const ApiFields BY_VERSION = API_FIELDS(VERSION);
static const ApiFields UPDATE = API_FIELDS(VERSION, {.name = "description"});
static const ApiFields TRANSITION =
    API_FIELDS(VERSION, {.name = "stage", .required = true},
               {.name = "archive_existing_versions", .type = API_BOOL});
static const ApiFields SEARCH =
    API_FIELDS({.name = "filter"}, {.name = "max_results", .type = API_INT},
               {.name = "order_by", .type = API_STRINGS}, {.name = "page_token"});
static const ApiFields TAG =
    API_FIELDS(VERSION, {.name = "key", .required = true}, {.name = "value"});
static const ApiFields ARTIFACT = API_FIELDS(VERSION, {.name = "path", .required = true});

#define READ(path, handle, fields)                                                       \
    {                                                                                    \
        "GET", BASE_API, path, POLICY_READ, RUN_READER, handle, fields, NULL, 0          \
    }
#define WRITE(method, path, handle, fields)                                              \
    {                                                                                    \
        method, BASE_API, path, POLICY_WRITE, RUN_WRITER, handle, fields, NULL, 0        \
    }

static const Route ROUTES[] = {
    WRITE("POST", "model-versions/create", create, &CREATE),
    WRITE("PATCH", "model-versions/update", update, &UPDATE),
    WRITE("POST", "model-versions/transition-stage", transition, &TRANSITION),
    WRITE("DELETE", "model-versions/delete", delete_version, &BY_VERSION),
    READ("model-versions/get", get, &BY_VERSION),
    READ("model-versions/get-download-uri", download_uri, &BY_VERSION),
    READ("model-versions/search", search, &SEARCH),
    WRITE("POST", "model-versions/set-tag", set_tag, &TAG),
    WRITE("DELETE", "model-versions/delete-tag", delete_tag, &TAG),
    {"GET", BASE_ROOT, "model-versions/get-artifact", POLICY_READ, RUN_READER,
     get_artifact, &ARTIFACT, NULL, 0},
};

const RouteTable api_versions = ROUTE_TABLE(ROUTES);
