/* The verdict: weights by the checksums that stand in the checkpoints, and what has
 * changed around the run. */
#include "cli/reproduction.h"

#include "cli/command.h"
#include "cli/run_diff.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "base/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANIFEST_LIMIT = 1 << 20 };

/* ---- weights ---- */

typedef enum WeightsVerdict {
    WEIGHTS_SAME,
    WEIGHTS_DIFFER,
    WEIGHTS_UNKNOWN
} WeightsVerdict;

typedef struct Weights {
    WeightsVerdict verdict;
    char *checkpoint; /* the run's last, "checkpoint_000004" */
    char *file;       /* the first that differs */
    char digest[13];  /* of the weights */
} Weights;

static char *last_checkpoint(const char *dir)
{
    StrList names = {0};
    char *last = NULL;
    if (dir && dir_exists(dir) && dir_list(dir, &names) == STATUS_OK) {
        for (size_t i = 0; i < names.n; i++) {
            const char *name = names.items[i], *digits = name + strlen("checkpoint_");
            if (strncmp(name, "checkpoint_", strlen("checkpoint_")) == 0 &&
                strspn(digits, "0123456789") == strlen(digits) &&
                (!last || strcmp(name, last) > 0)) {
                free(last);
                last = mem_strdup(name);
            }
        }
    }
    strlist_free(&names);
    return last;
}

/* The lines "DIGEST  NAME" of a checkpoint's tensors, in order. */
static Status tensor_files(const char *dir, const char *checkpoint, StrList *out)
{
    char *folder = path_join(dir, checkpoint), *path = path_join(folder, MANIFEST_NAME);
    StrBuf text = {0};
    Status status = manifest_verify(folder);
    if (status == STATUS_OK) {
        status = file_read(path, MANIFEST_LIMIT, STATUS_DAMAGED, &text);
    }
    for (char *save = NULL,
              *line = status == STATUS_OK ? strtok_r(text.p, "\n", &save) : NULL;
         line; line = strtok_r(NULL, "\n", &save)) {
        size_t n = strlen(line), tail = strlen(".safetensors");
        if (n > tail && strcmp(line + n - tail, ".safetensors") == 0) {
            strlist_add(out, line);
        }
    }
    strbuf_free(&text);
    free(path);
    free(folder);
    return status;
}

static void compare_files(const StrList *then, const StrList *now, Weights *out)
{
    out->verdict = then->n == now->n ? WEIGHTS_SAME : WEIGHTS_DIFFER;
    for (size_t i = 0; i < then->n; i++) {
        const char *name = strstr(then->items[i], "  ");
        name = name ? name + 2 : then->items[i];
        if (!strlist_has(now, then->items[i]) && !out->file) {
            out->verdict = WEIGHTS_DIFFER;
            out->file = mem_strdup(name);
        }
        if (strcmp(name, "model.safetensors") == 0) {
            snprintf(out->digest, sizeof out->digest, "%.12s", then->items[i]);
        }
    }
}

static Status compare_weights(const Reproduction *r, Weights *out)
{
    *out = (Weights){.verdict = WEIGHTS_UNKNOWN,
                     .checkpoint = last_checkpoint(r->result_dir)};
    if (!out->checkpoint || r->first.found) {
        return STATUS_OK;
    }
    StrList then = {0}, now = {0};
    Status status = tensor_files(r->result_dir, out->checkpoint, &then);
    if (status == STATUS_OK) {
        status = tensor_files(r->new_result_dir, out->checkpoint, &now);
        if (status == STATUS_NOT_FOUND) {
            out->verdict = WEIGHTS_DIFFER;
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            compare_files(&then, &now, out);
        }
    }
    strlist_free(&then);
    strlist_free(&now);
    return status;
}

static void weights_free(Weights *weights)
{
    free(weights->checkpoint);
    free(weights->file);
}

/* ---- the verdict ---- */

static void write_value(JsonWriter *w, const char *key, bool there, double value)
{
    json_write_key(w, key);
    if (there) {
        json_write_double(w, value);
    } else {
        json_write_null(w);
    }
}

static void write_first(JsonWriter *w, const FirstDifference *first)
{
    json_write_key(w, "first_difference");
    if (!first->found) {
        json_write_null(w);
        return;
    }
    json_begin_object(w);
    json_write_key(w, "metric");
    json_write_string(w, first->metric);
    json_write_key(w, "step");
    json_write_int(w, first->step);
    write_value(w, "then", first->expected, first->value);
    write_value(w, "now", first->got, first->new_value);
    json_end_object(w);
}

