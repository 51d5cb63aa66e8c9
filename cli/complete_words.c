/* Words from the run store and from the tables of the config. */
#include "cli/complete.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/artifact_tree.h"
#include "cli/run_choice.h"
#include "cli/run_columns.h"
#include "cli/train_config.h"
#include "tracker/reference.h"
#include "tracker/registry.h"
#include "tracker/store.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 100, METRICS_FROM = 50, TIMEOUT_MS = 500 };

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

void offer(Offers *offers, const char *word, const char *hint)
{
    if (begins_with(word, offers->typed)) {
        strlist_add_take(&offers->words, utf8_printable(word));
        strlist_add_take(&offers->hints, utf8_printable(hint ? hint : ""));
    }
}

void offers_free(Offers *offers)
{
    strlist_free(&offers->words);
    strlist_free(&offers->hints);
}

static Store *open_store(const char *uri)
{
    StoreOptions options = {.mode = STORE_READ, .timeout_ms = TIMEOUT_MS};
    Store *store = NULL;
    return store_open(uri, &options, &store) == STATUS_OK ? store : NULL;
}

static Experiments read_experiments(Store *store)
{
    Experiments list = {0};
    ExperimentQuery query = {0};
    if (!store || store_search_experiments(store, &query, &list) != STATUS_OK) {
        experiments_free(&list);
    }
    return list;
}

/* A pattern of LIKE that the typed text begins, or NULL where it cannot be written. */
static char *pattern_of(const char *typed)
{
    return strpbrk(typed, "'\"\\%_") ? NULL : mem_printf("%s%%", typed);
}

static Runs search_runs(Store *store, const char *filter, int64_t limit)
{
    Runs runs = {0};
    RunQuery query = {.filter = filter, .max_results = limit};
    if (!store || store_search_runs(store, &query, &runs) != STATUS_OK) {
        runs_free(&runs);
    }
    return runs;
}

/* ---- runs ---- */

static char *hint_of(const Run *run, const Experiments *experiments)
{
    char *age = run_column_value(run, experiments, "age", false);
    char *hint = mem_printf("%.8s %s %s, %s old", run->run_id,
                            experiment_name_of(experiments, run->experiment_id),
                            run_shown_status(run), age ? age : "?");
    free(age);
    return hint;
}

static size_t count_name(const Runs *runs, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < runs->n; i++) {
        n += strcmp(runs->items[i].run_name, name) == 0;
    }
    return n;
}

/* A name that several runs have says nothing: they are offered by their ids. */
static void offer_named(Offers *offers, Store *store, const Experiments *experiments)
{
    char *pattern = pattern_of(offers->typed);
    char *filter = pattern ? mem_printf("run_name LIKE '%s'", pattern) : NULL;
    Runs runs = search_runs(store, *offers->typed ? filter : NULL, MOST_RUNS);
    for (size_t i = 0; i < runs.n; i++) {
        const Run *run = &runs.items[i];
        char *hint = hint_of(run, experiments);
        if (*run->run_name && count_name(&runs, run->run_name) == 1) {
            offer(offers, run->run_name, hint);
        }
        free(hint);
    }
    runs_free(&runs);
    free(filter);
    free(pattern);
}

static void offer_ids(Offers *offers, Store *store, const Experiments *experiments)
{
    size_t n = strlen(offers->typed);
    if (n == 0 || n > 32 || strspn(offers->typed, "0123456789abcdef") != n) {
        return;
    }
    char *filter = mem_printf("run_id LIKE '%s%%'", offers->typed);
    Runs runs = search_runs(store, filter, MOST_RUNS);
    for (size_t i = 0; i < runs.n; i++) {
        const Run *run = &runs.items[i];
        char *id = mem_printf("%.*s", n > 8 ? 32 : 8, run->run_id);
        char *hint = mem_printf("%s %s %s", run->run_name,
                                experiment_name_of(experiments, run->experiment_id),
                                run_shown_status(run));
        offer(offers, id, hint);
        free(id);
        free(hint);
    }
    runs_free(&runs);
    free(filter);
}

static void offer_best(Offers *offers, const Experiments *experiments)
{
    for (size_t i = 0; i < experiments->n; i++) {
        char *word = mem_printf("best:%s", experiments->items[i].name);
        offer(offers, word, "the run with the best val_loss");
        free(word);
    }
}

