/* Ends a training whose metric has not improved for some reports. */
#ifndef MUSTER_TRAINER_EARLY_STOP_H
#define MUSTER_TRAINER_EARLY_STOP_H

#include "base/config.h"
#include "trainer/callback.h"

/* The `early_stop:` section. */
typedef struct EarlyStopConfig {
    bool enabled;
    char *metric;
    int mode;         /* ScoreOrder of trainer/checkpointer.h */
    int64_t patience; /* reports in a row without improvement that end it */
    double min_delta; /* what counts as an improvement, in the metric's own unit */
} EarlyStopConfig;

extern const Field early_stop_fields[];
extern const size_t n_early_stop_fields;

/* Fills a callback; `config` is borrowed until it is closed. A resumed trial's earlier
 * reports are replayed from its result.json, so that it stops where an uninterrupted one
 * would have. A report without the metric, or with NaN, is no improvement. */
void early_stop_open(const EarlyStopConfig *config, Callback *out);

#endif
