/* Searches of the registry in SQL against searches over the same models and versions in
 * memory: random stores, filters, orders and pages. Started with --long: 100,000 filters.
 */
#include "tests/tracker/support.h"

#include "base/rng.h"
#include "tracker/db.h"
#include "tracker/query_registry.h"
#include "tracker/search_registry.h"

enum { N_MODELS = 10, N_VERSIONS = 24 };

static uint32_t n_stores = 4;
static int n_queries = 400;

static const char *const VALUES[] = {"lite", "Lite", "bert", "0.1", "", "li%e", "true"};
static const char *const PATTERNS[] = {"li%", "%E", "l_te", "%", "", "LITE", "%/1"};
static const char *const TAG_KEYS[] = {"team", "a note", PROMPT_TAG};

static uint32_t draw(Rng *rng, uint32_t bound)
{
    return rng_below(rng, bound);
}

static void fill_store(Store *store, Rng *rng, char names[N_MODELS][24])
{
    for (int i = 0; i < N_MODELS; i++) {
        KeyValue tags[3];
        size_t n = 0;
        for (int k = 0; k < 3; k++) {
            if (draw(rng, k == 2 ? 5 : 2) == 0) {
                tags[n++] = (KeyValue){TAG_KEYS[k], VALUES[draw(rng, 7)]};
            }
        }
        snprintf(names[i], 24, "%s-%d", VALUES[draw(rng, 3)], i);
        RegisteredModelCreate create = {.name = names[i], .tags = tags, .n_tags = n};
        assert_ok(store_create_registered_model(store, &create, NULL));
    }
    for (int i = 0; i < N_VERSIONS; i++) {
        KeyValue tag = {TAG_KEYS[draw(rng, 3)], VALUES[draw(rng, 7)]};
        char *source = mem_printf("/%s/%u", VALUES[draw(rng, 3)], draw(rng, 3));
        ModelVersion version = {.name = names[draw(rng, N_MODELS)],
                                .version = i + 1,
                                .creation_time = 100 + draw(rng, 4),
                                .last_updated_time = 200 + draw(rng, 4),
                                .stage = draw(rng, 6) ? "None" : STAGE_DELETED,
                                .source = source,
                                .run_id = VALUES[draw(rng, 7)],
                                .run_link = "",
                                .status = "READY",
                                .storage_location = source,
                                .tags = {&tag, draw(rng, 2), 0}};
        bool made;
        assert_ok(store_import_model_version(store, &version, &made));
        free(source);
    }
}

static void add_comparison(StrBuf *text, Rng *rng, bool versions)
{
    static const char *const NUMBER_OPS[] = {">", ">=", "<", "<=", "=", "!="};
    static const char *const TEXT_OPS[] = {"=",     "!=",       "LIKE",
                                           "ilike", "not like", "NOT ILIKE"};
    static const char *const NUMBERS[] = {"version_number", "creation_timestamp",
                                          "last_updated_timestamp"};
    static const char *const TEXTS[] = {"name", "run_id", "source_path"};
    const char *key = TEXTS[draw(rng, versions ? 3 : 1)];
    char tag[64];
    uint32_t number = versions ? draw(rng, 3) : 1 + draw(rng, 2);
    snprintf(tag, sizeof tag, "tags.`%s`", TAG_KEYS[draw(rng, 3)]);
    const char *text_key = draw(rng, 2) ? key : tag;
    const char *op = TEXT_OPS[draw(rng, 6)];
    switch (draw(rng, 6)) {
    case 0:
        strbuf_printf(text, "%s %s %u", NUMBERS[number], NUMBER_OPS[draw(rng, 6)],
                      number == 0 ? draw(rng, N_VERSIONS) : number * 100 + draw(rng, 4));
        break;
    case 1:
        strbuf_printf(text, "%s IS %sNULL", text_key, draw(rng, 2) ? "" : "NOT ");
        break;
    case 2:
        strbuf_printf(text, "%s %sIN ('%s', '%s')", text_key, draw(rng, 2) ? "" : "not ",
                      VALUES[draw(rng, 7)], VALUES[draw(rng, 7)]);
        break;
    case 3:
        strbuf_printf(text, "tags.`" PROMPT_TAG "` %s '%s'", TEXT_OPS[draw(rng, 2)],
                      draw(rng, 2) ? "true" : "false");
        break;
    default:
        strbuf_printf(text, "%s %s '%s'", text_key, op,
                      strlen(op) > 2 ? PATTERNS[draw(rng, 7)] : VALUES[draw(rng, 7)]);
    }
}

static void add_expression(StrBuf *text, Rng *rng, bool versions, int depth)
{
    static const char *const WORDS[] = {" AND ", " OR ", " or NOT "};
    if (depth == 0 || draw(rng, 3) == 0) {
        add_comparison(text, rng, versions);
        return;
    }
    strbuf_add_text(text, draw(rng, 4) ? "(" : "NOT (");
    for (uint32_t n = 1 + draw(rng, 3), i = 0; i < n; i++) {
        strbuf_add_text(text, i ? WORDS[draw(rng, 3)] : "");
        add_expression(text, rng, versions, depth - 1);
    }
    strbuf_add_char(text, ')');
}

