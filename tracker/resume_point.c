/* Looks a run up in the store, and its checkpoints in its result folder. */
#include "tracker/resume_point.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/reference.h"
#include "tracker/result.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CANDIDATES = 100 };

static double time_of_last_report(const char *result_dir)
{
    Result result;
    if (result_load(result_dir, &result) != STATUS_OK) {
        return 0;
    }
    const ResultCell *cell = result.n_rows > 0
                                 ? result_cell(&result, result.n_rows - 1, "time_total_s")
                                 : NULL;
    double seconds = cell && cell->is_number ? cell->number : 0;
    result_free(&result);
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
static Status resume_run(const ResumeRequest *request, const Run *run, bool anyway,
                         ResumePoint *out)
{
    TRY(refuse_running(run));
    char *dir = artifact_local_path(run->artifact_uri);
    if (!dir) {
        return status_set(STATUS_NOT_FOUND, "run %s: its artifacts at %s are not local",
                          run->run_id, run->artifact_uri);
    }
    char *checkpoint = NULL;
    Status status = request->find_checkpoint(dir, &checkpoint);
    bool begin_again = status == STATUS_NOT_FOUND && anyway;
    if (status != STATUS_OK && !begin_again) {
        free(dir);
        return status;
    }
    *out = (ResumePoint){
        .run_id = mem_strdup(run->run_id),
        .result_dir = dir,
        .checkpoint_dir = checkpoint,
        .params_json = begin_again ? NULL : path_join(dir, "params.json"),
        .time_before_s = begin_again ? 0 : time_of_last_report(dir),
    };
    return STATUS_OK;
}

/* The newest unfinished run of the experiment that has something to resume from. */
static Status resume_newest(Store *store, const ResumeRequest *request, ResumePoint *out)
{
    Experiment found = {0};
    Status known = store_get_experiment_by_name(store, request->experiment, &found);
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
        Status resumed = resume_run(request, &runs.items[i], false, out);
        bool next = resumed == STATUS_NOT_FOUND || resumed == STATUS_DENIED;
        status = next ? STATUS_OK : resumed;
    }
    runs_free(&runs);
    experiment_free(&found);
    return status;
}

static Status resume_named(Store *store, const ResumeRequest *request, ResumePoint *out)
{
    Run run = {0};
    TRY(run_reference_find(store, request->reference, &run));
    Status status = resume_run(request, &run, request->anyway, out);
    run_free(&run);
    return status;
}

Status resume_point_find(const ResumeRequest *request, ResumePoint *out)
{
    bool automatic = strcmp(request->reference, "auto") == 0;
    bool newest = automatic || !*request->reference;
    Store *store = NULL;
    Status status = store_open(request->store_uri, NULL, &store);
    if (status == STATUS_OK) {
        status = newest ? resume_newest(store, request, out)
                        : resume_named(store, request, out);
        store_close(store);
    } else if (status == STATUS_NOT_FOUND && automatic) {
        status = STATUS_OK;
    }
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
