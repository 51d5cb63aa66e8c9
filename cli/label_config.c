/* Several labels a text: a sigmoid each. */
#include "cli/label_config.h"

#include "model/loss.h"

#include <string.h>

static bool given(const Config *config, const char *key)
{
    return strcmp(config_origin(config, key), "default") != 0;
}

Status label_config_settle(WholeConfig *w, const Config *config)
{
    if (!w->data.label_separator) {
        if (w->predict.threshold == 0) {
            return STATUS_OK;
        }
        status_set(STATUS_CONFIG, "%s: predict.threshold: goes with data.label_separator",
                   config_origin(config, "predict.threshold"));
        status_hint("a text of one class gets the most likely one");
        return STATUS_CONFIG;
    }
    if (!given(config, "train.loss")) {
        w->train.loss = LOSS_BCE;
    }
    if (!given(config, "train.label_smoothing")) {
        w->train.label_smoothing = 0;
    }
    if (w->train.loss == LOSS_CROSS_ENTROPY) {
        status_set(STATUS_CONFIG,
                   "%s: train.loss: cross_entropy chooses one class, but a text may have "
                   "several labels (data.label_separator, %s)",
                   config_origin(config, "train.loss"),
                   config_origin(config, "data.label_separator"));
        status_hint("use bce or focal");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}
