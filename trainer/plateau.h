/* Learning rates that fall when the validation loss stands still (scheduler plateau), as
 * torch.optim.lr_scheduler.ReduceLROnPlateau with mode min and a relative threshold of
 * 1e-4. */
#ifndef MUSTER_TRAINER_PLATEAU_H
#define MUSTER_TRAINER_PLATEAU_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Plateau {
    double factor;     /* of every reduction */
    int64_t patience;  /* reports in a row without improvement that are borne */
    double least;      /* the rate falls no further than this share of its start */
    double best;       /* lowest loss so far */
    int64_t n_waiting; /* reports since */
    int64_t n_reduced; /* reductions so far */
} Plateau;

Plateau plateau_begin(double factor, int64_t patience, double least);

/* Takes in one report's loss; NaN is no improvement. True if the rate falls now. */
bool plateau_see(Plateau *plateau, double loss);

/* What learning rates are multiplied by. */
double plateau_factor(const Plateau *plateau);

/* Sees again the reports of a run that is resumed after `last_iteration`, from the
 * result.json in its folder, so that it goes on as it would have. */
Status plateau_replay(Plateau *plateau, const char *result_dir, int64_t last_iteration);

#endif
