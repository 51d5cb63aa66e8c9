/* The callback that writes TensorBoard's event files into the result folder. */
#ifndef MUSTER_TRAINER_TENSORBOARD_H
#define MUSTER_TRAINER_TENSORBOARD_H

#include "trainer/callback.h"

/* Fills a callback. Every number of a report becomes a point at the report's optimizer
 * step, the loss and learning rate of every `step_interval`-th step (0: none) too
 * (train_loss_step, lr_step), and the trial's params one text, "params". Not required: a
 * file that cannot be written is a warning. */
void tensorboard_open(int64_t step_interval, Callback *out);

#endif
