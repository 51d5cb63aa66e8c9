/* What `auto` stands for in the train section (docs/recipe.md). */
#ifndef MUSTER_TRAINER_CONFIG_AUTO_H
#define MUSTER_TRAINER_CONFIG_AUTO_H

#include "base/config_auto.h"

AutoRule train_auto_epochs, train_auto_batch_size, train_auto_wide_lr;

#endif
