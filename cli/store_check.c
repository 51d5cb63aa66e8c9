/* `muster store check`: what is damaged in a store, and what is odd. */
#include "cli/command.h"
#include "cli/output.h"

#include "base/json.h"
#include "base/log.h"
#include "tracker/check.h"

#include <stdio.h>

extern const Command command_store_check;

static struct {
    const char *uri;
} options;

static const Option OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

static void write_problems(JsonWriter *w, const char *key, const CheckReport *report,
                           bool damage)
{
    json_write_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < report->n; i++) {
        if (report->items[i].damage == damage) {
            json_write_string(w, report->items[i].what);
        }
    }
    json_end_array(w);
}

static void print_json(const Store *store, const CheckReport *report)
{
    const struct {
        const char *key;
        size_t n;
    } COUNTS[] = {
        {"experiments", report->n_experiments}, {"runs", report->n_runs},
        {"model_versions", report->n_versions}, {"n_damaged", report->n_damaged},
        {"n_notes", report->n_notes},
    };
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "store");
    json_write_string(&w, store->uri);
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        json_write_key(&w, COUNTS[i].key);
        json_write_int(&w, (int64_t)COUNTS[i].n);
    }
    write_problems(&w, "damaged", report, true);
    write_problems(&w, "notes", report, false);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_text(const CheckReport *report)
{
    Output output;
    if (output_open(NULL, false, &output) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < report->n; i++) {
        fprintf(output.out, "%s: ", report->items[i].damage ? "damaged" : "note");
        output_text(&output, report->items[i].what);
        fputc('\n', output.out);
    }
    size_t n_hidden = report->n_damaged + report->n_notes - report->n;
    if (n_hidden > 0) {
        fprintf(output.out, "and %zu more\n", n_hidden);
    }
    if (report->n_damaged == 0) {
        fprintf(output.out, "whole: %zu runs in %zu experiments, %zu model versions\n",
                report->n_runs, report->n_experiments, report->n_versions);
    }
    output_close(&output);
}

static Status run_check(const Invocation *invocation)
{
    Store *store;
    CheckReport report;
    const char *uri = invocation->n_args > 0 ? invocation->args[0] : options.uri;
    TRY(store_open(uri, NULL, &store));
    Status status = store_check(store, &report);
    if (status == STATUS_OK) {
        if (invocation->json) {
            print_json(store, &report);
            command_answered();
        } else {
            print_text(&report);
        }
        if (report.n_damaged > 0) {
            status = status_set(STATUS_DAMAGED, "%s: damaged in %zu places", store->uri,
                                report.n_damaged);
            status_hint("keep the files as they are, and restore a backup; what is "
                        "readable can be copied: muster store copy");
        }
        check_report_free(&report);
    }
    store_close(store);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster store check", "the store of the environment, or ./muster.db"},
    {"muster store check mlruns --json", "a folder, for a program"},
};

const Command command_store_check = {
    .name = "check",
    .summary = "looks for damage, and for what belongs to nothing",
    .usage = "store check [STORE] [options]",
    .details =
        "Reads all of a store and changes nothing. Damage (exit code 5): the database's "
        "own "
        "checks,\nrows that refer to missing ones, latest metrics that differ from their "
        "histories, files that\ndo not read. Notes: missing artifacts, folders that "
        "belong "
        "to no run.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .max_args = 1,
    .arg = "STORE",
    .run = run_check,
};
