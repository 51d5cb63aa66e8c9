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

/* Spool files below a folder; links are not followed out of it. What a run appends to is
 * set aside first: the run may be live. */
static Status find_files(const char *dir, int depth, StrList *out)
{
    StrList names = {0};
    Status status = depth < DEEPEST ? dir_list(dir, &names) : STATUS_OK;
    bool waits = false;
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *inner = path_join(dir, names.items[i]);
        if (dir_exists(inner)) {
            status = find_files(inner, depth + 1, out);
        } else {
            waits |= spool_is_name(names.items[i]);
        }
        free(inner);
    }
    strlist_free(&names);
    return status == STATUS_OK && waits ? spool_claim(dir, out) : status;
}

static Status collect(const char *path, StrList *out)
{
    if (dir_exists(path)) {
        return find_files(path, 0, out);
    }
    if (!file_exists(path)) {
        return status_set(STATUS_NOT_FOUND, "%s: there is no such file or folder", path);
    }
    if (strcmp(path_base(path), SPOOL_NAME) != 0) {
        strlist_add(out, path);
        return STATUS_OK;
    }
    char *dir = mem_printf("%.*s.", (int)(path_base(path) - path), path);
    Status status = spool_claim(dir, out);
    free(dir);
    return status;
}

static Status open_store(const SpoolReader *reader, Store **out)
{
    StoreOptions with = {.mode = STORE_WRITE};
    const char *uri = options.uri ? options.uri : spool_reader_store_uri(reader);
    Status status = store_open(uri, &with, out);
    if (status == STATUS_NOT_FOUND && !options.uri) {
        status_hint("if the store is elsewhere now, name it: --tracking-uri URI");
    }
    return status;
}

static Status deliver(const char *path, Totals *totals)
{
    SpoolReader *reader;
    Store *store = NULL;
    TRY(spool_reader_open(path, &reader));
    Status status = open_store(reader, &store);
    if (status == STATUS_OK) {
        status = spool_reader_deliver(reader, store, 0, &totals->points);
    }
    store_close(store);
    spool_reader_close(reader);
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
    char message[1024] = "", hint[512] = "";
    for (size_t i = 0; i < files->n; i++) {
        Status status = deliver(files->items[i], &totals);
        if (status != STATUS_OK) {
            totals.n_failed++;
            worst = status;
            snprintf(hint, sizeof hint, "%s", status_hint_text());
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
        snprintf(message, sizeof message, "%zu of %zu files were not delivered",
                 totals.n_failed, files->n);
    }
    if (worst != STATUS_OK) {
        status_set(worst, "%s", message);
        status_hint("%s", hint);
    }
    return worst;
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
    {"muster sync copied/mlartifacts --tracking-uri sqlite:///runs.db",
     "runs of another host, into the store here"},
};

const Command command_sync = {
    .name = "sync",
    .summary = "delivers points that a training kept while its store was away",
    .usage = "sync [FILE|FOLDER ...] [options]",
    .details =
        "Without arguments: every " SPOOL_NAME " below mlartifacts. Delivering twice "
        "is as\ngood as once, and a run that still logs goes on meanwhile. A folder that "
        "was copied\nfrom another host is delivered into the store of --tracking-uri.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 0,
    .max_args = ANY_ARGS,
    .arg = "FILE",
    .run = run,
};
