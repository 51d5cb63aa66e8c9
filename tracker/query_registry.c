/* Tags become EXISTS, attributes columns that are never NULL. Prompts are left out unless
 * the filter asks for their tag. */
#include "tracker/query_registry.h"

#include "tracker/search_registry.h"

#include <string.h>

/* What is searched: its tables, and how its rows and those of its tags belong together.
 */
typedef struct Subject {
    FilterSubject filter;
    const char *select, *tags, *owner;
    const char *(*column)(const char *attribute);
    QueryAddComparison add;
} Subject;

static const char *model_column(const char *attribute)
{
    return strcmp(attribute, "name") == 0 ? "x.name"
           : strcmp(attribute, "creation_timestamp") == 0
               ? "coalesce(x.creation_time, 0)"
               : "coalesce(x.last_updated_time, 0)";
}

static const char *version_column(const char *attribute)
{
    return strcmp(attribute, "run_id") == 0           ? "coalesce(x.run_id, '')"
           : strcmp(attribute, "source_path") == 0    ? "coalesce(x.source, '')"
           : strcmp(attribute, "version_number") == 0 ? "x.version"
                                                      : model_column(attribute);
}

static void add_model_comparison(Query *query, const FilterComparison *c);
static void add_version_comparison(Query *query, const FilterComparison *c);

static const Subject MODELS = {
    FILTER_MODELS,
    "SELECT x.name FROM registered_models x WHERE 1",
    "registered_model_tags",
    "k.name = x.name",
    model_column,
    add_model_comparison,
};

static const Subject VERSIONS = {
    FILTER_VERSIONS,
    "SELECT x.name, x.version FROM model_versions x "
    "WHERE x.current_stage != '" STAGE_DELETED "'",
    "model_version_tags",
    "k.name = x.name AND k.version = x.version",
    version_column,
    add_version_comparison,
};

/* ---- conditions ---- */

static void add_no_prompts(Query *query, const Subject *subject)
{
    strbuf_printf(&query->sql,
                  "NOT EXISTS (SELECT 1 FROM %s k WHERE %s AND k.key = '" PROMPT_TAG
                  "' AND k.value = 'true')",
                  subject->tags, subject->owner);
}

static void add_comparison(Query *query, const Subject *subject,
                           const FilterComparison *c)
{
    if (comparison_excludes_prompts(c)) {
        add_no_prompts(query, subject);
    } else if (c->key.entity == ENTITY_TAG) {
        query_add_keyed_test(query, subject->tags, subject->owner, c->key.name, c);
    } else {
        query_add_test(query, subject->column(c->key.name), c);
    }
}

static void add_model_comparison(Query *query, const FilterComparison *c)
{
    add_comparison(query, &MODELS, c);
}

static void add_version_comparison(Query *query, const FilterComparison *c)
{
    add_comparison(query, &VERSIONS, c);
}

/* ---- order ---- */

static bool orders_by(const OrderTerms *terms, const char *attribute)
{
    for (size_t i = 0; i < terms->n; i++) {
        if (strcmp(terms->items[i].key.name, attribute) == 0) {
            return true;
        }
    }
    return false;
}

static void add_default(Query *query, const OrderTerms *terms, const char *attribute,
                        const char *sql)
{
    query_add(query, orders_by(terms, attribute) ? "" : sql);
}

static void add_order(Query *query, const Subject *subject, const OrderTerms *terms)
{
    query_add(query, " ORDER BY ");
    for (size_t i = 0; i < terms->n; i++) {
        strbuf_printf(&query->sql, "%s%s, ", subject->column(terms->items[i].key.name),
                      terms->items[i].descending ? " DESC" : "");
    }
    if (subject == &VERSIONS) {
        add_default(query, terms, "last_updated_timestamp",
                    "coalesce(x.last_updated_time, 0) DESC, ");
    }
    add_default(query, terms, "name", "x.name, ");
    if (subject == &VERSIONS) {
        add_default(query, terms, "version_number", "x.version DESC, ");
    }
    query_add(query, "1");
}

static Status write_query(const Subject *subject, const RegistryQuery *search, Query *out)
{
    OrderTerms terms = {0};
    FilterNode *filter = NULL;
    TRY(order_parse(search->order_by, search->n_order_by, subject->filter, &terms));
    Status status = filter_parse(search->filter, subject->filter, &filter);
    if (status == STATUS_OK) {
        *out = (Query){0};
        query_add(out, subject->select);
        if (!filter_asks_for_prompts(filter)) {
            query_add(out, " AND ");
            add_no_prompts(out, subject);
        }
        query_add_condition(out, filter, subject->add);
        add_order(out, subject, &terms);
        query_add_page(out, search->max_results, search->offset);
    }
    filter_free(filter);
    order_free(&terms);
    return status;
}

Status query_models(const RegistryQuery *search, Query *out)
{
    return write_query(&MODELS, search, out);
}

Status query_versions(const RegistryQuery *search, Query *out)
{
    return write_query(&VERSIONS, search, out);
}
