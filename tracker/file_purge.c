/* Removing folders of what is marked deleted, for good. */
#include "tracker/file_store.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static Status purge_run(FileStore *store, const char *run_id)
{
    Run run;
    char *dir = NULL;
    TRY(file_get_run(store, run_id, &run));
    Status status =
        run.deleted ? file_run_dir(store, run_id, &dir)
                    : status_set(STATUS_USAGE, "run %s is not marked deleted", run_id);
    run_free(&run);
    if (status == STATUS_OK) {
        status = tree_remove(dir);
    }
    free(dir);
    return status;
}

Status file_purge_run(void *self, const char *run_id)
{
    TRY(file_begin(self));
    return file_end(self, purge_run(self, run_id));
}

static Status refuse_runs(FileStore *store, const char *id)
{
    Runs runs = {0};
    RunQuery query = {.experiment_ids = &id, .n_experiment_ids = 1, .view = VIEW_ALL};
    TRY(file_search_runs(store, &query, &runs));
    size_t n = runs.n;
    runs_free(&runs);
    return n == 0 ? STATUS_OK
                  : status_set(STATUS_USAGE, "experiment %s still has %zu runs", id, n);
}

static Status purge_experiment(FileStore *store, const char *id)
{
    Experiment experiment;
    TRY(file_read_experiment(store, id, &experiment));
    Status status =
        experiment.deleted
            ? refuse_runs(store, id)
            : status_set(STATUS_USAGE, "experiment %s is not marked deleted", id);
    experiment_free(&experiment);
    TRY(status);
    char *dir = file_experiment_dir(store, id);
    status = tree_remove(dir);
    free(dir);
    return status;
}

Status file_purge_experiment(void *self, const char *id)
{
    TRY(file_begin(self));
    return file_end(self, purge_experiment(self, id));
}
