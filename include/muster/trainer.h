/* Training with a loop of your own, on one process or many.
 *
 * A program hands over its train loop, a function that runs on every rank. Muster does
 * what stands around it: the run in the store, result files, checkpoints and which of
 * them are kept, callbacks, the progress display, resuming, signals, exit codes. For
 * those who know Ray: TorchTrainer(train_loop_per_worker, run_config, checkpoint_config)
 * and ray.train.report().
 *
 *     static int loop(MusterWorker *worker, void *context)
 *     {
 *         for (int epoch = (int)muster_worker_iteration(worker);
 *              epoch < 10 && !muster_worker_should_stop(worker); epoch++) {
 *             ...
 *             MusterNamedValue metrics[] = {{"epoch", epoch}, {"val_loss", val_loss}};
 *             MusterStatus status = muster_report(worker, metrics, 2, dir);
 *             if (status != MUSTER_OK) return status;
 *         }
 *         return MUSTER_OK;
 *     }
 *
 *     int main(void)
 *     {
 *         MusterTrainerConfig config = MUSTER_TRAINER_CONFIG_INIT;
 *         config.train_loop = loop;
 *         config.run.experiment = "mine";
 *         return muster_trainer_main(&config);
 *     }
 *
 * Started as it is, the program is one rank; `mpirun -n 4 ./program` or srun make more.
 *
 * Who calls: what is Collective is called by every rank, in the same order, and returns
 * the same status on all; what is Local by any. All calls on a worker come from the
 * thread that the loop runs on. A loop must not leave between matching Collective calls
 * on one rank alone: the others would wait for it.
 *
 * Stable within a major version: fields are only added at the end of structs that begin
 * with struct_size, and a field that is zero means its default. */
#ifndef MUSTER_TRAINER_H
#define MUSTER_TRAINER_H

#include "callback.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MusterWorker MusterWorker; /* one rank, while its loop runs */

/* The train loop, called on every rank. Returns MUSTER_OK, or the MusterStatus that the
 * training ends with (MUSTER_FAILED for anything else). What ranks return may differ: the
 * worst one counts. */
typedef int (*MusterTrainLoop)(MusterWorker *worker, void *context);

/* Ray's RunConfig. Texts are borrowed while the trainer runs; NULL is the default. */
typedef struct MusterRunConfig {
    const char *experiment;    /* "Default"; created when missing */
    const char *name;          /* a memorable one is made */
    const char *tracking_uri;  /* MLFLOW_TRACKING_URI, or sqlite:///muster.db */
    const char *artifact_root; /* of new experiments: mlartifacts beside the store */
} MusterRunConfig;

/* Ray's CheckpointConfig. */
typedef struct MusterCheckpointConfig {
    int64_t num_to_keep;         /* best ones besides the last; 0: 1; -1: all */
    const char *score_attribute; /* metric that says how good one is; NULL: val_loss */
    const char *score_order; /* "min", "max"; NULL: min for names with loss or error */
} MusterCheckpointConfig;

typedef struct MusterTrainerConfig {
    size_t struct_size; /* MUSTER_TRAINER_CONFIG_INIT sets it */

    MusterTrainLoop train_loop;
    void *context; /* handed to the loop */

    MusterRunConfig run;
    MusterCheckpointConfig checkpoint;

    /* A Muster config file (YAML), or NULL: its sections data, checkpoint, tracking,
     * early_stopping and callbacks count, the fields above beat them. Sections of
     * Muster's own loop (model, train) are let pass, so that a training's config will do.
     * `overrides`: "section.key=value", which beat both. */
    const char *config_file;
    const char *const *overrides;
    size_t n_overrides;

    /* What the loop is configured with: recorded as params of the run. */
    const MusterNamedText *params;
    size_t n_params;

    /* Besides Muster's own. Copied; told on rank 0 alone, in this order. Their `close` is
     * called in any case. */
    const MusterCallback *callbacks;
    size_t n_callbacks;

    /* NULL: a new run. A run's id, a unique prefix of it, its name, or "last": that run
     * is continued. "": the newest unfinished one of the experiment. "auto": that, or a
     * new one where there is none. Continuing is from its newest undamaged checkpoint. */
    const char *resume;

    /* For the display alone; 0 = not known. */
    int64_t n_iterations, steps_per_iteration, n_examples;

    bool quiet; /* nothing is displayed but warnings and errors */
} MusterTrainerConfig;

