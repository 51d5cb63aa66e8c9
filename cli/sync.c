/* `muster sync`: delivers what a training could not log while its store was away. */
#include "cli/command.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/spool.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

extern const Command command_sync;

static struct {
    const char *uri;
} options;

static const Option OPTIONS[] = {
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = offsetof(__typeof__(options), uri),
     .value = "URI",
     .help = "deliver into this store instead of the one that each file names"},
};

enum { DEEPEST = 8 };

typedef struct Totals {
    size_t n_files, n_failed;
    SpoolReport points;
} Totals;

/* Spool files below a folder; links are not followed out of it. */
static Status find_files(const char *path, int depth, StrList *out)
{
    if (!dir_exists(path)) {
        if (strcmp(path_base(path), SPOOL_NAME) == 0) {
            strlist_add(out, path);
        }
        return STATUS_OK;
    }
    StrList names = {0};
    Status status = depth < DEEPEST ? dir_list(path, &names) : STATUS_OK;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *inner = path_join(path, names.items[i]);
        status = find_files(inner, depth + 1, out);
        free(inner);
    }
    strlist_free(&names);
    return status;
}

static Status collect(const char *path, StrList *out)
{
    if (file_exists(path)) {
        strlist_add(out, path);
        return STATUS_OK;
    }
    if (!dir_exists(path)) {
        return status_set(STATUS_NOT_FOUND, "%s: there is no such file or folder", path);
    }
    return find_files(path, 0, out);
}

/* A training that still runs delivers by itself, and still writes to the file. */
static Status refuse_running(Store *store, const char *run_id)
{
    Run run;
    TRY(store_get_run(store, run_id, &run));
    bool alive = run.status == RUN_RUNNING && run_has_process_here(&run);
    run_free(&run);
    return alive ? status_set(STATUS_DENIED, "run %.8s is still training", run_id)
                 : STATUS_OK;
}

static Status deliver(const char *path, Totals *totals)
{
    char *uri = NULL, *run_id = NULL;
    TRY(spool_read_header(path, &uri, &run_id));
    StoreOptions with = {.mode = STORE_WRITE};
    Store *store = NULL;
    SpoolReport report = {0};
    Status status = store_open(options.uri ? options.uri : uri, &with, &store);
    if (status == STATUS_OK) {
        status = refuse_running(store, run_id);
    }
    if (status == STATUS_OK) {
        status = spool_deliver(path, store, 0, &report);
    }
    store_close(store);
    free(uri);
    free(run_id);
    totals->points.n_delivered += report.n_delivered;
    totals->points.n_refused += report.n_refused;
    totals->points.n_torn += report.n_torn;
    return status;
}

static void print_totals(const Totals *totals, bool json)
{
    if (!json) {
        printf("%zu points of %zu files delivered, %zu refused, %zu torn lines\n",
               totals->points.n_delivered, totals->n_files - totals->n_failed,
               totals->points.n_refused, totals->points.n_torn);
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "files");
    json_write_int(&w, (int64_t)totals->n_files);
    json_write_key(&w, "failed");
    json_write_int(&w, (int64_t)totals->n_failed);
    json_write_key(&w, "delivered");
    json_write_int(&w, (int64_t)totals->points.n_delivered);
    json_write_key(&w, "refused");
    json_write_int(&w, (int64_t)totals->points.n_refused);
    json_write_key(&w, "torn");
    json_write_int(&w, (int64_t)totals->points.n_torn);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* One file that fails keeps none of the others from being delivered. */
static Status deliver_all(const StrList *files, bool json)
{
    Totals totals = {.n_files = files->n};
    Status worst = STATUS_OK;
    char message[1024] = "";
    for (size_t i = 0; i < files->n; i++) {
        Status status = deliver(files->items[i], &totals);
        if (status != STATUS_OK) {
            totals.n_failed++;
            worst = status;
            snprintf(message, sizeof message, "%s: %s", files->items[i],
                     status_message());
            if (files->n > 1) {
                log_warning("%s", message);
            }
        }
    }
    if (worst == STATUS_OK || files->n > 1) {
        print_totals(&totals, json);
    }
    if (worst != STATUS_OK && files->n > 1) {
        command_answered();
        return status_set(worst, "%zu of %zu files were not delivered", totals.n_failed,
                          files->n);
    }
    return worst == STATUS_OK ? STATUS_OK : status_set(worst, "%s", message);
}

static Status run(const Invocation *invocation)
{
    StrList files = {0};
    Status status = STATUS_OK;
    if (invocation->n_args == 0) {
        status = collect("mlartifacts", &files);
    }
    for (size_t i = 0; i < invocation->n_args && status == STATUS_OK; i++) {
        status = collect(invocation->args[i], &files);
    }
    if (status == STATUS_OK) {
        status = deliver_all(&files, invocation->json);
    }
    strlist_free(&files);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster sync", "every run below mlartifacts"},
};

const Command command_sync = {
    .name = "sync",
    .summary = "delivers points that a training kept while its store was away",
    .usage = "sync [FILE|FOLDER ...] [options]",
    .details =
        "Without arguments: every " SPOOL_NAME " below mlartifacts. Delivering twice "
        "is as\ngood as once.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 0,
    .max_args = ANY_ARGS,
    .arg = "FILE",
    .run = run,
};
