/* Artifacts of runs, by run. */
#include "tracker/api.h"
#include "tracker/api_files.h"
#include "tracker/api_shared.h"
#include "tracker/api_write.h"
#include "tracker/beneath.h"
#include "tracker/server.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UPLOAD_LIMIT = 10 * 1024 * 1024 };

static const char *path_of(ApiCall *call)
{
    const char *path = api_text(call, call->in, "path");
    return path ? path : "";
}

static Status list_below(ApiCall *call, const char *artifact_uri, const char *path)
{
    char *name;
    Artifacts files = {0};
    TRY(api_artifact_name(call, artifact_uri, path, &name));
    Status status = beneath_list(call->settings->artifact_folder, name, &files);
    free(name);
    TRY(status);
    api_write_text(&call->out, "root_uri", artifact_uri);
    api_write_files(&call->out, &files, path);
    artifacts_free(&files);
    return STATUS_OK;
}

static Status list(ApiCall *call)
{
    Run run;
    TRY(store_get_run(call->store, api_text(call, call->in, "run_id"), &run));
    Status status = list_below(call, run.artifact_uri, path_of(call));
    run_free(&run);
    return status;
}

static Status send_below(ApiCall *call, const char *artifact_uri, const char *path)
{
    char *name;
    TRY(api_artifact_name(call, artifact_uri, path, &name));
    Status status = api_send_file(call, name);
    free(name);
    return status;
}

static Status get(ApiCall *call)
{
    Run run;
    TRY(store_get_run(call->store, api_text(call, call->in, "run_id"), &run));
    Status status = send_below(call, run.artifact_uri, path_of(call));
    run_free(&run);
    return status;
}

/* ---- the browser's upload ---- */

/* The body stays in memory; which file it is depends on the run, which is the store's. */
static Status keep_body(ApiCall *call)
{
    (void)call;
    return STATUS_OK;
}

static Status write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR) {
            return status_set(STATUS_FAILED, "upload: %s", strerror(errno));
        }
        bytes += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return STATUS_OK;
}

static Status store_body(ApiCall *call, const char *name)
{
    TRY(upload_begin(call->settings->artifact_folder, name, &call->upload));
    TRY(write_all(call->upload->fd, call->x->body.p, call->x->body.n));
    Upload *upload = call->upload;
    call->upload = NULL;
    return upload_finish(upload);
}

static Status wrong(ApiCall *call, const char *what)
{
    return api_fail(call, "INVALID_PARAMETER_VALUE", "%s", what);
}

static Status upload(ApiCall *call)
{
    const char *run_id = http_target_param(&call->target, "run_uuid");
    const char *path = http_target_param(&call->target, "path");
    if (!run_id || !*run_id) {
        return wrong(call, "Request must specify run_uuid.");
    }
    if (!path || !*path) {
        return wrong(call, "Request must specify path.");
    }
    if (call->x->body.n == 0) {
        return wrong(call, "Request must specify data.");
    }
    Run run;
    char *name = NULL;
    TRY(store_get_run(call->store, run_id, &run));
    Status status = api_artifact_name(call, run.artifact_uri, path, &name);
    run_free(&run);
    if (status == STATUS_OK) {
        status = store_body(call, name);
    }
    free(name);
    TRY(status);
    strbuf_clear(&call->x->reply.body);
    call->x->reply.status = 200;
    return STATUS_OK;
}

/* ---- the table ---- */

static const ApiFields LIST =
    API_FIELDS({.name = "run_id", .required = true, .alias = "run_uuid"},
               {.name = "path"}, {.name = "page_token"});
static const ApiFields GET =
    API_FIELDS({.name = "run_id", .required = true, .alias = "run_uuid"},
               {.name = "path", .required = true});

static const Route ROUTES[] = {
    {"GET", BASE_API, "artifacts/list", POLICY_READ, RUN_READER, list, &LIST, NULL, 0},
    {"GET", BASE_ROOT, "get-artifact", POLICY_READ, RUN_READER, get, &GET, NULL, 0},
    {"POST", BASE_AJAX, "upload-artifact", POLICY_WRITE, RUN_READER, upload, NULL,
     keep_body, UPLOAD_LIMIT},
};

const RouteTable api_artifacts = ROUTE_TABLE(ROUTES);
