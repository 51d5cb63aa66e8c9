/* include/muster/result.h over tracker/result.h. */
#include <muster/result.h>

#include "base/mem.h"
#include "tracker/artifacts.h"
#include "tracker/reference.h"
#include "tracker/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct MusterResult {
    Result result;
};

static Status load_run(const char *uri, const char *reference, Result *out)
{
    Store *store;
    Run run = {0};
    TRY(store_open(uri, NULL, &store));
    Status status = run_reference_find(store, reference, &run);
    if (status == STATUS_OK) {
        char *dir = artifact_local_path(run.artifact_uri);
        status = dir ? result_load(dir, out) : result_from_store(store, &run, out);
        free(dir);
    }
    run_free(&run);
    store_close(store);
    return status;
}

MusterStatus muster_result_open(const char *tracking_uri, const char *reference,
                                MusterResult **out)
{
    Result result = {0};
    bool folder = strchr(reference, '/') || result_dir_is_result(reference);
    TRY(folder ? result_load(reference, &result)
               : load_run(tracking_uri, reference, &result));
    MusterResult *opened = mem_zalloc(1, sizeof *opened);
    opened->result = result;
    *out = opened;
    return STATUS_OK;
}

void muster_result_close(MusterResult *result)
{
    if (result) {
        result_free(&result->result);
        free(result);
    }
}

const char *muster_result_path(const MusterResult *result)
{
    return result->result.dir ? result->result.dir : "";
}

size_t muster_result_n_rows(const MusterResult *result)
{
    return result->result.n_rows;
}

size_t muster_result_n_columns(const MusterResult *result)
{
    return result->result.columns.n;
}

const char *muster_result_column(const MusterResult *result, size_t column)
{
    return column < result->result.columns.n ? result->result.columns.items[column]
                                             : NULL;
}

static const ResultCell *cell_of(const MusterResult *result, size_t row,
                                 const char *column)
{
    return row < result->result.n_rows ? result_cell(&result->result, row, column) : NULL;
}

double muster_result_value(const MusterResult *result, size_t row, const char *column)
{
    const ResultCell *cell = cell_of(result, row, column);
    return cell && cell->is_number ? cell->number : (double)NAN;
}

const char *muster_result_text(const MusterResult *result, size_t row, const char *column)
{
    const ResultCell *cell = cell_of(result, row, column);
    return cell ? cell->text : NULL;
}

size_t muster_result_n_checkpoints(const MusterResult *result)
{
    return result->result.n_checkpoints;
}

const char *muster_result_checkpoint(const MusterResult *result, size_t i)
{
    return i < result->result.n_checkpoints ? result->result.checkpoints[i].dir : NULL;
}

double muster_result_checkpoint_score(const MusterResult *result, size_t i)
{
    bool scored =
        i < result->result.n_checkpoints && result->result.checkpoints[i].scored;
    return scored ? result->result.checkpoints[i].score : (double)NAN;
}

const char *muster_result_best_checkpoint(const MusterResult *result)
{
    return muster_result_checkpoint(result, 0);
}
