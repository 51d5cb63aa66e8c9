/* What the programs of this folder train: a config, its rows, a model, an optimizer. */
#ifndef MUSTER_BENCH_JOB_H
#define MUSTER_BENCH_JOB_H

#include "data/prepared.h"
#include "model/training.h"
#include "model/word_vectors.h"
#include "trainer/config.h"

#include <stdbool.h>

typedef struct BenchJob {
    int64_t seed;
    char *experiment;
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    PreparedData prepared;
    WordVectors vectors; /* n 0 without model.init_from */
    AddedWords added;
    const Preprocessor *pre; /* its own */
    Dataset *train_set, *val_set, *test_set;
    Classifier *classifier;
    Optimizer *optimizer;
    double prepare_s; /* CPU seconds of reading and fitting */
    bool want_test;   /* set ahead: open the test rows, too */
} BenchJob;

/* argv[1] is the config, the rest section.key=value. */
Status bench_job_read(BenchJob *job, int argc, char **argv);
Status bench_job_prepare(BenchJob *job);
void bench_job_close(BenchJob *job); /* one that was not prepared, too */

#endif
