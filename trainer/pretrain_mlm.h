/* `muster pretrain` with objective mlm: a whole encoder from text, on ranks. */
#ifndef MUSTER_TRAINER_PRETRAIN_MLM_H
#define MUSTER_TRAINER_PRETRAIN_MLM_H

#include "base/config.h"
#include "data/text_set.h"
#include "model/word_vectors.h"
#include "trainer/config.h"
#include "trainer/pretrain.h"

/* What it works on. All borrowed, the same on every rank. */
typedef struct MlmJob {
    const Ranks *ranks;
    const PretrainConfig *config; /* epochs, lr, mask_rate */
    const TrainConfig *train;     /* all else of the steps */
    const ModelConfig *model;     /* init_from: with arch bert a folder to go on from */
    const WordVectors *start;     /* with arch lite; NULL: drawn */
    uint64_t seed;
    const TextSet *texts;
} MlmJob;

typedef struct MlmResult {
    Classifier *model;  /* the same on every rank */
    double loss;        /* mean over the hidden tokens of the last epoch */
    uint64_t tokens;    /* read, of all epochs */
    double seconds;     /* by the clock */
    double cpu_seconds; /* of this rank */
} MlmResult;

/* What the data makes of the model. Local. */
ModelSizes mlm_sizes(const ModelConfig *model, const Preprocessor *pre);

/* Trains. Progress goes to stderr from rank 0. STATUS_CONFIG when the model to begin from
 * does not fit the data; STATUS_DIVERGED; others from reading that model. Collective. */
Status pretrain_mlm_run(const MlmJob *job, MlmResult *out);
void mlm_result_free(MlmResult *result);

/* Composes the folder `dir` aside and renames it; an existing one is replaced. The model
 * with Hugging Face's names (BertForMaskedLM; lite: model_type muster-lite-mlm), the
 * tokenizer's files, pretrain.json (settings, seed, digest of the texts, loss) and
 * SHA256SUMS. Local. */
Status mlm_result_save(const MlmResult *result, const MlmJob *job, const char *dir,
                       const Section *sections, size_t n_sections);

#endif
