/* The filter as a function of one run or experiment. The order is in search_order.c. */
#include "tracker/search.h"

#include "base/mem.h"
#include "tracker/like.h"
#include "tracker/search_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one comparison ---- */

bool filter_text_holds(const FilterComparison *c, const char *value)
{
    if (!value || c->op == OP_IS_NULL) {
        return !value && c->op == OP_IS_NULL;
    }
    const char *wanted = c->texts.n ? c->texts.items[0] : "";
    switch (c->op) {
    case OP_EQ:
        return strcmp(value, wanted) == 0;
    case OP_NE:
        return strcmp(value, wanted) != 0;
    case OP_LIKE:
    case OP_NOT_LIKE:
        return text_like(wanted, value, false) == (c->op == OP_LIKE);
    case OP_ILIKE:
    case OP_NOT_ILIKE:
        return text_like(wanted, value, true) == (c->op == OP_ILIKE);
    case OP_IN:
    case OP_NOT_IN:
        return strlist_has(&c->texts, value) == (c->op == OP_IN);
    default:
        return c->op == OP_IS_NOT_NULL;
    }
}

bool filter_number_holds(const FilterComparison *c, bool there, double value)
{
    if (!there || c->op == OP_IS_NULL) {
        return !there && c->op == OP_IS_NULL;
    }
    switch (c->op) {
    case OP_EQ:
        return value == c->number;
    case OP_NE:
        return value != c->number;
    case OP_LT:
        return value < c->number;
    case OP_LE:
        return value <= c->number;
    case OP_GT:
        return value > c->number;
    case OP_GE:
        return value >= c->number;
    default:
        return c->op == OP_IS_NOT_NULL;
    }
}

static const char *dataset_field(const DatasetInput *input, const char *name)
{
    return strcmp(name, "name") == 0 ? input->dataset.name
           : strcmp(name, "digest") == 0
               ? input->dataset.digest
               : key_values_get(&input->tags, "mlflow.data.context");
}

/* Any data set will do; IS NULL means that none has the field. */
static bool dataset_holds(const FilterComparison *c, const DatasetInputs *inputs)
{
    bool any = false, there = false;
    for (size_t i = 0; i < inputs->n; i++) {
        const char *value = dataset_field(&inputs->items[i], c->key.name);
        there = there || value;
        any = any || (value && filter_text_holds(c, value));
    }
    return c->op == OP_IS_NULL ? !there : any;
}

static bool metric_holds(const FilterComparison *c, const Metric *metric)
{
    return filter_number_holds(c, metric != NULL,
                               !metric || isnan(metric->value) ? 0 : metric->value);
}

static bool run_attribute_holds(const FilterComparison *c, const Run *run)
{
    if (!c->key.is_number) {
        return filter_text_holds(c, run_text_attribute(run, c->key.name));
    }
    double number;
    bool there = run_number_attribute(run, c->key.name, &number);
    return filter_number_holds(c, there, number);
}

static bool run_holds(const FilterComparison *c, const Run *run)
{
    switch (c->key.entity) {
    case ENTITY_METRIC:
        return metric_holds(c, metrics_get(&run->metrics, c->key.name));
    case ENTITY_PARAM:
        return filter_text_holds(c, key_values_get(&run->params, c->key.name));
    case ENTITY_TAG:
        return filter_text_holds(c, key_values_get(&run->tags, c->key.name));
    case ENTITY_DATASET:
        return dataset_holds(c, &run->inputs);
    case ENTITY_ATTRIBUTE:
        break;
    }
    return run_attribute_holds(c, run);
}

static bool experiment_holds(const FilterComparison *c, const Experiment *experiment)
{
    if (c->key.entity == ENTITY_TAG) {
        return filter_text_holds(c, key_values_get(&experiment->tags, c->key.name));
    }
    if (!c->key.is_number) {
        return filter_text_holds(c, experiment->name);
    }
    return filter_number_holds(c, true, experiment_time(experiment, c->key.name));
}

/* ---- the tree ---- */

static bool holds_for_run(const FilterComparison *comparison, const void *item)
{
    return run_holds(comparison, item);
}

static bool holds_for_experiment(const FilterComparison *comparison, const void *item)
{
    return experiment_holds(comparison, item);
}

