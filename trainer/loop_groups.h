/* An epoch of models that are trained side by side: what the groups of ranks let each
 * other know meanwhile, and what they hand over afterwards. For trainer/train_loop.c and
 * trainer/loop_*.c alone. Where one group trains all models nothing is exchanged. */
#ifndef MUSTER_TRAINER_LOOP_GROUPS_H
#define MUSTER_TRAINER_LOOP_GROUPS_H

#include "trainer/loop_parts.h"

/* A new epoch, or the rest of one, begins. Local. */
void groups_begin_epoch(Loop *loop);

/* Whether model m, one of this rank's, is to be trained now; no when the training is to
 * stop or a model before it has failed. Collective over the ranks that train m; each rank
 * asks for its models in ascending order, also after a failure. */
bool groups_may_train(Loop *loop, size_t m, bool asked);

/* Whether a step of model m should be its last: a signal came, here or elsewhere, or a
 * model before it has failed. Local. */
bool groups_want_stop(const Loop *loop, size_t m);

/* Model m did a step. Local. */
void groups_note_step(Loop *loop, size_t m, double loss);

/* Model m cannot go on. Local. */
void groups_note_failure(Loop *loop, size_t m);

/* Rank 0: steps of this epoch by all models, and the mean of the groups' latest losses,
 * as far as it has heard. Local. */
void groups_estimate(const Loop *loop, int64_t *steps_in_epoch, double *loss);

/* Waits for all groups; rank 0 calls `waiting` now and then. Then every rank has every
 * model's position and weights, *asked tells whether anyone was asked to stop, and rank 0
 * has told the callbacks of every step, in the order of the models. Returns the failure
 * of the first model that failed, whichever came first in time. Collective. */
Status groups_end_epoch(Loop *loop, Status mine, bool *asked,
                        void (*waiting)(Loop *loop));

/* The models that answer, on every rank: averages[m] is the one with the moving average
 * of model m's weights, to be closed by the caller, or NULL where none is kept.
 * Collective. */
void groups_open_averages(Loop *loop, Classifier *averages[MAX_MEMBERS]);

/* For CheckpointInfo: the optimizer of a model that another rank trains, or all of one
 * that the ranks part among them, on rank 0 until the next call. The others are in
 * groups_end_save meanwhile. */
const Optimizer *groups_fetch(void *loop, const CheckpointMember *member);

/* A model's optimizer with all of its state: its own, or a fetched one as above. */
const Optimizer *groups_whole_optimizer(Loop *loop, const CheckpointMember *member);

/* Follows whatever rank 0 may have saved: the others hand over what it asks for until it
 * calls this too. Collective. */
void groups_end_save(Loop *loop);

#endif
