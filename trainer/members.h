/* The models of a training with their optimizers and positions: one model, or those of
 * train.seeds seeds. */
#ifndef MUSTER_TRAINER_MEMBERS_H
#define MUSTER_TRAINER_MEMBERS_H

#include "model/ensemble.h"
#include "trainer/checkpoint.h"
#include "trainer/seed_groups.h"
#include "trainer/train_loop.h"

typedef struct Members {
    CheckpointMember of[MAX_MEMBERS]; /* owned */
    size_t n;
} Members;

/* Fresh weights, or those of job->resume_from; optimizers of the models that this rank
 * trains. To be closed also on failure. Collective. */
Status members_open(const TrainJob *job, const SeedGroups *groups, Members *out);
void members_close(Members *members);

/* Where the training stands as a whole: steps, losses and texts of all models added up.
 */
TrainPosition members_position(const Members *members);

/* Whether job->resume_from can be continued with this data and model: reads it as the
 * loop will and lets go of it, so that no run is taken up in vain. Needs neither `start`
 * nor `callbacks` of the job. Collective. */
Status train_check_resume(const TrainJob *job);

/* An optimizer as the job wants it, to be closed by the caller. Local. */
Optimizer *train_open_optimizer(const TrainJob *job, const Classifier *model);

/* The same with all moments here, also where ranks part them. Local. */
Optimizer *train_open_whole_optimizer(const TrainJob *job, const Classifier *model);

/* Fresh weights and an optimizer for them, to be closed by the caller, also on
 * failure. Collective. */
Status train_open_fresh(const TrainJob *job, Classifier **model, Optimizer **optimizer);

#endif
