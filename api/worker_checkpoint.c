/* Checkpoints of a loop that is not ours: any files, beside a note of ours and checksums.
 */
#include "api/worker.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_LIMIT = 1 << 20, FORMAT_VERSION = 1 };

#define PREFIX "checkpoint_"

Status worker_checkpoint_read(const char *dir, int64_t *iteration, int64_t *step)
{
    char *path = path_join(dir, WORKER_STATE);
    Json *json = NULL;
    Status status = json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json);
    if (status == STATUS_OK) {
        int64_t number = json_int(json_get(json, "training_iteration"), -1);
        int64_t version = json_int(json_get(json, "format_version"), 0);
        if (version != FORMAT_VERSION || number < 0) {
            status = status_set(STATUS_DAMAGED, "%s: not written by this version", path);
        } else {
            *iteration = number;
            *step = json_int(json_get(json, "step"), 0);
        }
    }
    json_free(json);
    free(path);
    return status;
}

static bool is_one(const char *result_dir, const char *name)
{
    char *dir = path_join(result_dir, name), *note = path_join(dir, WORKER_STATE);
    bool is = strncmp(name, PREFIX, strlen(PREFIX)) == 0 && !strstr(name, ".tmp") &&
              file_exists(note);
    free(note);
    free(dir);
    return is;
}

/* Newer than *best, and good: then it takes its place. */
static void consider(const char *dir, char **best, int64_t *best_iteration)
{
    int64_t iteration = 0, step;
    if (manifest_verify(dir) != STATUS_OK ||
        worker_checkpoint_read(dir, &iteration, &step) != STATUS_OK) {
        log_warning("not resumable: %s", status_message());
    } else if (iteration > *best_iteration) {
        free(*best);
        *best = mem_strdup(dir);
        *best_iteration = iteration;
    }
}

Status worker_checkpoint_find(const char *result_dir, char **out)
{
    StrList names = {0};
    TRY(dir_list(result_dir, &names));
    char *best = NULL;
    int64_t best_iteration = -1;
    size_t n_seen = 0;
    for (size_t i = 0; i < names.n; i++) {
        if (is_one(result_dir, names.items[i])) {
            char *dir = path_join(result_dir, names.items[i]);
            consider(dir, &best, &best_iteration);
            free(dir);
            n_seen++;
        }
    }
    strlist_free(&names);
    if (!best) {
        return status_set(n_seen > 0 ? STATUS_DAMAGED : STATUS_NOT_FOUND,
                          "%s: no checkpoint to resume from", result_dir);
    }
    *out = best;
    return STATUS_OK;
}

static Status write_note(const char *dir, const Report *report)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "format_version");
    json_write_int(&w, FORMAT_VERSION);
    json_write_key(&w, "training_iteration");
    json_write_int(&w, report->training_iteration);
    json_write_key(&w, "step");
    json_write_int(&w, report->step);
    json_write_key(&w, "metrics");
    json_begin_object(&w);
    for (size_t i = 0; i < report->n_metrics; i++) {
        json_write_key(&w, report->metrics[i].name);
        json_write_double(&w, report->metrics[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
    strbuf_add_char(&text, '\n');
    char *path = path_join(dir, WORKER_STATE);
    Status status = file_write(path, text.p, text.n);
    free(path);
    strbuf_free(&text);
    return status;
}

/* `aside` is ours or a copy; then it is complete and gets its name. */
static Status compose(MusterWorker *worker, const Report *report, const char *from,
                      const char *dir)
{
    bool ours = worker->aside && strcmp(from, worker->aside) == 0;
    char *aside = ours ? mem_strdup(from) : mem_printf("%s.tmp", dir);
    Status status = ours ? STATUS_OK : tree_copy_apart(from, aside);
    status = status == STATUS_OK ? write_note(aside, report) : status;
    status = status == STATUS_OK ? manifest_write(aside) : status;
    status = status == STATUS_OK ? tree_replace(aside, dir) : status;
    if (status != STATUS_OK) {
        char *message = mem_strdup(status_message());
        tree_remove(aside);
        status_set(status, "%s", message);
        free(message);
    }
    free(aside);
    return status;
}

char *worker_keep_checkpoint(MusterWorker *worker, const Report *report, const char *from,
                             StrList *dropped)
{
    char name[CHECKPOINT_NAME];
    checkpointer_next_name(worker->checkpointer, name);
    char *dir = path_join(worker->result_dir, name);
    Status status = compose(worker, report, from, dir);
    worker->checkpoint_lost = status != STATUS_OK;
    if (status != STATUS_OK) {
        log_warning("checkpoint not saved, older ones are kept: %s", status_message());
        snprintf(worker->error, sizeof worker->error, "%.500s", status_message());
        free(dir);
        return NULL;
    }
    const char *score = worker->settings->checkpoint.checkpoint_score_attribute;
    checkpointer_added(worker->checkpointer, dir, report_value(report, score, NAN),
                       dropped);
    return dir;
}