static void write_weights(JsonWriter *w, const Weights *weights)
{
    json_write_key(w, "weights");
    json_begin_object(w);
    json_write_key(w, "checkpoint");
    json_write_string(w, weights->checkpoint);
    json_write_key(w, "identical");
    if (weights->verdict == WEIGHTS_UNKNOWN) {
        json_write_null(w);
    } else {
        json_write_bool(w, weights->verdict == WEIGHTS_SAME);
    }
    json_write_key(w, "differs");
    json_write_string(w, weights->file);
    json_end_object(w);
}

static void print_json(const Reproduction *r, const Weights *weights, bool identical,
                       const Differences *changes)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, r->original.run_id);
    json_write_key(&w, "reproduction_run_id");
    json_write_string(&w, r->new_run_id);
    json_write_key(&w, "identical");
    json_write_bool(&w, identical);
    json_write_key(&w, "reports");
    json_write_int(&w, r->n_compared);
    json_write_key(&w, "metrics");
    json_write_int(&w, r->n_metrics);
    write_first(&w, &r->first);
    write_weights(&w, weights);
    json_write_key(&w, "environment");
    differences_write_json(&w, changes, DIFF_ENVIRONMENT, "then", "now");
    json_write_key(&w, "code");
    differences_write_json(&w, changes, DIFF_CODE, "then", "now");
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_changes(const Differences *changes)
{
    static const char *const HEADINGS[] = {"changed since", "then", "now"};
    Table *table = table_open(HEADINGS, 3);
    size_t n = 0;
    for (size_t i = 0; i < changes->n; i++) {
        const Difference *d = &changes->items[i];
        if (d->kind == DIFF_ENVIRONMENT || d->kind == DIFF_CODE) {
            table_cell(table, d->name);
            table_cell(table, d->a ? d->a : "-");
            table_cell(table, d->b ? d->b : "-");
            n++;
        }
    }
    if (n > 0) {
        table_print(table, stdout, terminal_width(STDOUT_FILENO));
    } else {
        log_note("machine, kernels, libraries and code are recorded as the same");
    }
    table_close(table);
}

/* The bits of ranks whose number is no power of two are that number's own. */
static void hint_ranks(const Reproduction *r)
{
    const char *text = key_values_get(&r->original.tags, "muster.ranks");
    long ranks = text ? strtol(text, NULL, 10) : 1;
    if ((ranks & (ranks - 1)) != 0) {
        status_hint("the run was trained on %ld ranks, whose bits are their own: "
                    "--ranks %ld",
                    ranks, ranks);
    }
}

static Status say_first(const Reproduction *r)
{
    const FirstDifference *first = &r->first;
    char then[32] = "no value", now[32] = "no value";
    if (first->expected) {
        text_from_double(first->value, then);
    }
    if (first->got) {
        text_from_double(first->new_value, now);
    }
    status_set(STATUS_FAILED,
               "run %s is not reproduced: %s at step %lld is %s, the run has %s",
               r->original.run_id, first->metric, (long long)first->step, now, then);
    hint_ranks(r);
    return STATUS_FAILED;
}

static Status say(const Reproduction *r, const Weights *weights)
{
    if (r->first.found) {
        return say_first(r);
    }
    if (weights->verdict == WEIGHTS_DIFFER) {
        return status_set(
            STATUS_FAILED,
            "run %s is not reproduced: all metrics are equal, %s of %s is not",
            r->original.run_id, weights->file ? weights->file : "what is",
            weights->checkpoint);
    }
    return STATUS_OK;
}

static void print_identical(const Reproduction *r, const Weights *weights)
{
    printf("identical to run %s: %lld metrics in %lld reports", r->original.run_id,
           (long long)r->n_metrics, (long long)r->n_compared);
    if (weights->verdict == WEIGHTS_SAME) {
        printf(", weights and state of %s (%s)\n", weights->checkpoint, weights->digest);
    } else {
        printf("; it has no checkpoint to compare\n");
    }
}

static Status read_changes(const Reproduction *r, Differences *out)
{
    Store *store;
    Run now = {0};
    TRY(store_open(r->uri, NULL, &store));
    Status status = store_get_run(store, r->new_run_id, &now);
    if (status == STATUS_OK) {
        differences_of_runs(&r->original, &now, out);
    }
    run_free(&now);
    store_close(store);
    return status;
}

Status reproduction_tell(Reproduction *r, bool json)
{
    Weights weights = {0};
    Differences changes = {0};
    Status status = compare_weights(r, &weights);
    if (status == STATUS_OK) {
        status = read_changes(r, &changes);
    }
    if (status == STATUS_OK) {
        Status verdict = say(r, &weights);
        if (json) {
            print_json(r, &weights, verdict == STATUS_OK, &changes);
            command_answered();
        } else if (verdict == STATUS_OK) {
            print_identical(r, &weights);
        } else {
            print_changes(&changes);
        }
        status = verdict;
    }
    weights_free(&weights);
    differences_free(&changes);
    return status;
}
