/* Looking a value up in a report. */
#include "trainer/callback.h"

#include <string.h>

double report_value(const Report *report, const char *name, double otherwise)
{
    for (size_t i = 0; i < report->n_metrics; i++) {
        if (strcmp(report->metrics[i].name, name) == 0) {
            return report->metrics[i].value;
        }
    }
    const NamedValue automatic[] = {
        {"step", (double)report->step},
        {"timestamp", (double)report->timestamp},
        {"time_this_iter_s", report->time_this_iter_s},
        {"time_total_s", report->time_total_s},
        {"time_since_restore", report->time_since_restore},
        {"training_iteration", (double)report->training_iteration},
        {"iterations_since_restore", (double)report->iterations_since_restore},
        {"pid", (double)report->pid},
        {"should_checkpoint", report->should_checkpoint},
        {"done", report->done},
    };
    for (size_t i = 0; i < sizeof automatic / sizeof automatic[0]; i++) {
        if (strcmp(automatic[i].name, name) == 0) {
            return automatic[i].value;
        }
    }
    return otherwise;
}