#ifdef __cplusplus
#define MUSTER_TRAINER_CONFIG_INIT                                                       \
    {                                                                                    \
        sizeof(MusterTrainerConfig)                                                      \
    }
#else
#define MUSTER_TRAINER_CONFIG_INIT                                                       \
    {                                                                                    \
        .struct_size = sizeof(MusterTrainerConfig)                                       \
    }
#endif

/* Runs the training. Brings MPI up (and down when the process exits), catches SIGINT,
 * SIGTERM and SIGUSR1 meanwhile, and prints progress on stderr and the result table on
 * stdout, from rank 0.
 *
 * MUSTER_OK; what the loop returned; MUSTER_REQUEUE after SIGTERM or SIGUSR1 and
 * MUSTER_INTERRUPTED after Ctrl-C, to be continued with `resume`; MUSTER_FAILED when a
 * checkpoint could not be kept or points were lost; MUSTER_CONFIG and MUSTER_USAGE for
 * what `config` says, MUSTER_NOT_FOUND for nothing to resume. A process trains once at a
 * time. Collective. */
MUSTER_API MusterStatus muster_trainer_fit(const MusterTrainerConfig *config);

/* The same for a main(): prints what went wrong as one line and a hint on stderr, from
 * rank 0, and returns the exit code. Collective. */
MUSTER_API int muster_trainer_main(const MusterTrainerConfig *config);

/* ---- where the loop is ---- */

MUSTER_API int muster_worker_rank(const MusterWorker *worker);       /* 0 .. size-1 */
MUSTER_API int muster_worker_world_size(const MusterWorker *worker); /* ranks */

/* Reports made so far: 0 in a new run, those up to the checkpoint in a continued one. */
MUSTER_API int64_t muster_worker_iteration(const MusterWorker *worker);

/* The checkpoint folder to restore from, verified against its checksums; NULL in a new
 * run. The same on every rank; borrowed until the loop returns. */
MUSTER_API const char *muster_worker_checkpoint(const MusterWorker *worker);

/* The run's id, 32 hex digits, and the folder of its results. The same on every rank;
 * borrowed until the loop returns. */
MUSTER_API const char *muster_worker_run_id(const MusterWorker *worker);
MUSTER_API const char *muster_worker_result_dir(const MusterWorker *worker);

/* A value of the config: one of `params`, or "data.val_size", "seed"... of the config
 * file and its defaults (sections of Muster's own loop too: "train.lr"), as it would be
 * written in YAML. NULL when there is none.
 * Borrowed until the loop returns. Local. */
MUSTER_API const char *muster_worker_param(const MusterWorker *worker, const char *name);

/* ---- telling ---- */

/* On rank 0 an empty folder to write the next checkpoint into, inside the result folder;
 * NULL on other ranks, and when it cannot be made. muster_report takes it without
 * copying. Borrowed until the next call. Local. */
MUSTER_API const char *muster_worker_checkpoint_dir(MusterWorker *worker);

/* Ends an iteration: `metrics` [n] of rank 0 are told to callbacks, result files and the
 * store. `checkpoint_dir` on rank 0 is a folder with everything to restore from, or NULL
 * for no checkpoint; its files are copied (or moved, see above), given checksums, and
 * kept or dropped as CheckpointConfig says. Names must be distinct; "training_iteration"
 * and the like are added by Muster.
 *
 * MUSTER_FAILED when a checkpoint could not be kept (older ones are) or a metric has no
 * name. Whether the loop should go on says muster_worker_should_stop. Collective. */
MUSTER_API MusterStatus muster_report(MusterWorker *worker,
                                      const MusterNamedValue *metrics, size_t n,
                                      const char *checkpoint_dir);

/* An optimizer step within the iteration is done: for the display and the per-step curve.
 * Rank 0's call counts, returns at once, and may be left out. `n_examples` are those of
 * all ranks. Local. */
MUSTER_API void muster_worker_step(MusterWorker *worker, double loss, double lr,
                                   int64_t n_examples);

/* True once a signal came or a callback has seen enough, as known at the last
 * muster_report or muster_worker_poll: the same on every rank. A loop then returns
 * MUSTER_OK. Local. */
MUSTER_API bool muster_worker_should_stop(const MusterWorker *worker);

/* Lets ranks agree whether a signal came since; returns what should_stop then says. For
 * long iterations: a loop that stops here reports first, with a checkpoint of where it
 * is. Collective. */
MUSTER_API bool muster_worker_poll(MusterWorker *worker);

/* ---- the same sums on any number of ranks ---- */