static bool matches(const FilterNode *node, FilterHolds holds, const void *item)
{
    switch (node->kind) {
    case FILTER_COMPARISON:
        return holds(&node->comparison, item);
    case FILTER_NOT:
        return !matches(node->children[0], holds, item);
    case FILTER_AND:
    case FILTER_OR:
        break;
    }
    bool decides = node->kind == FILTER_OR; /* the first child of this value does */
    for (size_t i = 0; i < node->n_children; i++) {
        if (matches(node->children[i], holds, item) == decides) {
            return decides;
        }
    }
    return !decides;
}

bool filter_matches(const FilterNode *filter, FilterHolds holds, const void *item)
{
    return !filter || matches(filter, holds, item);
}

bool filter_matches_run(const FilterNode *filter, const Run *run)
{
    return filter_matches(filter, holds_for_run, run);
}

bool filter_matches_experiment(const FilterNode *filter, const Experiment *experiment)
{
    return filter_matches(filter, holds_for_experiment, experiment);
}

/* ---- searching ---- */

static bool in_view(bool deleted, ViewType view)
{
    return view == VIEW_ALL || deleted == (view == VIEW_DELETED);
}

static bool of_experiments(const Run *run, const RunQuery *query)
{
    for (size_t i = 0; i < query->n_experiment_ids; i++) {
        if (strcmp(run->experiment_id, query->experiment_ids[i]) == 0) {
            return true;
        }
    }
    return query->n_experiment_ids == 0;
}

void search_page(size_t n, int64_t max_results, int64_t offset, size_t *first,
                 size_t *end)
{
    *first = offset <= 0 ? 0 : (uint64_t)offset < n ? (size_t)offset : n;
    size_t left = n - *first;
    *end = *first +
           (max_results > 0 && (uint64_t)max_results < left ? (size_t)max_results : left);
}

static void select_runs(const RunQuery *query, const FilterNode *filter,
                        const OrderTerms *terms, Runs *runs)
{
    size_t n = 0, first, end;
    for (size_t i = 0; i < runs->n; i++) {
        Run *run = &runs->items[i];
        if (in_view(run->deleted, query->view) && of_experiments(run, query) &&
            filter_matches_run(filter, run)) {
            runs->items[n++] = *run;
        } else {
            run_free(run);
        }
    }
    runs_sort(runs->items, n, terms);
    search_page(n, query->max_results, query->offset, &first, &end);
    runs->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= first && i < end) {
            runs->items[runs->n++] = runs->items[i];
        } else {
            run_free(&runs->items[i]);
        }
    }
    if (runs->n == 0) {
        runs_free(runs); /* an empty list owns nothing, as one that was never filled */
    }
}

Status search_among_runs(const RunQuery *query, Runs *runs)
{
    OrderTerms terms = {0};
    FilterNode *filter = NULL;
    TRY(order_parse(query->order_by, query->n_order_by, FILTER_RUNS, &terms));
    Status status = filter_parse(query->filter, FILTER_RUNS, &filter);
    if (status == STATUS_OK) {
        select_runs(query, filter, &terms, runs);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}

static void select_experiments(const ExperimentQuery *query, const FilterNode *filter,
                               const OrderTerms *terms, Experiments *list)
{
    size_t n = 0, first, end;
    for (size_t i = 0; i < list->n; i++) {
        Experiment *experiment = &list->items[i];
        if (in_view(experiment->deleted, query->view) &&
            filter_matches_experiment(filter, experiment)) {
            list->items[n++] = *experiment;
        } else {
            experiment_free(experiment);
        }
    }
    experiments_sort(list->items, n, terms);
    search_page(n, query->max_results, query->offset, &first, &end);
    list->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= first && i < end) {
            list->items[list->n++] = list->items[i];
        } else {
            experiment_free(&list->items[i]);
        }
    }
    if (list->n == 0) {
        experiments_free(list);
    }
}

Status search_among_experiments(const ExperimentQuery *query, Experiments *experiments)
{
    OrderTerms terms = {0};
    FilterNode *filter = NULL;
    TRY(order_parse(query->order_by, query->n_order_by, FILTER_EXPERIMENTS, &terms));
    Status status = filter_parse(query->filter, FILTER_EXPERIMENTS, &filter);
    if (status == STATUS_OK) {
        select_experiments(query, filter, &terms, experiments);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}
