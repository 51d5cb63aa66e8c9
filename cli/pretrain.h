/* Word vectors that a training makes for itself. */
#ifndef MUSTER_CLI_PRETRAIN_H
#define MUSTER_CLI_PRETRAIN_H

#include "base/ranks.h"
#include "cli/train_config.h"

/* Where model.init_from is the folder that the config gives as pretrain.out, learns the
 * vectors as `muster pretrain` would, unless they are there and were learnt from the same
 * rows with the same settings and seed. A folder of anything else under that name is an
 * error. Collective. */
Status pretrain_for_training(const WholeConfig *whole, const Ranks *ranks);

#endif
