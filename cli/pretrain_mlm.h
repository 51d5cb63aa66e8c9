/* `muster pretrain` with pretrain.objective: mlm. */
#ifndef MUSTER_CLI_PRETRAIN_MLM_H
#define MUSTER_CLI_PRETRAIN_MLM_H

#include "base/ranks.h"
#include "cli/train_config.h"

/* Settles what was not given, from the rows where they decide, and checks the sections it
 * takes: data, model, train, pretrain. A model.init_from that is pretrain.out itself is
 * where the training will begin, not this; it is taken out. Local. */
Status pretrain_mlm_settle(WholeConfig *whole, Config *config, int n_ranks);

/* Reads the text, trains, and saves and tells on rank 0. Collective. */
Status pretrain_mlm(const WholeConfig *whole, const Ranks *ranks, bool json);

#endif
