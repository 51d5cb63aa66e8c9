/* What `model.arch: bert` makes of the values that nobody gave. */
#ifndef MUSTER_CLI_BERT_CONFIG_H
#define MUSTER_CLI_BERT_CONFIG_H

#include "cli/train_config.h"

/* Does nothing for other architectures. Values that were not given become BERT's; with
 * model.init_from its shape becomes that of the folder. STATUS_CONFIG for given ones that
 * BERT cannot have or that contradict the folder. A resumed run has its values already.
 */
Status bert_config_settle(WholeConfig *whole, const Config *config, bool resumed);

#endif
