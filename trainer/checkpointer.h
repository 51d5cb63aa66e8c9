/* Which checkpoints of a trial are kept, and which is the best.
 *
 * It writes nothing and removes nothing: the train loop asks whether a checkpoint is due,
 * tells of each one that was written, and removes the folders it is handed. All Local, on
 * rank 0. */
#ifndef MUSTER_TRAINER_CHECKPOINTER_H
#define MUSTER_TRAINER_CHECKPOINTER_H

#include "base/config.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ScoreOrder { SCORE_AUTO, SCORE_MIN, SCORE_MAX } ScoreOrder;

/* The `checkpoint:` section; Ray's names. */
typedef struct CheckpointConfig {
    int64_t num_to_keep; /* best ones; 0 = all. The last one stays besides */
    char *checkpoint_score_attribute;
    int checkpoint_score_order; /* ScoreOrder */
    int64_t
        checkpoint_frequency; /* iterations from one to the next; 0 = at the end only */
    bool async;               /* training goes on while one is written */
} CheckpointConfig;

extern const Field checkpoint_fields[];
extern const size_t n_checkpoint_fields;

/* min for names that hold "loss" or "error" when the order is SCORE_AUTO, else max. */
bool score_is_min(int order, const char *metric);

typedef struct Checkpointer Checkpointer;

/* `config` is borrowed until checkpointer_close. */
Checkpointer *checkpointer_open(const CheckpointConfig *config);
void checkpointer_close(Checkpointer *ck);

/* Whether iteration (from 1) ends with a checkpoint; the last one of a trial always
 * does. */
bool checkpointer_due(const Checkpointer *ck, int64_t iteration, bool last);

enum { CHECKPOINT_NAME = 32 };

/* The name of the folder to write next: "checkpoint_000000", counting up. */
void checkpointer_next_name(const Checkpointer *ck, char out[CHECKPOINT_NAME]);

/* A checkpoint was written to `dir`; `score` is the value of the score attribute, NaN
 * when there is none (worse than any). Adds to `remove` the folders that go now; they are
 * forgotten here. */
void checkpointer_added(Checkpointer *ck, const char *dir, double score, StrList *remove);

/* The folder with the best score, the earliest of equals (without scores the latest); the
 * last one written. NULL when
 * there is none. Borrowed until the next checkpointer_added. */
const char *checkpointer_best(const Checkpointer *ck);
const char *checkpointer_last(const Checkpointer *ck);

/* Takes up a result folder's history (result.json and the folders that are there) as it
 * was after `last_iteration`. Adds to `remove` the checkpoint folders that the history up
 * to there does not know: later ones and half-written ones. */
Status checkpointer_restore(Checkpointer *ck, const char *result_dir,
                            int64_t last_iteration, StrList *remove);

#endif
