/* What users call experiments and runs, and whether a run's process still lives. */
#include "tracker/store.h"

#include "base/mem.h"
#include "tracker/process.h"
#include "tracker/registry.h"
#include "tracker/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_NAMES_FROM = 1000, MATCHES_SHOWN = 8, PREFIX_MIN = 4 };

/* ---- experiments ---- */

static void hint_near_experiment(Store *store, const char *name)
{
    StrBuf message = {0};
    strbuf_add_text(&message, status_message());
    Experiments all = {0};
    ExperimentQuery query = {.max_results = NEAR_NAMES_FROM};
    StrList names = {0};
    if (store_search_experiments(store, &query, &all) == STATUS_OK) {
        for (size_t i = 0; i < all.n; i++) {
            strlist_add(&names, all.items[i].name);
        }
    }
    const char *nearest = text_nearest(name, (const char *const *)names.items, names.n);
    char *listed = strlist_join(&names, ", ");
    status_set(STATUS_NOT_FOUND, "%s", message.p);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("experiments there: %.200s", listed);
    }
    free(listed);
    strbuf_free(&message);
    strlist_free(&names);
    experiments_free(&all);
}

Status store_find_experiment(Store *store, const char *reference, Experiment *out)
{
    Status status = store_get_experiment_by_name(store, reference, out);
    if (status == STATUS_NOT_FOUND) {
        status = store_get_experiment(store, reference, out);
    }
    if (status == STATUS_NOT_FOUND) {
        status_set(STATUS_NOT_FOUND, "there is no experiment '%s' in %s", reference,
                   store->uri);
        hint_near_experiment(store, reference);
    }
    return status;
}

/* ---- runs ---- */

static Status search_with(Store *store, const char *filter, ViewType view, int64_t limit,
                          Runs *out)
{
    RunQuery query = {.filter = filter, .view = view, .max_results = limit};
    return store_search_runs(store, &query, out);
}

/* Hands the only run of `found` over, or lists them. */
static Status take_only(Runs *found, const char *reference, const char *what, Run *out)
{
    Status status = STATUS_OK;
    if (found->n == 1) {
        *out = found->items[0];
        found->items[0] = (Run){0};
    } else {
        StrBuf list = {0};
        for (size_t i = 0; i < found->n && i < MATCHES_SHOWN; i++) {
            strbuf_printf(&list, "%s%.12s (%s)", i ? ", " : "", found->items[i].run_id,
                          found->items[i].run_name);
        }
        status =
            status_set(STATUS_USAGE, "'%s' is %s of more than one run", reference, what);
        status_hint("%s%s", list.p, found->n > MATCHES_SHOWN ? ", ..." : "");
        strbuf_free(&list);
    }
    runs_free(found);
    return status;
}

static bool is_id_prefix(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= PREFIX_MIN && n <= 32 && !text[n];
}

/* Runs whose id begins with, or whose name is, the reference. */
static Status find_matches(Store *store, const char *reference, const char **what,
                           Runs *out)
{
    *what = "the beginning of the id";
    if (is_id_prefix(reference)) {
        char filter[80];
        snprintf(filter, sizeof filter, "run_id LIKE '%s%%'", reference);
        TRY(search_with(store, filter, VIEW_ALL, MATCHES_SHOWN + 1, out));
        if (out->n > 0) {
            return STATUS_OK;
        }
    }
    *what = "the name";
    char quote = strchr(reference, '\'') ? '"' : '\'';
    if (strchr(reference, quote)) {
        return STATUS_OK;
    }
    char *filter = mem_printf("run_name = %c%s%c", quote, reference, quote);
    Status status = search_with(store, filter, VIEW_ACTIVE, MATCHES_SHOWN + 1, out);
    if (status == STATUS_OK && out->n == 0) {
        status = search_with(store, filter, VIEW_DELETED, MATCHES_SHOWN + 1, out);
    }
    free(filter);
    return status;
}

static Status no_such_run(Store *store, const char *reference)
{
    Runs recent = {0};
    StrList names = {0};
    if (search_with(store, NULL, VIEW_ACTIVE, NEAR_NAMES_FROM, &recent) == STATUS_OK) {
        for (size_t i = 0; i < recent.n; i++) {
            strlist_add(&names, recent.items[i].run_name);
        }
    }
    const char *nearest =
        text_nearest(reference, (const char *const *)names.items, names.n);
    status_set(STATUS_NOT_FOUND, "there is no run '%s' in %s", reference, store->uri);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("`muster runs list` shows them");
    }
    strlist_free(&names);
    runs_free(&recent);
    return STATUS_NOT_FOUND;
}

static Status find_last(Store *store, Run *out)
{
    Runs found = {0};
    TRY(search_with(store, NULL, VIEW_ACTIVE, 1, &found));
    if (found.n == 0) {
        return status_set(STATUS_NOT_FOUND, "there are no runs in %s yet", store->uri);
    }
    return take_only(&found, "last", "", out);
}

/* The run that a version of a model came from. */
static Status find_run_of_model(Store *store, const char *reference, Run *out)
{
    ModelVersion version;
    TRY(store_find_model_version(store, reference, &version));
    Status status = *version.run_id
                        ? store_get_run(store, version.run_id, out)
                        : status_set(STATUS_NOT_FOUND, "%s came from no run", reference);
    model_version_free(&version);
    return status;
}

Status store_find_run(Store *store, const char *reference, Run *out)
{
    if (is_model_reference(reference)) {
        return find_run_of_model(store, reference, out);
    }
    if (strcmp(reference, "last") == 0) {
        return find_last(store, out);
    }
    if (is_run_id(reference)) {
        Status status = store_get_run(store, reference, out);
        return status == STATUS_NOT_FOUND ? no_such_run(store, reference) : status;
    }
    Runs found = {0};
    const char *what;
    TRY(find_matches(store, reference, &what, &found));
    return found.n == 0 ? no_such_run(store, reference)
                        : take_only(&found, reference, what, out);
}

/* ---- lost runs ---- */

typedef enum Whereabouts { ELSEWHERE, ALIVE_HERE, DEAD_HERE } Whereabouts;

static Whereabouts process_of(const Run *run)
{
    const char *host = key_values_get(&run->tags, "muster.host");
    const char *pid = key_values_get(&run->tags, "muster.pid");
    const char *start = key_values_get(&run->tags, "muster.process_start");
    if (!host || !pid || !process_is_this_host(host)) {
        return ELSEWHERE;
    }
    uint64_t ticks = start ? strtoull(start, NULL, 10) : 0;
    return process_is_alive(strtol(pid, NULL, 10), ticks) ? ALIVE_HERE : DEAD_HERE;
}

bool run_is_lost(const Run *run)
{
    return run->status == RUN_RUNNING && process_of(run) == DEAD_HERE;
}

bool run_has_process_here(const Run *run)
{
    return process_of(run) == ALIVE_HERE;
}

const char *run_shown_status(const Run *run)
{
    return run_is_lost(run) ? "LOST" : run_status_name(run->status);
}
