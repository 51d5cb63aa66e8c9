/* `muster store`: what concerns a run store as a whole. */
#include "cli/command.h"
#include "cli/confirm.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/output.h"
#include "tracker/gc.h"
#include "tracker/store.h"
#include "tracker/store_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const Command command_store, command_store_backup, command_store_check,
    command_store_upgrade;

/* ---- copy ---- */

static struct {
    const char *filter;
    StrList experiments;
    bool without_artifacts;
} copy_options;

#define AT(field) offsetof(__typeof__(copy_options), field)

static const Option COPY_OPTIONS[] = {
    {.name = "filter",
     .kind = OPTION_TEXT,
     .offset = AT(filter),
     .value = "FILTER",
     .help = "only matching runs, as `muster runs list` has it"},
    {.name = "experiment",
     .kind = OPTION_LIST,
     .offset = AT(experiments),
     .value = "NAME",
     .help = "only runs of this experiment; may be given again"},
    {.name = "no-artifacts",
     .kind = OPTION_FLAG,
     .offset = AT(without_artifacts),
     .help = "leave files where they are"},
};

#undef AT

static void warn_of_failure(const Run *run)
{
    log_warning("run %.8s (%s): %s", run->run_id, run->run_name, status_message());
}

static void warn_of_model(const char *name, int64_t version)
{
    if (version > 0) {
        log_warning("version %lld of model %s: %s", (long long)version, name,
                    status_message());
    } else {
        log_warning("model %s: %s", name, status_message());
    }
}

static void print_report_json(const CopyReport *report)
{
    const struct {
        const char *key;
        size_t n;
    } COUNTS[] = {
        {"experiments_made", report->n_experiments},
        {"runs_made", report->n_runs},
        {"runs_known", report->n_known},
        {"runs_deleted_there", report->n_deleted},
        {"runs_failed", report->n_failed},
        {"files_copied", report->n_files},
        {"runs_with_remote_artifacts", report->n_remote},
        {"logged_models_made", report->n_logged},
        {"models_made", report->n_models},
        {"model_versions_made", report->n_versions},
        {"models_failed", report->n_models_failed},
    };
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        json_write_key(&w, COUNTS[i].key);
        json_write_int(&w, (int64_t)COUNTS[i].n);
    }
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_report(const CopyReport *report)
{
    printf("%zu runs copied, %zu were there; %zu experiments made, %zu files copied\n",
           report->n_runs, report->n_known, report->n_experiments, report->n_files);
    if (report->n_models + report->n_versions > 0) {
        printf("%zu registered models and %zu versions made\n", report->n_models,
               report->n_versions);
    }
    if (report->n_deleted > 0) {
        log_note("%zu runs are deleted there and were left so", report->n_deleted);
    }
    if (report->n_remote > 0) {
        log_note("the artifacts of %zu runs are not local and stay where they are",
                 report->n_remote);
    }
}

static Status find_experiments(Store *from, StrList *ids)
{
    for (size_t i = 0; i < copy_options.experiments.n; i++) {
        Experiment experiment;
        TRY(store_find_experiment(from, copy_options.experiments.items[i], &experiment));
        strlist_add(ids, experiment.experiment_id);
        experiment_free(&experiment);
    }
    return STATUS_OK;
}

static Status copy_between(Store *from, Store *to, CopyReport *report)
{
    StrList ids = {0};
    CopyOptions options = {.filter = copy_options.filter,
                           .without_artifacts = copy_options.without_artifacts,
                           .on_failure = warn_of_failure,
                           .on_model_failure = warn_of_model};
    Status status = find_experiments(from, &ids);
    if (status == STATUS_OK) {
        options.experiment_ids = (const char *const *)ids.items;
        options.n_experiment_ids = ids.n;
        status = store_copy(from, to, &options, report);
    }
    strlist_free(&ids);
    return status;
}

static Status run_copy(const Invocation *invocation)
{
    Store *from = NULL, *to = NULL;
    CopyReport report = {0};
    StoreOptions create = {.mode = STORE_CREATE};
    Status status = store_open(invocation->args[0], NULL, &from);
    if (status == STATUS_OK) {
        status = store_open(invocation->args[1], &create, &to);
    }
    if (status == STATUS_OK) {
        status = copy_between(from, to, &report);
    }
    store_close(to);
    store_close(from);
    TRY(status);
    if (invocation->json) {
        print_report_json(&report);
    } else {
        print_report(&report);
    }
    if (report.n_failed + report.n_models_failed > 0) {
        command_answered();
        return status_set(STATUS_FAILED, "%zu runs%s were not wholly copied",
                          report.n_failed,
                          report.n_models_failed ? " and some models" : "");
    }
    return STATUS_OK;
}

static const Example COPY_EXAMPLES[] = {
    {"muster store copy mlruns sqlite:///muster.db", "takes up an old mlruns folder"},
    {"muster store copy sqlite:///a.db sqlite:///b.db --filter \"metrics.val_f1 > 0.9\"",
     "the good runs alone"},
};

