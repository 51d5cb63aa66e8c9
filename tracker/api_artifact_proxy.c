/* mlflow-artifacts: files that clients put below the server's folder and get from it by
 * their path alone. */
#include "tracker/api.h"
#include "tracker/api_files.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"
#include "tracker/beneath.h"
#include "tracker/pages.h"
#include "tracker/server.h"

#include <string.h>

static Status check_serving(ApiCall *call)
{
    if (!call->settings->no_serve_artifacts) {
        return STATUS_OK;
    }
    strbuf_clear(&call->x->reply.body);
    page_text(&call->x->reply, 503,
              "Endpoint disabled: the server was started with --no-serve-artifacts\n");
    call->failed = true;
    return STATUS_FAILED;
}

static Status take(ApiCall *call)
{
    TRY(check_serving(call));
    TRY(upload_begin(call->settings->artifact_folder, call->captures[0], &call->upload));
    call->x->body_file = call->upload->fd;
    return STATUS_OK;
}

static Status put(ApiCall *call)
{
    if (call->x->body_error != 0) {
        return status_set(STATUS_FAILED, "upload of '%s': %s", call->captures[0],
                          strerror(call->x->body_error));
    }
    Upload *upload = call->upload;
    call->upload = NULL;
    return upload_finish(upload);
}

static Status get(ApiCall *call)
{
    TRY(check_serving(call));
    return api_send_file(call, call->captures[0]);
}

static Status list(ApiCall *call)
{
    TRY(check_serving(call));
    const char *path = api_text(call, call->in, "path");
    Artifacts files = {0};
    TRY(beneath_list(call->settings->artifact_folder, path ? path : "", &files));
    api_write_files(&call->out, &files, "");
    artifacts_free(&files);
    return STATUS_OK;
}

static Status delete_artifact(ApiCall *call)
{
    TRY(check_serving(call));
    return beneath_remove(call->settings->artifact_folder, call->captures[0]);
}

/* Clients then send the file in one piece. */
static Status multipart(ApiCall *call)
{
    return api_fail(call, "NOT_IMPLEMENTED",
                    "Multipart upload is not supported for the current artifact "
                    "repository");
}

static const ApiFields LIST = API_FIELDS({.name = "path"});
static const ApiFields NONE = {NULL, 0};

static const Route ROUTES[] = {
    {"PUT", BASE_FILES, "artifacts/{*}", POLICY_WRITE, RUN_READER, put, NULL, take, 0},
    {"GET", BASE_FILES, "artifacts/{*}", POLICY_READ, RUN_READER, get, NULL, NULL, 0},
    {"GET", BASE_FILES, "artifacts", POLICY_READ, RUN_READER, list, &LIST, NULL, 0},
    {"DELETE", BASE_FILES, "artifacts/{*}", POLICY_WRITE, RUN_READER, delete_artifact,
     NULL, NULL, 0},
    {"POST", BASE_FILES, "mpu/create/{*}", POLICY_WRITE, RUN_AT_ONCE, multipart, &NONE,
     NULL, 0},
    {"POST", BASE_FILES, "mpu/complete/{*}", POLICY_WRITE, RUN_AT_ONCE, multipart, &NONE,
     NULL, 0},
    {"POST", BASE_FILES, "mpu/abort/{*}", POLICY_WRITE, RUN_AT_ONCE, multipart, &NONE,
     NULL, 0},
};

const RouteTable api_artifact_proxy = ROUTE_TABLE(ROUTES);
