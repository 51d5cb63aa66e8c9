/* What stands before what. */
#include "tracker/search_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */

/* The name is the tag, as it is for MLflow: the column is no older than the tag. */
const char *run_text_attribute(const Run *run, const char *name)
{
    return strcmp(name, "run_id") == 0     ? run->run_id
           : strcmp(name, "status") == 0   ? run_status_name(run->status)
           : strcmp(name, "user_id") == 0  ? run->user_id
           : strcmp(name, "run_name") == 0 ? key_values_get(&run->tags, "mlflow.runName")
                                           : run->artifact_uri;
}

bool run_number_attribute(const Run *run, const char *name, double *out)
{
    bool start = strcmp(name, "start_time") == 0;
    *out = (double)(start ? run->start_time : run->end_time);
    return start || run->end_time != 0;
}

double experiment_time(const Experiment *experiment, const char *name)
{
    return strcmp(name, "creation_time") == 0 ? (double)experiment->creation_time
                                              : (double)experiment->last_update_time;
}

/* ---- order ---- */

typedef enum Rank { HAS_VALUE, IS_NAN, LACKS_VALUE } Rank;

/* What a run has for a term: a text, or else a number. */
static Rank value_of(const FilterKey *key, const Run *run, double *number,
                     const char **text)
{
    *text = NULL;
    *number = 0;
    if (key->entity == ENTITY_METRIC) {
        const Metric *metric = metrics_get(&run->metrics, key->name);
        bool nan = metric && isnan(metric->value);
        *number = metric && !nan ? metric->value : 0;
        return !metric ? LACKS_VALUE : nan ? IS_NAN : HAS_VALUE;
    }
    if (key->is_number) {
        return run_number_attribute(run, key->name, number) ? HAS_VALUE : LACKS_VALUE;
    }
    *text = key->entity == ENTITY_PARAM ? key_values_get(&run->params, key->name)
            : key->entity == ENTITY_TAG ? key_values_get(&run->tags, key->name)
                                        : run_text_attribute(run, key->name);
    return *text ? HAS_VALUE : LACKS_VALUE;
}

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_by(const OrderTerm *term, const Run *a, const Run *b)
{
    double number_a, number_b;
    const char *text_a, *text_b;
    Rank rank_a = value_of(&term->key, a, &number_a, &text_a);
    Rank rank_b = value_of(&term->key, b, &number_b, &text_b);
    if (rank_a != rank_b) {
        return rank_a < rank_b ? -1 : 1;
    }
    int order =
        text_a && text_b ? strcmp(text_a, text_b) : compare_numbers(number_a, number_b);
    return term->descending ? -order : order;
}

static int compare_runs(const void *pa, const void *pb, void *context)
{
    const Run *a = pa, *b = pb;
    const OrderTerms *terms = context;
    for (size_t i = 0; i < terms->n; i++) {
        int order = compare_by(&terms->items[i], a, b);
        if (order) {
            return order;
        }
    }
    if (a->start_time != b->start_time) {
        return a->start_time > b->start_time ? -1 : 1;
    }
    return strcmp(a->run_id, b->run_id);
}

void runs_sort(Run *runs, size_t n, const OrderTerms *terms)
{
    if (n > 0) {
        qsort_r(runs, n, sizeof runs[0], compare_runs, (void *)terms);
    }
}

/* Ids are whole numbers, too long for a double in some stores. */
static int compare_ids(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    return n_a != n_b ? (n_a < n_b ? -1 : 1) : strcmp(a, b);
}

static int compare_experiments_by(const char *name, const Experiment *a,
                                  const Experiment *b)
{
    return strcmp(name, "name") == 0 ? strcmp(a->name, b->name)
           : strcmp(name, "experiment_id") == 0
               ? compare_ids(a->experiment_id, b->experiment_id)
               : compare_numbers(experiment_time(a, name), experiment_time(b, name));
}

static int compare_experiments(const void *pa, const void *pb, void *context)
{
    const Experiment *a = pa, *b = pb;
    const OrderTerms *terms = context;
    for (size_t i = 0; i < terms->n; i++) {
        const OrderTerm *term = &terms->items[i];
        int order = compare_experiments_by(term->key.name, a, b);
        if (order) {
            return term->descending ? -order : order;
        }
    }
    if (terms->n == 0 && a->creation_time != b->creation_time) {
        return a->creation_time > b->creation_time ? -1 : 1;
    }
    int by_id = compare_ids(a->experiment_id, b->experiment_id);
    return terms->n == 0 ? by_id : -by_id;
}

void experiments_sort(Experiment *experiments, size_t n, const OrderTerms *terms)
{
    if (n > 0) {
        qsort_r(experiments, n, sizeof experiments[0], compare_experiments,
                (void *)terms);
    }
}