static const Command COMMAND_COPY = {
    .name = "copy",
    .summary = "copies runs from one store into another",
    .usage = "store copy FROM TO [options]",
    .details =
        "FROM and TO are sqlite:///FILE, file:///FOLDER or the path of an mlruns folder; "
        "TO is\nmade when it is not there. Runs keep their ids, so that copying again "
        "adds what is\nnew and nothing else. Local artifacts are copied too. Deleted "
        "experiments are left\nout.",
    .examples = COPY_EXAMPLES,
    .n_examples = sizeof COPY_EXAMPLES / sizeof COPY_EXAMPLES[0],
    .options = {COPY_OPTIONS, sizeof COPY_OPTIONS / sizeof COPY_OPTIONS[0], NULL, 0,
                &copy_options},
    .min_args = 2,
    .max_args = 2,
    .arg = "FROM and TO",
    .run = run_copy,
};

/* ---- gc ---- */

static struct {
    const char *uri;
    bool dry_run, yes;
} gc_options;

#define AT(field) offsetof(__typeof__(gc_options), field)

static const Option GC_OPTIONS[] = {
    {.name = "dry-run",
     .kind = OPTION_FLAG,
     .offset = AT(dry_run),
     .help = "say what would be deleted, and leave it"},
    YES_OPTION(AT(yes)),
    TRACKING_URI_OPTION(AT(uri)),
};

static const OptionConflict GC_CONFLICTS[] = {{"dry-run", "yes"}};

#undef AT

static void print_gc_json(const GcReport *report)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "dry_run");
    json_write_bool(&w, gc_options.dry_run);
    json_write_key(&w, "runs");
    json_write_int(&w, (int64_t)report->n_runs);
    json_write_key(&w, "experiments");
    json_write_int(&w, (int64_t)report->n_experiments);
    json_write_key(&w, "logged_models");
    json_write_int(&w, (int64_t)report->n_models);
    json_write_key(&w, "artifacts_kept");
    json_write_int(&w, (int64_t)report->n_kept);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

static void print_gc(const GcReport *report)
{
    const char *done = gc_options.dry_run ? "would be deleted" : "deleted";
    printf("%zu runs and %zu experiments %s\n", report->n_runs, report->n_experiments,
           done);
    if (report->n_models > 0) {
        printf("%zu logged models %s\n", report->n_models, done);
    }
    if (report->n_kept > 0) {
        log_note(
            "the artifacts of %zu of them are not in a folder of their own here: they "
            "are left",
            report->n_kept);
    }
}

/* What would go is counted before anybody is asked. */
static Status confirm_gc(Store *store, bool *go_on)
{
    *go_on = true;
    GcReport report;
    if (gc_options.dry_run || gc_options.yes) {
        return STATUS_OK;
    }
    TRY(store_gc(store, true, &report));
    if (report.n_runs + report.n_experiments + report.n_models == 0) {
        return STATUS_OK;
    }
    char *what = mem_printf("delete %zu runs and %zu experiments for good", report.n_runs,
                            report.n_experiments);
    Status status = confirm(what, false, go_on);
    free(what);
    return status;
}

static Status run_gc(const Invocation *invocation)
{
    StoreOptions options = {.mode = gc_options.dry_run ? STORE_READ : STORE_WRITE};
    Store *store;
    GcReport report;
    TRY(store_open(gc_options.uri, &options, &store));
    bool go_on;
    Status status = confirm_gc(store, &go_on);
    if (status == STATUS_OK && go_on) {
        status = store_gc(store, gc_options.dry_run, &report);
    }
    store_close(store);
    TRY(status);
    if (!go_on) {
        return STATUS_OK;
    }
    if (invocation->json) {
        print_gc_json(&report);
    } else {
        print_gc(&report);
    }
    return STATUS_OK;
}

static const Example GC_EXAMPLES[] = {
    {"muster store gc --dry-run", "how many there are"},
};

static const Command COMMAND_GC = {
    .name = "gc",
    .summary = "deletes for good what is marked deleted, artifacts too",
    .usage = "store gc [options]",
    .details =
        "Runs are marked by `muster runs delete`, experiments by `muster experiments "
        "delete`.\nA file of SQLite does not become smaller: its free pages are used "
        "again.",
    .examples = GC_EXAMPLES,
    .n_examples = sizeof GC_EXAMPLES / sizeof GC_EXAMPLES[0],
    .options = {GC_OPTIONS, sizeof GC_OPTIONS / sizeof GC_OPTIONS[0], GC_CONFLICTS, 1,
                &gc_options},
    .run = run_gc,
};

static const Command *const BELOW[] = {&COMMAND_COPY,          &command_store_backup,
                                       &command_store_check,   &COMMAND_GC,
                                       &command_store_upgrade, NULL};

const Command command_store = {
    .name = "store",
    .summary = "copies, checks, upgrades run stores; deletes for good what is marked",
    .usage = "store copy|backup|check|gc|upgrade [options]",
    .below = BELOW,
};
