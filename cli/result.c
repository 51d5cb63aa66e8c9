/* `muster result`: a run's metrics table and its best checkpoints, from its folder alone
 * or through the store. */
#include "cli/command.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/table.h"
#include "cli/output.h"
#include "cli/runs.h"
#include "cli/write_csv.h"
#include "tracker/artifacts.h"
#include "tracker/result.h"
#include "tracker/reference.h"
#include "tracker/registry.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

extern const Command command_result;

static struct {
    const char *uri;
    OutputOptions output;
} options;

static const Option OPTIONS[] = {
    OUTPUT_OPTIONS(offsetof(__typeof__(options), output)),
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

/* Columns that say where and when rather than how good; the table leaves them out. */
static const char *const LEFT_OUT[] = {
    "timestamp",
    "date",
    "trial_id",
    "pid",
    "hostname",
    "node_ip",
    "done",
    "time_since_restore",
    "experiment_id",
    "run_id",
    "should_checkpoint",
    "iterations_since_restore",
};

/* ---- finding ---- */

static Status load_run(const char *reference, Result *out)
{
    Store *store;
    TRY(store_open(options.uri, NULL, &store));
    Run run = {0};
    Status status = run_reference_find(store, reference, &run);
    if (status == STATUS_OK) {
        char *dir = artifact_local_path(run.artifact_uri);
        if (dir && result_dir_is_result(dir)) {
            status = result_load(dir, out);
        } else {
            log_note("no results in %s: the metrics are the store's", run.artifact_uri);
            status = result_from_store(store, &run, out);
        }
        free(dir);
    }
    run_free(&run);
    store_close(store);
    return status;
}

static Status load(const char *reference, Result *out)
{
    char *inner = path_join(reference, "artifacts");
    Status status;
    if (result_dir_is_result(reference)) {
        status = result_load(reference, out);
    } else if (result_dir_is_result(inner)) {
        status = result_load(inner, out);
    } else if (strchr(reference, '/') && !is_model_reference(reference)) {
        status = result_load(reference, out);
    } else {
        status = load_run(reference, out);
    }
    free(inner);
    return status;
}

/* ---- printing ---- */

static void write_cell(JsonWriter *w, const ResultCell *cell)
{
    if (!cell->text) {
        json_write_null(w);
    } else if (strcmp(cell->text, "true") == 0 || strcmp(cell->text, "false") == 0) {
        json_write_bool(w, cell->text[0] == 't');
    } else if (cell->is_number) {
        json_write_double(w, cell->number);
    } else {
        json_write_string(w, cell->text);
    }
}

static void write_row(JsonWriter *w, const Result *result, size_t row)
{
    json_begin_object(w);
    for (size_t j = 0; j < result->columns.n; j++) {
        const ResultCell *cell = &result->cells[row * result->columns.n + j];
        if (cell->text) {
            json_write_key(w, result->columns.items[j]);
            write_cell(w, cell);
        }
    }
    json_end_object(w);
}

static void write_checkpoint(JsonWriter *w, const Result *result,
                             const ResultCheckpoint *checkpoint)
{
    json_begin_object(w);
    json_write_key(w, "name");
    json_write_string(w, checkpoint->name);
    json_write_key(w, "path");
    json_write_string(w, checkpoint->dir);
    json_write_key(w, "score");
    if (checkpoint->scored) {
        json_write_double(w, checkpoint->score);
    } else {
        json_write_null(w);
    }
    json_write_key(w, "metrics");
    if (checkpoint->row >= 0) {
        write_row(w, result, (size_t)checkpoint->row);
    } else {
        json_write_null(w);
    }
    json_end_object(w);
}

static void print_json(const Result *result, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "path");
    json_write_string(&w, result->dir);
    json_write_key(&w, "checkpoint_score_attribute");
    json_write_string(&w, result->score_attribute);
    json_write_key(&w, "checkpoint_score_order");
    json_write_string(&w, result->score_max ? "max" : "min");
    json_write_key(&w, "metrics");
    json_begin_array(&w);
    for (size_t i = 0; i < result->n_rows; i++) {
        write_row(&w, result, i);
    }
    json_end_array(&w);
    json_write_key(&w, "best_checkpoints");
    json_begin_array(&w);
    for (size_t i = 0; i < result->n_checkpoints; i++) {
        write_checkpoint(&w, result, &result->checkpoints[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static void print_csv(const Result *result, Output *output)
{
    size_t n = result->columns.n;
    for (size_t j = 0; j < n; j++) {
        write_csv_field(output->out, result->columns.items[j], j == 0);
    }
    write_csv_end(output->out);
    for (size_t i = 0; i < result->n_rows; i++) {
        for (size_t j = 0; j < n; j++) {
            write_csv_field(output->out, result->cells[i * n + j].text, j == 0);
        }
        write_csv_end(output->out);
    }
}

static bool is_left_out(const char *column)
{
    for (size_t i = 0; i < sizeof LEFT_OUT / sizeof LEFT_OUT[0]; i++) {
        if (strcmp(column, LEFT_OUT[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void print_cell(Table *table, const ResultCell *cell)
{
    if (cell->is_number && strlen(cell->text) > 8 && cell->number == cell->number) {
        table_cell_printf(table, "%.5g", cell->number);
    } else {
        table_cell(table, cell->text);
    }
}

static void print_metrics(const Result *result, Output *output)
{
    StrList headings = {0};
    size_t n = result->columns.n;
    for (size_t j = 0; j < n; j++) {
        const char *column = result->columns.items[j];
        if (!is_left_out(column)) {
            bool text = strcmp(column, "checkpoint_dir_name") == 0;
            strlist_add_take(&headings,
                             text ? mem_strdup("checkpoint") : mem_printf(">%s", column));
        }
    }
    Table *table = table_open((const char *const *)headings.items, headings.n);
    for (size_t i = 0; i < result->n_rows; i++) {
        for (size_t j = 0; j < n; j++) {
            if (!is_left_out(result->columns.items[j])) {
                print_cell(table, &result->cells[i * n + j]);
            }
        }
    }
    output_table(output, table);
    table_close(table);
    strlist_free(&headings);
}

static void print_checkpoints(const Result *result, Output *output)
{
    char *score =
        mem_printf(">%s", result->score_attribute ? result->score_attribute : "score");
    const char *headings[] = {"best checkpoints", score, "path"};
    Table *table = table_open(headings, 3);
    for (size_t i = 0; i < result->n_checkpoints; i++) {
        const ResultCheckpoint *checkpoint = &result->checkpoints[i];
        table_cell(table, checkpoint->name);
        if (checkpoint->scored) {
            table_cell_printf(table, "%.5g", checkpoint->score);
        } else {
            table_cell(table, NULL);
        }
        table_cell(table, checkpoint->dir);
    }
    fputc('\n', output->out);
    output_table(output, table);
    table_close(table);
    free(score);
}

static void print_tables(const Result *result, Output *output)
{
    if (result->n_rows > 0) {
        print_metrics(result, output);
    } else {
        log_note("nothing has been reported yet");
    }
    if (result->n_checkpoints > 0) {
        print_checkpoints(result, output);
    }
}

static Status run(const Invocation *invocation)
{
    Output output;
    Result result;
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = load(invocation->args[0], &result);
    if (status == STATUS_OK) {
        (output.json  ? print_json
         : output.csv ? print_csv
                      : print_tables)(&result, &output);
        result_free(&result);
    }
    output_close(&output);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster result last", "of the run that started last"},
    {"muster result mlartifacts/1/RUN_ID/artifacts --csv",
     "of a folder, without a store"},
};

const Command command_result = {
    .name = "result",
    .summary = "shows a run's metrics table and its best checkpoints",
    .usage = "result RUN|PATH [options]",
    .details = RUN_REFERENCE_HELP "\nPATH is a result folder.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 1,
    .arg = "RUN|PATH",
    .run = run,
};
