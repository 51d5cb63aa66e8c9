/* `muster pretrain`: word vectors from text, on threads and ranks. */
#ifndef MUSTER_TRAINER_PRETRAIN_H
#define MUSTER_TRAINER_PRETRAIN_H

#include "base/config.h"
#include "base/ranks.h"
#include "data/corpus.h"
#include "data/words.h"
#include "model/word_vectors.h"

#include <stdbool.h>

typedef enum Objective {
    OBJECTIVE_SKIPGRAM, /* word vectors */
    OBJECTIVE_MLM       /* the config's own encoder: trainer/pretrain_mlm.h */
} Objective;

/* The `pretrain:` section. */
typedef struct PretrainConfig {
    int objective;  /* Objective */
    char *out;      /* folder */
    StrList text;   /* plain text files, beside or instead of data.train */
    int64_t dim;    /* 0 = model.hidden */
    int64_t window; /* words to either side, at most */
    int64_t epochs;
    int64_t min_count;
    int64_t vocab_size;
    int64_t negatives;
    double noise_power; /* of a word's count, in drawing negatives */
    double subsample;   /* share of the text above which a word is left out at times */
    double lr;          /* falls to 0 */
    int64_t threads;    /* of each rank; 0 = all cores on one rank, else one */
    bool ngrams;        /* learn character n-grams with the words */
    bool deterministic; /* the same bits on any ranks and threads; no: Hogwild */
    int64_t shards;     /* that train at once in a round */
    int64_t block;      /* words of a shard in a round, about */
    double mask_rate;   /* mlm: share of the tokens that is asked for */
} PretrainConfig;

extern const Field pretrain_fields[];
extern const size_t n_pretrain_fields;
/* Refuses what does not go with the objective. mlm takes what was not given from the
 * training's values: lr from train.lr; and 10 epochs. */
Status pretrain_config_settle(PretrainConfig *config, const Config *source,
                              double train_lr);
/* Of objective skipgram. */
Status pretrain_config_check(const PretrainConfig *config, const Config *source,
                             int n_ranks);

/* What a pretraining works on. All borrowed, the same on every rank. */
typedef struct PretrainJob {
    const Ranks *ranks;
    const PretrainConfig *config;
    size_t dim;
    uint64_t seed;
    const Corpus *corpus;
    NgramConfig ngrams; /* buckets 0: words are their own rows alone */
} PretrainJob;

/* What it gives, the same on every rank. */
typedef struct PretrainResult {
    WordVectors vectors;
    double loss;        /* mean over the last epoch */
    uint64_t words;     /* of all epochs, rare ones included */
    double seconds;     /* by the clock */
    double cpu_seconds; /* of this rank */
} PretrainResult;

/* Trains. Progress goes to stderr from rank 0. STATUS_DIVERGED when a vector is not
 * finite. Collective. */
Status pretrain_run(const PretrainJob *job, PretrainResult *out);
void pretrain_result_free(PretrainResult *result);

#endif