void offer_runs(Offers *offers, const char *uri)
{
    Store *store = open_store(uri);
    if (!store) {
        return;
    }
    Experiments experiments = read_experiments(store);
    offer(offers, "last", "the run that started last");
    offer_best(offers, &experiments);
    offer_named(offers, store, &experiments);
    offer_ids(offers, store, &experiments);
    experiments_free(&experiments);
    store_close(store);
}

/* ---- experiments, metrics, tags, artifacts ---- */

void offer_experiments(Offers *offers, const char *uri)
{
    Store *store = open_store(uri);
    Experiments experiments = read_experiments(store);
    for (size_t i = 0; i < experiments.n; i++) {
        char *hint = mem_printf("experiment %s", experiments.items[i].experiment_id);
        offer(offers, experiments.items[i].name, hint);
        free(hint);
    }
    experiments_free(&experiments);
    store_close(store);
}

/* Of the newest runs. */
void offer_metrics(Offers *offers, const char *uri, const char *prefix)
{
    Store *store = open_store(uri);
    Runs runs = search_runs(store, NULL, METRICS_FROM);
    StrList keys = {0};
    run_metric_keys(&runs, &keys);
    for (size_t i = 0; i < keys.n; i++) {
        char *word = mem_printf("%s%s", prefix, keys.items[i]);
        offer(offers, word, NULL);
        free(word);
    }
    strlist_free(&keys);
    runs_free(&runs);
    store_close(store);
}

void offer_models(Offers *offers, const char *uri)
{
    Store *store = open_store(uri);
    RegisteredModels models = {0};
    RegistryQuery query = {0};
    if (store && store_search_registered_models(store, &query, &models) == STATUS_OK) {
        for (size_t i = 0; i < models.n; i++) {
            offer(offers, models.items[i].name, models.items[i].description);
        }
    }
    registered_models_free(&models);
    store_close(store);
}

void offer_tags(Offers *offers, const char *uri, const char *run)
{
    Store *store = open_store(uri);
    Run found = {0};
    if (store && run && run_reference_find(store, run, &found) == STATUS_OK) {
        for (size_t i = 0; i < found.tags.n; i++) {
            offer(offers, found.tags.items[i].key, found.tags.items[i].value);
        }
        run_free(&found);
    }
    store_close(store);
}

void offer_artifacts(Offers *offers, const char *uri, const char *run)
{
    Store *store = open_store(uri);
    Run found = {0};
    Artifacts artifacts = {0};
    if (store && run && run_reference_find(store, run, &found) == STATUS_OK) {
        if (artifact_tree_read(found.artifact_uri, NULL, &artifacts) == STATUS_OK) {
            for (size_t i = 0; i < artifacts.n; i++) {
                offer(offers, artifacts.items[i].path, NULL);
            }
        }
        artifacts_free(&artifacts);
        run_free(&found);
    }
    store_close(store);
}

/* ---- config ---- */

static void offer_values(Offers *offers, const char *key, const Field *field)
{
    static const char *const TRUTHS[] = {"true", "false", NULL};
    const char *const *choices = field->type == FIELD_BOOL     ? TRUTHS
                                 : field->type == FIELD_CHOICE ? field->choices
                                                               : NULL;
    for (size_t i = 0; choices && choices[i]; i++) {
        char *word = mem_printf("%s=%s", key, choices[i]);
        offer(offers, word, NULL);
        free(word);
    }
    if (field->automatic) {
        char *word = mem_printf("%s=auto", key);
        offer(offers, word, "by the data's size");
        free(word);
    }
    offers->no_space = false;
    offers->files = offers->files ||
                    (!choices && field->type != FIELD_INT && field->type != FIELD_DOUBLE);
}

static void offer_field(Offers *offers, const Section *section, const Field *field)
{
    char *key = *section->name ? mem_printf("%s.%s", section->name, field->key)
                               : mem_strdup(field->key);
    char *word = mem_printf("%s=", key);
    if (begins_with(offers->typed, word)) {
        offer_values(offers, key, field);
    } else {
        offer(offers, word, field->help);
    }
    free(word);
    free(key);
}

void offer_config(Offers *offers)
{
    WholeConfig whole = {0};
    whole_config_init(&whole);
    offers->no_space = true;
    for (size_t s = 0; s < N_ALL_SECTIONS; s++) {
        for (size_t i = 0; i < whole.sections[s].n_fields; i++) {
            offer_field(offers, &whole.sections[s], &whole.sections[s].fields[i]);
        }
    }
    whole_config_free(&whole);
}
