/* The filter as a function of one logged model, and the order of them. */
#include "tracker/search_logged_models.h"

#include "base/mem.h"
#include "tracker/filter.h"
#include "tracker/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Search {
    const LoggedModelQuery *query;
    FilterNode *filter;
    OrderTerms terms;
} Search;

/* A model as the filter sees it: which of its metrics count is the search's business. */
typedef struct Candidate {
    const LoggedModel *model;
    const LoggedModelQuery *query;
} Candidate;

/* ---- values ---- */

static bool is_chosen(const ModelMetric *metric, const DatasetChoice *choice)
{
    return metric->dataset_name && strcmp(metric->dataset_name, choice->name) == 0 &&
           (!choice->digest || (metric->dataset_digest &&
                                strcmp(metric->dataset_digest, choice->digest) == 0));
}

static bool is_any_chosen(const ModelMetric *metric, const DatasetChoice *choices,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_chosen(metric, &choices[i])) {
            return true;
        }
    }
    return n == 0;
}

static bool is_later(const Metric *a, const Metric *b)
{
    return a->timestamp != b->timestamp ? a->timestamp > b->timestamp : a->step > b->step;
}

/* The latest of a key on any of these data sets (none: on any); NULL without one. */
static const Metric *latest_of(const LoggedModel *model, const char *key,
                               const DatasetChoice *choices, size_t n)
{
    const Metric *latest = NULL;
    for (size_t i = 0; i < model->metrics.n; i++) {
        const ModelMetric *metric = &model->metrics.items[i];
        if (strcmp(metric->metric.key, key) == 0 && is_any_chosen(metric, choices, n) &&
            (!latest || is_later(&metric->metric, latest))) {
            latest = &metric->metric;
        }
    }
    return latest;
}

static const char *text_attribute(const LoggedModel *model, const char *name)
{
    return strcmp(name, "name") == 0            ? model->name
           : strcmp(name, "model_id") == 0      ? model->model_id
           : strcmp(name, "model_type") == 0    ? model->model_type
           : strcmp(name, "source_run_id") == 0 ? model->source_run_id
           : strcmp(name, "experiment_id") == 0
               ? model->experiment_id
               : logged_model_status_name(model->status) + strlen("LOGGED_MODEL_");
}

static double number_attribute(const LoggedModel *model, const char *name)
{
    return (double)(strcmp(name, "creation_timestamp") == 0 ? model->creation_time
                                                            : model->last_updated_time);
}

/* ---- the filter ---- */

static bool holds(const FilterComparison *c, const void *item)
{
    const Candidate *candidate = item;
    const LoggedModel *model = candidate->model;
    const Metric *metric = NULL;
    switch (c->key.entity) {
    case ENTITY_METRIC:
        metric = latest_of(model, c->key.name, candidate->query->datasets,
                           candidate->query->n_datasets);
        return filter_number_holds(c, metric, metric ? metric->value : 0);
    case ENTITY_PARAM:
        return filter_text_holds(c, key_values_get(&model->params, c->key.name));
    case ENTITY_TAG:
        return filter_text_holds(c, key_values_get(&model->tags, c->key.name));
    default:
        return c->key.is_number
                   ? filter_number_holds(c, true, number_attribute(model, c->key.name))
                   : filter_text_holds(c, text_attribute(model, c->key.name));
    }
}

/* ---- order ---- */

/* *text or else *number; false when the model lacks it. NaN counts as lacking. */
static bool value_of(const Search *search, size_t term, const LoggedModel *model,
                     double *number, const char **text)
{
    const FilterKey *key = &search->terms.items[term].key;
    const DatasetChoice *dataset = &search->query->order_by[term].dataset;
    *text = NULL;
    *number = 0;
    if (key->entity == ENTITY_METRIC) {
        const Metric *metric =
            latest_of(model, key->name, dataset, dataset->name != NULL);
        *number = metric ? metric->value : 0;
        return metric && !isnan(metric->value);
    }
    if (key->is_number) {
        *number = number_attribute(model, key->name);
        return true;
    }
    *text = key->entity == ENTITY_PARAM ? key_values_get(&model->params, key->name)
            : key->entity == ENTITY_TAG ? key_values_get(&model->tags, key->name)
                                        : text_attribute(model, key->name);
    return *text;
}

static int compare_by(const Search *search, size_t term, const LoggedModel *a,
                      const LoggedModel *b)
{
    double x, y;
    const char *s, *t;
    bool has_a = value_of(search, term, a, &x, &s);
    bool has_b = value_of(search, term, b, &y, &t);
    if (!has_a || !has_b) {
        return (int)has_b - (int)has_a; /* what lacks it comes last either way */
    }
    int order = s && t ? strcmp(s, t) : (x > y) - (x < y);
    return search->terms.items[term].descending ? -order : order;
}

static int compare(const void *pa, const void *pb, void *context)
{
    const LoggedModel *a = pa, *b = pb;
    const Search *search = context;
    for (size_t i = 0; i < search->terms.n; i++) {
        int order = compare_by(search, i, a, b);
        if (order) {
            return order;
        }
    }
    if (a->creation_time != b->creation_time) {
        return a->creation_time > b->creation_time ? -1 : 1;
    }
    return strcmp(a->model_id, b->model_id);
}

/* ---- searching ---- */

static Status parse_order(const LoggedModelQuery *query, OrderTerms *out)
{
    StrList entries = {0};
    for (size_t i = 0; i < query->n_order_by; i++) {
        const LoggedModelOrder *order = &query->order_by[i];
        strlist_add_take(&entries, mem_printf("%s %s", order->field,
                                              order->descending ? "DESC" : "ASC"));
    }
    Status status = order_parse((const char *const *)entries.items, entries.n,
                                FILTER_LOGGED_MODELS, out);
    strlist_free(&entries);
    return status;
}

static void select_models(Search *search, LoggedModels *models)
{
    size_t n = 0, first, end;
    for (size_t i = 0; i < models->n; i++) {
        LoggedModel *model = &models->items[i];
        Candidate candidate = {model, search->query};
        if (filter_matches(search->filter, holds, &candidate)) {
            models->items[n++] = *model;
        } else {
            logged_model_free(model);
        }
    }
    if (n > 0) {
        qsort_r(models->items, n, sizeof models->items[0], compare, search);
    }
    search_page(n, search->query->max_results, search->query->offset, &first, &end);
    models->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= first && i < end) {
            models->items[models->n++] = models->items[i];
        } else {
            logged_model_free(&models->items[i]);
        }
    }
}

Status search_among_logged_models(const LoggedModelQuery *query, LoggedModels *models)
{
    Search search = {.query = query};
    TRY(parse_order(query, &search.terms));
    Status status = filter_parse(query->filter, FILTER_LOGGED_MODELS, &search.filter);
    if (status == STATUS_OK) {
        select_models(&search, models);
    }
    filter_free(search.filter);
    order_free(&search.terms);
    return status;
}
