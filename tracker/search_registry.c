/* The filter as a function of one model or version, and the order of them. */
#include "tracker/search_registry.h"

#include "tracker/search.h"

#include <stdlib.h>
#include <string.h>

/* ---- prompts ---- */

static bool is_about_prompts(const FilterComparison *c)
{
    return c->key.entity == ENTITY_TAG && strcmp(c->key.name, PROMPT_TAG) == 0;
}

bool comparison_excludes_prompts(const FilterComparison *c)
{
    return is_about_prompts(c) &&
           ((c->op == OP_NE && strcmp(c->texts.items[0], "true") == 0) ||
            (c->op == OP_EQ && strcmp(c->texts.items[0], "false") == 0));
}

bool filter_asks_for_prompts(const FilterNode *filter)
{
    if (!filter || filter->kind == FILTER_COMPARISON) {
        return filter && is_about_prompts(&filter->comparison);
    }
    for (size_t i = 0; i < filter->n_children; i++) {
        if (filter_asks_for_prompts(filter->children[i])) {
            return true;
        }
    }
    return false;
}

static bool is_prompt(const KeyValues *tags)
{
    const char *value = key_values_get(tags, PROMPT_TAG);
    return value && strcmp(value, "true") == 0;
}

static bool tag_holds(const FilterComparison *c, const KeyValues *tags)
{
    return comparison_excludes_prompts(c)
               ? !is_prompt(tags)
               : filter_text_holds(c, key_values_get(tags, c->key.name));
}

/* ---- attributes ---- */

static double model_time(const char *attribute, int64_t created, int64_t updated)
{
    return (double)(strcmp(attribute, "creation_timestamp") == 0 ? created : updated);
}

static bool model_holds(const FilterComparison *c, const void *item)
{
    const RegisteredModel *model = item;
    if (c->key.entity == ENTITY_TAG) {
        return tag_holds(c, &model->tags);
    }
    return c->key.is_number
               ? filter_number_holds(c, true,
                                     model_time(c->key.name, model->creation_time,
                                                model->last_updated_time))
               : filter_text_holds(c, model->name);
}

static const char *version_text(const ModelVersion *version, const char *attribute)
{
    return strcmp(attribute, "name") == 0     ? version->name
           : strcmp(attribute, "run_id") == 0 ? version->run_id
                                              : version->source;
}

static double version_number(const ModelVersion *version, const char *attribute)
{
    return strcmp(attribute, "version_number") == 0
               ? (double)version->version
               : model_time(attribute, version->creation_time,
                            version->last_updated_time);
}

static bool version_holds(const FilterComparison *c, const void *item)
{
    const ModelVersion *version = item;
    if (c->key.entity == ENTITY_TAG) {
        return tag_holds(c, &version->tags);
    }
    return c->key.is_number
               ? filter_number_holds(c, true, version_number(version, c->key.name))
               : filter_text_holds(c, version_text(version, c->key.name));
}

/* ---- order ---- */

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_models(const void *pa, const void *pb, void *context)
{
    const RegisteredModel *a = pa, *b = pb;
    const OrderTerms *terms = context;
    for (size_t i = 0; i < terms->n; i++) {
        const char *key = terms->items[i].key.name;
        int order = strcmp(key, "name") == 0
                        ? strcmp(a->name, b->name)
                        : compare_numbers(
                              model_time(key, a->creation_time, a->last_updated_time),
                              model_time(key, b->creation_time, b->last_updated_time));
        if (order) {
            return terms->items[i].descending ? -order : order;
        }
    }
    return strcmp(a->name, b->name);
}

static int compare_versions_by(const char *key, const ModelVersion *a,
                               const ModelVersion *b)
{
    bool text = strcmp(key, "name") == 0 || strcmp(key, "run_id") == 0 ||
                strcmp(key, "source_path") == 0;
    return text ? strcmp(version_text(a, key), version_text(b, key))
                : compare_numbers(version_number(a, key), version_number(b, key));
}

static int compare_versions(const void *pa, const void *pb, void *context)
{
    const ModelVersion *a = pa, *b = pb;
    const OrderTerms *terms = context;
    for (size_t i = 0; i < terms->n; i++) {
        int order = compare_versions_by(terms->items[i].key.name, a, b);
        if (order) {
            return terms->items[i].descending ? -order : order;
        }
    }
    /* A key that was asked for is equal by now. */
    int order = compare_versions_by("last_updated_timestamp", b, a);
    order = order ? order : strcmp(a->name, b->name);
    return order ? order : compare_versions_by("version_number", b, a);
}

/* ---- searching ---- */

typedef struct Search {
    FilterNode *filter;
    OrderTerms terms;
    bool with_prompts;
} Search;

static Status search_parse(const RegistryQuery *query, FilterSubject subject, Search *out)
{
    *out = (Search){0};
    TRY(order_parse(query->order_by, query->n_order_by, subject, &out->terms));
    Status status = filter_parse(query->filter, subject, &out->filter);
    if (status != STATUS_OK) {
        order_free(&out->terms);
    }
    out->with_prompts = status == STATUS_OK && filter_asks_for_prompts(out->filter);
    return status;
}

static void search_free(Search *search)
{
    filter_free(search->filter);
    order_free(&search->terms);
}

Status search_among_models(const RegistryQuery *query, RegisteredModels *models)
{
    Search search;
    TRY(search_parse(query, FILTER_MODELS, &search));
    size_t n = 0, first, end;
    for (size_t i = 0; i < models->n; i++) {
        RegisteredModel *model = &models->items[i];
        if ((search.with_prompts || !is_prompt(&model->tags)) &&
            filter_matches(search.filter, model_holds, model)) {
            models->items[n++] = *model;
        } else {
            registered_model_free(model);
        }
    }
    if (n > 0) {
        qsort_r(models->items, n, sizeof models->items[0], compare_models, &search.terms);
    }
    search_page(n, query->max_results, query->offset, &first, &end);
    models->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= first && i < end) {
            models->items[models->n++] = models->items[i];
        } else {
            registered_model_free(&models->items[i]);
        }
    }
    search_free(&search);
    return STATUS_OK;
}

Status search_among_versions(const RegistryQuery *query, ModelVersions *versions)
{
    Search search;
    TRY(search_parse(query, FILTER_VERSIONS, &search));
    size_t n = 0, first, end;
    for (size_t i = 0; i < versions->n; i++) {
        ModelVersion *version = &versions->items[i];
        if ((search.with_prompts || !is_prompt(&version->tags)) &&
            filter_matches(search.filter, version_holds, version)) {
            versions->items[n++] = *version;
        } else {
            model_version_free(version);
        }
    }
    if (n > 0) {
        qsort_r(versions->items, n, sizeof versions->items[0], compare_versions,
                &search.terms);
    }
    search_page(n, query->max_results, query->offset, &first, &end);
    versions->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i >= first && i < end) {
            versions->items[versions->n++] = versions->items[i];
        } else {
            model_version_free(&versions->items[i]);
        }
    }
    search_free(&search);
    return STATUS_OK;
}
