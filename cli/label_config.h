/* What several labels a text (data.label_separator) make of the values that nobody gave.
 */
#ifndef MUSTER_CLI_LABEL_CONFIG_H
#define MUSTER_CLI_LABEL_CONFIG_H

#include "cli/train_config.h"

/* train.loss becomes bce, train.label_smoothing 0, where they were not given.
 * STATUS_CONFIG for a loss of one class a text, and for a threshold without labels. */
Status label_config_settle(WholeConfig *whole, const Config *config);

#endif
