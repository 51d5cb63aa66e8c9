/* Patience. */
#include "trainer/early_stop.h"

#include "base/log.h"
#include "base/mem.h"
#include "trainer/checkpointer.h"
#include "trainer/result_files.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const char *const MODES[] = {"auto", "min", "max", NULL};

#define AT(field) offsetof(EarlyStopConfig, field)

const Field early_stop_fields[] = {
    {"enabled", FIELD_BOOL, AT(enabled), "false",
     .help = "stop when the metric has not improved for `patience` reports"},
    {"metric", FIELD_TEXT, AT(metric), "val_loss", .help = "the reported metric watched"},
    {"mode", FIELD_CHOICE, AT(mode), "auto", .choices = MODES,
     .help = "what is good; auto: min for names with loss or error, else max"},
    {"patience", FIELD_INT, AT(patience), "3", 0, 1e6, .unit = "reports",
     .help = "without improvement after which training stops"},
    {"min_delta", FIELD_DOUBLE, AT(min_delta), "0", 0, DBL_MAX,
     .help = "smallest change that counts as an improvement"},
};

const size_t n_early_stop_fields = sizeof early_stop_fields / sizeof early_stop_fields[0];

typedef struct EarlyStop {
    const EarlyStopConfig *config;
    bool lower_is_better;
    double best; /* NaN before the first */
    int64_t best_iteration;
    int64_t n_waiting; /* reports since the best */
} EarlyStop;

static void see(EarlyStop *es, double value, int64_t iteration)
{
    double gain = es->lower_is_better ? es->best - value : value - es->best;
    if (!isnan(value) && (isnan(es->best) || gain > es->config->min_delta)) {
        es->best = value;
        es->best_iteration = iteration;
        es->n_waiting = 0;
    } else {
        es->n_waiting++;
    }
}

static bool patience_is_over(const EarlyStop *es)
{
    return es->n_waiting > 0 && es->n_waiting >= es->config->patience;
}

static Status on_start(void *self, const TrialStart *start)
{
    EarlyStop *es = self;
    if (!start->resumed) {
        return STATUS_OK;
    }
    ResultHistory history = {0};
    TRY(result_history_load(start->result_dir, start->start_iteration, &history));
    for (size_t i = 0; i < history.n; i++) {
        see(es, json_double(json_get(history.rows[i], es->config->metric), NAN),
            json_int(json_get(history.rows[i], "training_iteration"), 0));
    }
    result_history_free(&history);
    /* Killed between the report that ended it and its end. */
    if (start->stop && patience_is_over(es)) {
        *start->stop = true;
    }
    return STATUS_OK;
}

static Status unknown_metric(const EarlyStop *es, const Report *report)
{
    StrList names = {0};
    for (size_t i = 0; i < report->n_metrics; i++) {
        strlist_add(&names, report->metrics[i].name);
    }
    char *list = strlist_join(&names, ", ");
    Status status = status_set(STATUS_CONFIG, "early_stop.metric: no \"%s\" is reported",
                               es->config->metric);
    status_hint("there are: %s", list);
    free(list);
    strlist_free(&names);
    return status;
}

static Status on_report(void *self, const Report *report, bool *stop)
{
    EarlyStop *es = self;
    double missing = -HUGE_VAL;
    double value = report_value(report, es->config->metric, missing);
    see(es, value == missing ? NAN : value, report->training_iteration);
    if (value == missing) {
        return unknown_metric(es, report);
    }
    if (patience_is_over(es) && !report->done) {
        char best[32];
        text_from_double(es->best, best);
        log_note("stopping early: %s has not improved on %s (iteration %lld) in %lld "
                 "iterations",
                 es->config->metric, best, (long long)es->best_iteration,
                 (long long)es->n_waiting);
        *stop = true;
    }
    return STATUS_OK;
}

void early_stop_open(const EarlyStopConfig *config, Callback *out)
{
    EarlyStop *es = mem_zalloc(1, sizeof *es);
    es->config = config;
    es->lower_is_better = score_is_min(config->mode, config->metric);
    es->best = NAN;
    *out = (Callback){.name = "early stop",
                      .self = es,
                      .on_start = config->enabled ? on_start : NULL,
                      .on_report = config->enabled ? on_report : NULL,
                      .close = free};
}
