/* A thread that writes checkpoints while training goes on.
 *
 * What is written is a copy made by checkpoint_writer_begin, so the caller waits for
 * memory alone. The copy is allocated once and stays: as much memory as weights and
 * optimizer states take (pages that were never written not counted). One folder at a
 * time. All calls Local, on rank 0, from one thread. */
#ifndef MUSTER_TRAINER_CHECKPOINT_WRITER_H
#define MUSTER_TRAINER_CHECKPOINT_WRITER_H

#include "trainer/checkpoint.h"

typedef struct CheckpointWriter CheckpointWriter;

CheckpointWriter *checkpoint_writer_open(void);

/* Waits for what is being written. NULL is fine. */
void checkpoint_writer_close(CheckpointWriter *writer);

/* Copies what checkpoint_save would write and begins to write it. `pre`, and what `info`
 * points to but for positions, models, optimizers, metrics and thresholds, stays borrowed
 * until the outcome is taken. No model may be `elsewhere`. Models and optimizers have the
 * same shapes each time. The outcome of the one before must have been taken. */
void checkpoint_writer_begin(CheckpointWriter *writer, const char *dir,
                             const Classifier *model, const Preprocessor *pre,
                             const Optimizer *optimizer, const CheckpointInfo *info);

/* Whether what was begun is over, and its outcome not yet taken. */
bool checkpoint_writer_is_done(const CheckpointWriter *writer);

/* Waits for the folder that was begun and takes the outcome: what checkpoint_save gives.
 */
Status checkpoint_writer_wait(CheckpointWriter *writer);

#endif
