/* The server opens nothing that is not below its own folder, whatever a source says;
 * these are MLflow's rules, so that what it refuses is refused here as well. */
#include "tracker/api_source.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/http_target.h"
#include "tracker/logged_models.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DECODINGS = 8 };

static Status refuse_local(ApiCall *call, const char *source)
{
    return api_fail(
        call, "INVALID_PARAMETER_VALUE",
        "Invalid model version source: '%.500s'. To use a local path as a "
        "model version source, the run_id request parameter has to be "
        "specified and the local path has to be contained within the artifact "
        "directory of the run specified by the run_id.",
        source);
}

static Status refuse_relative(ApiCall *call, const char *source)
{
    return api_fail(call, "INVALID_PARAMETER_VALUE",
                    "Invalid model version source: '%.500s'. If supplying a source as an "
                    "http, https, local file path, ftp, objectstore, or mlflow-artifacts "
                    "uri, an absolute path must be provided without relative path "
                    "references present. Please provide an absolute path.",
                    source);
}

/* Links resolved as far as the path exists; free with free(). */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : path_absolute(path);
}

static bool is_within(const char *path, const char *artifact_uri)
{
    char *local = artifact_local_path(artifact_uri);
    if (!local) {
        return false;
    }
    char *inner = resolve(path), *outer = resolve(local);
    size_t n = strlen(outer);
    bool within = strncmp(inner, outer, n) == 0 && (inner[n] == '\0' || inner[n] == '/');
    free(inner);
    free(outer);
    free(local);
    return within;
}

static Status check_local(ApiCall *call, const char *source, const char *path,
                          const char *run_id, const char *model_id)
{
    bool within = false;
    if (run_id && *run_id) {
        Run run;
        TRY(store_get_run(call->store, run_id, &run));
        within = is_within(path, run.artifact_uri);
        run_free(&run);
    }
    if (!within && model_id && *model_id) {
        LoggedModel model;
        TRY(store_get_logged_model(call->store, model_id, &model));
        within = is_within(path, model.artifact_location);
        logged_model_free(&model);
    }
    return within ? STATUS_OK : refuse_local(call, source);
}

/* The path behind scheme and host. */
static const char *path_of(const char *uri)
{
    const char *colon = strchr(uri, ':');
    const char *rest = colon ? colon + 1 : uri;
    if (strncmp(rest, "//", 2) == 0) {
        rest += 2 + strcspn(rest + 2, "/");
    }
    return rest;
}

static bool climbs(const char *path)
{
    for (const char *part = path;;) {
        size_t n = strcspn(part, "/");
        if ((n == 1 && part[0] == '.') || (n == 2 && strncmp(part, "..", 2) == 0)) {
            return true;
        }
        if (!part[n]) {
            return false;
        }
        part += n + 1;
    }
}

static bool climbs_when_decoded(const char *uri)
{
    char *layer = mem_strdup(uri);
    bool wrong = climbs(path_of(layer));
    for (int i = 0; i < DECODINGS && !wrong; i++) {
        char *next = http_decode(text_of(layer), false, &wrong);
        bool stable = strcmp(next, layer) == 0;
        free(layer);
        layer = next;
        wrong = wrong || climbs(path_of(layer)) || (!stable && i + 1 == DECODINGS);
        if (stable) {
            break;
        }
    }
    free(layer);
    return wrong;
}

static bool has_scheme(const char *source)
{
    size_t n = strspn(source, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-."
                              "0123456789");
    return n > 1 && isalpha((unsigned char)source[0]) && source[n] == ':';
}

Status api_check_source(ApiCall *call, const char *source, const char *run_id,
                        const char *model_id)
{
    char *local = artifact_local_path(source);
    if (local || !has_scheme(source)) {
        Status status =
            check_local(call, source, local ? local : source, run_id, model_id);
        free(local);
        return status;
    }
    if (strncmp(source, "file:", 5) == 0) {
        return api_fail(call, "INVALID_PARAMETER_VALUE",
                        "Invalid model version source: '%.500s'. MLflow tracking server: "
                        "it is not a valid remote uri.",
                        source);
    }
    return climbs_when_decoded(source) ? refuse_relative(call, source) : STATUS_OK;
}