/* This rank's rows [*first, *last) of `n`: equal shares but for one. Local. */
MUSTER_API void muster_worker_rows(const MusterWorker *worker, size_t n, size_t *first,
                                   size_t *last);

/* Sums over the ranks, in rank order as a binary tree: the same bits every time on the
 * same number of ranks. x [n] becomes the sum on every rank. Collective. */
MUSTER_API void muster_worker_all_reduce(MusterWorker *worker, float *x, size_t n);

/* Every rank gets rank 0's bytes. Collective. */
MUSTER_API void muster_worker_broadcast(MusterWorker *worker, void *bytes, size_t n);

/* A sum whose bits do not depend on the number of ranks: the rows of a step are cut into
 * `n_leaves` leaves, each leaf is summed by itself, and leaves are added in one fixed
 * binary tree, inside ranks and across. With a power of two leaves, 1, 2, 4, ... ranks
 * give the same bits; other counts are the same every time.
 *
 *     for each step:
 *         for (leaf = first; leaf < last; leaf++)     muster_sum_leaves()
 *             fill muster_sum_next()                  with the leaf's part
 *         total = muster_sum_finish()
 */
typedef struct MusterSum MusterSum;

/* Sums of `n_values` floats over `n_leaves` leaves, a power of two. MUSTER_USAGE when it
 * is none or there are fewer leaves than ranks. `worker` is borrowed until close. Local.
 */
MUSTER_API MusterStatus muster_sum_open(MusterWorker *worker, size_t n_values,
                                        size_t n_leaves, MusterSum **out);
MUSTER_API void muster_sum_close(MusterSum *sum); /* NULL is fine */

/* This rank's leaves [*first, *last). Local. */
MUSTER_API void muster_sum_leaves(const MusterSum *sum, size_t *first, size_t *last);

/* Rows [*begin, *end) of leaf `leaf`, where `n` rows are dealt to all leaves. Local. */
MUSTER_API void muster_sum_rows(const MusterSum *sum, size_t n, size_t leaf,
                                size_t *begin, size_t *end);

/* Room for the next of this rank's leaves, ascending: [n_values] zeros. Borrowed until
 * the next call on `sum`. Local. */
MUSTER_API float *muster_sum_next(MusterSum *sum);

/* The sum of all leaves of all ranks [n_values]; the next muster_sum_next begins another.
 * Every rank must have filled all of its leaves. Borrowed until then. Collective. */
MUSTER_API const float *muster_sum_finish(MusterSum *sum);

/* ---- the rows of the config's data section ---- */

typedef struct MusterDataset MusterDataset;

/* `n` bytes at `p`, not terminated. */
typedef struct MusterText {
    const char *p;
    size_t n;
} MusterText;

/* The "train", "val" or "test" split of the config file's data: read, cleaned, split per
 * class and into words, the same on every rank. The first call reads. MUSTER_CONFIG
 * without data in the config, MUSTER_DATA for wrong rows, MUSTER_USAGE for another name.
 * The set lives until the loop returns. Collective. */
MUSTER_API MusterStatus muster_worker_dataset(MusterWorker *worker, const char *split,
                                              const MusterDataset **out);

/* All Local. */
MUSTER_API size_t muster_dataset_size(const MusterDataset *set); /* rows */
MUSTER_API size_t muster_dataset_n_classes(const MusterDataset *set);
MUSTER_API const char *muster_dataset_class_name(const MusterDataset *set, size_t c);

/* The class of a row, 0 .. n_classes-1; -1 without one, or with several. */
MUSTER_API int32_t muster_dataset_class(const MusterDataset *set, size_t row);

/* The classes of a row, ascending; returns how many there are, of which the first `cap`
 * are written to `classes`. */
MUSTER_API size_t muster_dataset_classes(const MusterDataset *set, size_t row,
                                         int32_t *classes, size_t cap);

/* The words of a row, likewise, as texts that live as long as the set. */
MUSTER_API size_t muster_dataset_words(const MusterDataset *set, size_t row,
                                       MusterText *words, size_t cap);

/* The same words as rows of the vocabulary that is fitted on the training split, 0 for
 * words outside it; and how many there are. */
MUSTER_API size_t muster_dataset_tokens(const MusterDataset *set, size_t row,
                                        uint32_t *tokens, size_t cap);
MUSTER_API size_t muster_dataset_vocab_size(const MusterDataset *set);

#ifdef __cplusplus
}
#endif

#endif
