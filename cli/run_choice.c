/* Keys and differences over many runs. Lists of one store are sorted by key and mostly
 * alike from run to run, so that a key is looked for first where the run before had it.
 */
#include "cli/run_choice.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts, and drops what is there twice. */
static void make_set(StrList *list)
{
    size_t n = 0;
    if (list->n > 1) {
        qsort(list->items, list->n, sizeof *list->items, compare_texts);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (n > 0 && strcmp(list->items[n - 1], list->items[i]) == 0) {
            free(list->items[i]);
        } else {
            list->items[n++] = list->items[i];
        }
    }
    list->n = n;
}

void run_param_keys(const Runs *runs, StrList *out)
{
    for (size_t r = 0; r < runs->n; r++) {
        const KeyValues *now = &runs->items[r].params;
        const KeyValues *before = r > 0 ? &runs->items[r - 1].params : NULL;
        for (size_t i = 0; i < now->n; i++) {
            bool known = before && i < before->n &&
                         strcmp(now->items[i].key, before->items[i].key) == 0;
            if (!known) {
                strlist_add(out, now->items[i].key);
            }
        }
    }
    make_set(out);
}

void run_metric_keys(const Runs *runs, StrList *out)
{
    for (size_t r = 0; r < runs->n; r++) {
        const Metrics *now = &runs->items[r].metrics;
        const Metrics *before = r > 0 ? &runs->items[r - 1].metrics : NULL;
        for (size_t i = 0; i < now->n; i++) {
            bool known = before && i < before->n &&
                         strcmp(now->items[i].key, before->items[i].key) == 0;
            if (!known) {
                strlist_add(out, now->items[i].key);
            }
        }
    }
    make_set(out);
}

static const char *param_at(const Run *run, const char *key, size_t *at)
{
    const KeyValues *params = &run->params;
    if (*at >= params->n || strcmp(params->items[*at].key, key) != 0) {
        for (*at = 0; *at < params->n && strcmp(params->items[*at].key, key) != 0;) {
            ++*at;
        }
    }
    return *at < params->n ? params->items[*at].value : NULL;
}

static const Metric *metric_at(const Run *run, const char *key, size_t *at)
{
    const Metrics *metrics = &run->metrics;
    if (*at >= metrics->n || strcmp(metrics->items[*at].key, key) != 0) {
        for (*at = 0; *at < metrics->n && strcmp(metrics->items[*at].key, key) != 0;) {
            ++*at;
        }
    }
    return *at < metrics->n ? &metrics->items[*at] : NULL;
}

bool run_param_differs(const Runs *runs, const char *key, bool by_value)
{
    size_t at = 0, n = 0;
    const char *first = NULL;
    for (size_t i = 0; i < runs->n; i++) {
        const char *value = param_at(&runs->items[i], key, &at);
        if (value && first && strcmp(first, value) != 0) {
            return true;
        }
        first = first ? first : value;
        n += value != NULL;
    }
    return !by_value && n > 0 && n < runs->n;
}

static bool same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool run_metric_differs(const Runs *runs, const char *key)
{
    size_t at = 0;
    const Metric *first = runs->n > 0 ? metric_at(&runs->items[0], key, &at) : NULL;
    for (size_t i = 1; i < runs->n; i++) {
        const Metric *metric = metric_at(&runs->items[i], key, &at);
        if (!first != !metric || (first && !same_value(first->value, metric->value))) {
            return true;
        }
    }
    return false;
}