/* Fills a search but for its filter, which stays in `filter`. */
static RegistryQuery draw_query(Rng *rng, bool versions, StrBuf *filter,
                                const char *order[2])
{
    static const char *const FIRST[] = {"name", "name DESC", "last_updated_timestamp",
                                        "last_updated_timestamp DESC"};
    static const char *const SECOND[] = {"version_number", "version_number DESC",
                                         "creation_timestamp", "creation_timestamp DESC"};
    strbuf_add(filter, "", 0);
    if (draw(rng, 5) > 0) {
        add_expression(filter, rng, versions, (int)draw(rng, 4));
    }
    order[0] = FIRST[draw(rng, 4)];
    order[1] = SECOND[versions ? draw(rng, 4) : 2 + draw(rng, 2)];
    return (RegistryQuery){.filter = filter->p,
                           .order_by = order,
                           .n_order_by = draw(rng, 3),
                           .max_results = draw(rng, 2) ? 1 + draw(rng, 6) : 0,
                           .offset = draw(rng, 2) ? draw(rng, 4) : 0};
}

/* All there are, prompts too. */
static RegisteredModels all_models(Store *store, char names[N_MODELS][24])
{
    RegisteredModels all = {0};
    all.items = mem_grow(NULL, &all.cap, N_MODELS, sizeof *all.items);
    for (int i = 0; i < N_MODELS; i++) {
        assert_ok(store_get_registered_model(store, names[i], &all.items[all.n++]));
    }
    return all;
}

static ModelVersions all_versions(Store *store, char names[N_MODELS][24])
{
    ModelVersions all = {0};
    all.items = mem_grow(NULL, &all.cap, N_VERSIONS, sizeof *all.items);
    for (int i = 0; i < N_MODELS; i++) {
        for (int number = 1; number <= N_VERSIONS; number++) {
            all.n += store_get_model_version(store, names[i], number,
                                             &all.items[all.n]) == STATUS_OK;
        }
    }
    return all;
}

static void check_models(Store *store, char names[N_MODELS][24],
                         const RegistryQuery *query)
{
    RegisteredModels wanted = all_models(store, names), found;
    assert_ok(search_among_models(query, &wanted));
    assert_ok(store->calls->registry->search_models(store->self, query, &found));
    if (found.n != wanted.n) {
        fail_msg("\"%s\": %zu models, expected %zu", query->filter, found.n, wanted.n);
    }
    for (size_t i = 0; i < found.n; i++) {
        assert_string_equal(found.items[i].name, wanted.items[i].name);
    }
    registered_models_free(&wanted);
    registered_models_free(&found);
}

static void check_versions(Store *store, char names[N_MODELS][24],
                           const RegistryQuery *query)
{
    ModelVersions wanted = all_versions(store, names), found;
    assert_ok(search_among_versions(query, &wanted));
    assert_ok(store->calls->registry->search_versions(store->self, query, &found));
    if (found.n != wanted.n) {
        fail_msg("\"%s\": %zu versions, expected %zu", query->filter, found.n, wanted.n);
    }
    for (size_t i = 0; i < found.n; i++) {
        if (found.items[i].version != wanted.items[i].version) {
            fail_msg("\"%s\" by \"%s\": version %zu differs", query->filter,
                     query->n_order_by ? query->order_by[0] : "", i);
        }
    }
    model_versions_free(&wanted);
    model_versions_free(&found);
}

static void searches_find_what_a_walk_over_the_registry_finds(void **state)
{
    for (uint32_t s = 0; s < n_stores; s++) {
        Rng rng = rng_stream(44, 1000, s, 0);
        char *dir = mem_printf("%s/%u", (char *)*state, s), names[N_MODELS][24];
        assert_ok(dir_make(dir));
        Store *store = open_store_in(dir, STORE_CREATE);
        fill_store(store, &rng, names);
        for (int i = 0; i < n_queries; i++) {
            bool versions = i % 2;
            const char *order[2];
            StrBuf filter = {0};
            RegistryQuery query = draw_query(&rng, versions, &filter, order);
            if (versions) {
                check_versions(store, names, &query);
            } else {
                check_models(store, names, &query);
            }
            strbuf_free(&filter);
        }
        store_close(store);
        free(dir);
    }
}

static void no_word_of_the_user_reaches_the_statement(void **state)
{
    (void)state;
    const char *order = "name DESC";
    RegistryQuery search = {.filter = "name = 'zzz' AND tags.`zzz'` LIKE \"'zzz\" AND "
                                      "run_id IN ('zzz') OR source_path ILIKE 'zzz'",
                            .order_by = &order,
                            .n_order_by = 1};
    Query query;
    assert_ok(query_versions(&search, &query));
    assert_null(strstr(query.sql.p, "zzz"));
    query_free(&query);
    search = (RegistryQuery){.filter = "run_id = 'x'"};
    assert_status(STATUS_USAGE, query_models(&search, &query));
    assert_contains(status_message(), "registered model attribute");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        n_stores = 20;
        n_queries = 5000;
    }
    const struct CMUnitTest tests[] = {
        with_folder(searches_find_what_a_walk_over_the_registry_finds),
        cmocka_unit_test(no_word_of_the_user_reaches_the_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
