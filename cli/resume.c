/* Which run a command line means, and whether its rows are those it was trained on. */
#include "cli/resume.h"

#include "cli/train_config.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "trainer/checkpoint.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20 };

/* Store and experiment as this command line means them. */
static Status read_place(const TrainOptions *options, const char *const *args,
                         size_t n_args, int n_ranks, char **uri, char **experiment)
{
    bool has_path = n_args > 0 && !strchr(args[0], '=');
    if (!has_path) {
        *uri = mem_strdup(options->tracking_uri);
        *experiment = mem_strdup(options->experiment ? options->experiment : "Default");
        return STATUS_OK;
    }
    WholeConfig config;
    ConfigFiles files = {.path = args[0]};
    whole_config_init(&config);
    Status status =
        whole_config_read(&config, &files, args + 1, n_args - 1, options, n_ranks);
    if (status == STATUS_OK) {
        *uri = mem_strdup(config.tracking.uri);
        *experiment = mem_strdup(config.tracking.experiment_name);
    }
    whole_config_free(&config);
    return status;
}

/* Nothing was found: fine for "auto", which starts a new run, if there is a config. */
static Status accept_nothing(bool automatic, const char *experiment, size_t n_args)
{
    if (automatic && n_args > 0) {
        return STATUS_OK;
    }
    status_set(STATUS_NOT_FOUND,
               "nothing to resume: no unfinished run with a checkpoint "
               "in experiment %s",
               experiment);
    status_hint(
        "muster train CONFIG starts a new run, --resume=auto does so when there is "
        "nothing to resume");
    return STATUS_NOT_FOUND;
}

Status resume_find(const TrainOptions *options, const char *const *args, size_t n_args,
                   int n_ranks, ResumePoint *out)
{
    const char *named = options->restart ? options->restart : options->resume;
    bool automatic = !options->restart && strcmp(named, "auto") == 0;
    char *uri = NULL, *experiment = NULL;
    TRY(read_place(options, args, n_args, n_ranks, &uri, &experiment));
    ResumeRequest request = {.store_uri = uri,
                             .experiment = experiment,
                             .reference = named,
                             .anyway = options->restart != NULL,
                             .find_checkpoint = checkpoint_find_latest};
    Status status = resume_point_find(&request, out);
    if (status == STATUS_OK && !out->run_id) {
        status = accept_nothing(automatic, experiment, n_args);
    }
    free(uri);
    free(experiment);
    return status;
}

Status resume_check_digest(const ResumePoint *point, const char *split_digest)
{
    char *path = path_join(point->checkpoint_dir, "muster.json");
    Json *json = NULL;
    Status status = json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json);
    if (status == STATUS_OK) {
        const char *trained = json_string(json_get(json_get(json, "digests"), "split"));
        if (!trained || strcmp(trained, split_digest) != 0) {
            status = status_set(STATUS_DATA,
                                "the rows are not those of the run being resumed (split "
                                "digest %.12s, then %.12s)",
                                split_digest, trained ? trained : "unknown");
            status_hint("resume with the same files, seed and data settings, or start a "
                        "new run");
        }
    }
    json_free(json);
    free(path);
    return status;
}
