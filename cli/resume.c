/* Looks a run up in the store and its checkpoints up in its result folder. */
#include "cli/resume.h"

#include "cli/train_config.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/reference.h"
#include "tracker/store.h"
#include "trainer/checkpoint.h"
#include "trainer/result_files.h"

#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 64 << 20, MAX_CANDIDATES = 100 };

static double time_of_last_report(const char *result_dir)
{
    ResultHistory history = {0};
    double seconds = 0;
    if (result_history_load(result_dir, INT64_MAX, &history) == STATUS_OK && history.n) {
        const Json *last = history.rows[history.n - 1];
        seconds = json_double(json_get(last, "time_total_s"), 0);
    }
    result_history_free(&history);
    return seconds;
}

/* A run that another process is still training must not be trained twice. */
static Status refuse_running(const Run *run)
{
    if (run->status != RUN_RUNNING || !run_has_process_here(run)) {
        return STATUS_OK;
    }
    const char *pid = key_values_get(&run->tags, "muster.pid");
    status_set(STATUS_DENIED, "run %s is still being trained by process %s", run->run_id,
               pid);
    status_hint("wait for it to end, or stop it with: kill -TERM %s", pid);
    return STATUS_DENIED;
}

/* `anyway`: also without a checkpoint, to be begun again. */
static Status resume_run(const Run *run, bool anyway, ResumePoint *out)
{
    TRY(refuse_running(run));
    char *dir = artifact_local_path(run->artifact_uri);
    if (!dir) {
        return status_set(STATUS_NOT_FOUND, "run %s: its artifacts at %s are not local",
                          run->run_id, run->artifact_uri);
    }
    char *checkpoint = NULL;
    Status status = checkpoint_find_latest(dir, &checkpoint);
    bool begin_again = status == STATUS_NOT_FOUND && anyway;
    if (status != STATUS_OK && !begin_again) {
        free(dir);
        return status;
    }
    *out = (ResumePoint){
        .run_id = mem_strdup(run->run_id),
        .result_dir = dir,
        .checkpoint_dir = checkpoint,
        .params_json = begin_again ? NULL : path_join(dir, PARAMS_JSON),
        .time_before_s = begin_again ? 0 : time_of_last_report(dir),
    };
    return STATUS_OK;
}

/* The newest unfinished run of the experiment that has something to resume from. */
static Status resume_newest(Store *store, const char *experiment, ResumePoint *out)
{
    Experiment found = {0};
    Status known = store_get_experiment_by_name(store, experiment, &found);
    if (known != STATUS_OK) {
        return known == STATUS_NOT_FOUND ? STATUS_OK : known;
    }
    const char *const order[] = {"attributes.start_time DESC"};
    RunQuery query = {
        .experiment_ids = &found.experiment_id,
        .n_experiment_ids = 1,
        .filter = "attributes.status != 'FINISHED'",
        .order_by = order,
        .n_order_by = 1,
        .max_results = MAX_CANDIDATES,
    };
    Runs runs = {0};
    Status status = store_search_runs(store, &query, &runs);
    for (size_t i = 0; status == STATUS_OK && i < runs.n && !out->run_id; i++) {
        Status resumed = resume_run(&runs.items[i], false, out);
        bool next = resumed == STATUS_NOT_FOUND || resumed == STATUS_DENIED;
        status = next ? STATUS_OK : resumed;
    }
    runs_free(&runs);
    experiment_free(&found);
    return status;
}

static Status resume_named(Store *store, const char *reference, bool anyway,
                           ResumePoint *out)
{
    Run run = {0};
    TRY(run_reference_find(store, reference, &run));
    Status status = resume_run(&run, anyway, out);
    run_free(&run);
    return status;
}

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

Status resume_point_find(const TrainOptions *options, const char *const *args,
                         size_t n_args, int n_ranks, ResumePoint *out)
{
    const char *named = options->restart ? options->restart : options->resume;
    bool automatic = !options->restart && strcmp(named, "auto") == 0;
    bool newest = automatic || !*named;
    char *uri = NULL, *experiment = NULL;
    TRY(read_place(options, args, n_args, n_ranks, &uri, &experiment));
    Store *store = NULL;
    Status status = store_open(uri, NULL, &store);
    if (status == STATUS_OK) {
        status = newest ? resume_newest(store, experiment, out)
                        : resume_named(store, named, options->restart != NULL, out);
        store_close(store);
    } else if (status == STATUS_NOT_FOUND && automatic) {
        status = STATUS_OK;
    }
    if (status == STATUS_OK && !out->run_id) {
        status = accept_nothing(automatic, experiment, n_args);
    }
    free(uri);
    free(experiment);
    return status;
}

void resume_point_broadcast(ResumePoint *point, const Ranks *ranks)
{
    ranks_broadcast_text(ranks, &point->run_id);
    ranks_broadcast_text(ranks, &point->result_dir);
    ranks_broadcast_text(ranks, &point->checkpoint_dir);
    ranks_broadcast_text(ranks, &point->params_json);
}

void resume_point_free(ResumePoint *point)
{
    free(point->run_id);
    free(point->result_dir);
    free(point->checkpoint_dir);
    free(point->params_json);
    *point = (ResumePoint){0};
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
