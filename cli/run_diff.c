/* Walking two sorted lists of names side by side. */
#include "cli/run_diff.h"

#include "base/mem.h"
#include "tracker/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *diff_kind_name(DiffKind kind)
{
    static const char *const NAMES[N_DIFF_KINDS] = {"params", "tags", "environment",
                                                    "code",   "data", "metrics"};
    return NAMES[kind];
}

void differences_free(Differences *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].name);
        free(list->items[i].a);
        free(list->items[i].b);
    }
    free(list->items);
    *list = (Differences){0};
}

static void add(Differences *list, DiffKind kind, const char *name, const char *a,
                const char *b)
{
    if (a && b && strcmp(a, b) == 0) {
        return;
    }
    list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof *list->items);
    list->items[list->n++] =
        (Difference){kind, mem_strdup(name), mem_strdup(a), mem_strdup(b)};
}

/* ---- tags ---- */

/* Of every run its own. */
static const char *const OWN_TAGS[] = {"mlflow.runName", "muster.pid",
                                       "muster.process_start", "muster.resumed_at"};

/* The first prefix that fits says what kind a tag is of. */
static const struct {
    const char *prefix;
    DiffKind kind;
} KINDS[] = {
    {"muster.version.muster", DIFF_CODE},
    {"muster.version.", DIFF_ENVIRONMENT},
    {"muster.kernel_family", DIFF_ENVIRONMENT},
    {"muster.cpu", DIFF_ENVIRONMENT},
    {"muster.cores", DIFF_ENVIRONMENT},
    {"muster.threads", DIFF_ENVIRONMENT},
    {"muster.ranks", DIFF_ENVIRONMENT},
    {"muster.host", DIFF_ENVIRONMENT},
    {"muster.slurm.", DIFF_ENVIRONMENT},
    {"muster.git.", DIFF_CODE},
    {"mlflow.source.git.", DIFF_CODE},
    {"muster.digest.", DIFF_DATA},
    {"", DIFF_TAGS},
};

DiffKind diff_kind_of_tag(const char *key)
{
    size_t i = 0;
    while (strncmp(key, KINDS[i].prefix, strlen(KINDS[i].prefix)) != 0) {
        i++;
    }
    return KINDS[i].kind;
}

static bool is_own_tag(const char *key)
{
    for (size_t i = 0; i < sizeof OWN_TAGS / sizeof OWN_TAGS[0]; i++) {
        if (strcmp(key, OWN_TAGS[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of either list, without repeats. */
static StrList names_of(const KeyValues *a, const KeyValues *b)
{
    StrList names = {0};
    const KeyValues *const lists[] = {a, b};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            if (l == 0 || !key_values_get(a, lists[l]->items[i].key)) {
                strlist_add(&names, lists[l]->items[i].key);
            }
        }
    }
    return names;
}

static void compare_tags(const Run *a, const Run *b, DiffKind kind, Differences *out)
{
    StrList names = names_of(&a->tags, &b->tags);
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.items[i];
        if (diff_kind_of_tag(name) == kind && !is_own_tag(name)) {
            add(out, kind, name, key_values_get(&a->tags, name),
                key_values_get(&b->tags, name));
        }
    }
    strlist_free(&names);
}

static void compare_params(const Run *a, const Run *b, Differences *out)
{
    StrList names = names_of(&a->params, &b->params);
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.items[i];
        add(out, DIFF_PARAMS, name, key_values_get(&a->params, name),
            key_values_get(&b->params, name));
    }
    strlist_free(&names);
}

void differences_of_runs(const Run *a, const Run *b, Differences *out)
{
    compare_params(a, b, out);
    for (int kind = DIFF_TAGS; kind <= DIFF_DATA; kind++) {
        compare_tags(a, b, (DiffKind)kind, out);
    }
}

/* ---- metrics ---- */

bool metric_is_circumstance(const char *key)
{
    static const char *const NAMES[] = {"timestamp",
                                        "pid",
                                        "time_this_iter_s",
                                        "time_total_s",
                                        "time_since_restore",
                                        "iterations_since_restore",
                                        "training_iteration",
                                        "should_checkpoint",
                                        "done",
                                        "train_loss_step"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(key, NAMES[i]) == 0) {
            return true;
        }
    }
    return strncmp(key, "system/", 7) == 0;
}

static char *value_text(const Metric *metric)
{
    char text[32];
    if (!metric) {
        return NULL;
    }
    text_from_double(metric->value, text);
    return mem_strdup(text);
}

static const Metric *best_of(const Metrics *history, bool largest)
{
    const Metric *best = NULL;
    for (size_t i = 0; i < history->n; i++) {
        const Metric *point = &history->items[i];
        bool better =
            best && (largest ? point->value > best->value : point->value < best->value);
        if (!isnan(point->value) && (!best || better)) {
            best = point;
        }
    }
    return best;
}

static void add_points(Differences *out, const char *name, const Metric *a,
                       const Metric *b)
{
    char *texts[] = {value_text(a), value_text(b)};
    if (a || b) {
        add(out, DIFF_METRICS, name, texts[0], texts[1]);
    }
    free(texts[0]);
    free(texts[1]);
}

static Status compare_metric(Store *store, const Run *a, const Run *b, const char *key,
                             Differences *out)
{
    const Run *const runs[] = {a, b};
    Metrics history[2] = {{0}};
    Status status = STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        status = store_metric_history(store, runs[i]->run_id, key, &history[i]);
    }
    if (status == STATUS_OK) {
        bool largest = strcmp(metric_default_order(key), "max") == 0;
        char *name = mem_printf("best %s", key);
        add_points(out, key, metrics_get(&a->metrics, key),
                   metrics_get(&b->metrics, key));
        if (strcmp(key, "epoch") != 0 && strcmp(key, "lr") != 0) {
            add_points(out, name, best_of(&history[0], largest),
                       best_of(&history[1], largest));
        }
        free(name);
    }
    metrics_free(&history[0]);
    metrics_free(&history[1]);
    return status;
}

Status differences_of_metrics(Store *store, const Run *a, const Run *b, Differences *out)
{
    const Run *const runs[] = {a, b};
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; i < runs[r]->metrics.n; i++) {
            const char *key = runs[r]->metrics.items[i].key;
            bool seen = r == 1 && metrics_get(&a->metrics, key);
            if (!seen && !metric_is_circumstance(key)) {
                TRY(compare_metric(store, a, b, key, out));
            }
        }
    }
    return STATUS_OK;
}

/* ---- as JSON ---- */

void differences_write_json(JsonWriter *w, const Differences *list, DiffKind kind,
                            const char *first, const char *second)
{
    json_begin_array(w);
    for (size_t i = 0; i < list->n; i++) {
        const Difference *d = &list->items[i];
        if (d->kind != kind) {
            continue;
        }
        json_begin_object(w);
        json_write_key(w, "name");
        json_write_string(w, d->name);
        json_write_key(w, first);
        json_write_string(w, d->a);
        json_write_key(w, second);
        json_write_string(w, d->b);
        json_end_object(w);
    }
    json_end_array(w);
}
