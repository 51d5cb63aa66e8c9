/* Skip-gram word vectors with negative sampling (Mikolov, Sutskever, Chen, Corrado, Dean,
 * "Distributed representations of words and phrases", 2013).
 *
 * Of a position, the words around it are the inputs; the word that stands there is the
 * output to be told from a few drawn ones, which all inputs of the position share (Ji,
 * Satish, Li, Dubey, "Parallelizing word2vec in shared and distributed memory", 2016):
 * small matrix products instead of single dot products. Each position is one step of
 * plain SGD.
 *
 * Input and output vectors lie in one table of 2V rows: word w is row w as input, row
 * V + w as output. */
#ifndef MUSTER_MODEL_SKIPGRAM_H
#define MUSTER_MODEL_SKIPGRAM_H

#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

enum { SKIPGRAM_MAX_WINDOW = 32, SKIPGRAM_MAX_NEGATIVES = 32, SKIPGRAM_MAX_DIM = 1024 };

/* The words that negatives are drawn from, each with probability count^power (Walker's
 * alias method: two draws, whatever the size). */
typedef struct SkipgramNoise {
    size_t n;
    uint32_t *limit; /* [n] below it the word itself, else its alias */
    uint32_t *alias; /* [n] */
} SkipgramNoise;

void skipgram_noise_init(SkipgramNoise *noise, const uint64_t *count, size_t n,
                         double power);
void skipgram_noise_free(SkipgramNoise *noise);
uint32_t skipgram_noise_draw(const SkipgramNoise *noise, Rng *rng);

/* Fresh vectors: inputs uniform in +-1/(2 dim), outputs zero. rows [2 n_words, dim]. */
void skipgram_init(float *rows, size_t n_words, size_t dim, uint64_t seed);

/* Positions to train on, in order. Rows are numbers in the table that goes with it. */
typedef struct SkipgramBlock {
    size_t n;                       /* positions */
    const uint32_t *input, *output; /* [n] rows of the word at each */
    const uint32_t *begin, *end;    /* [n] its window; the position itself is left out */
    size_t n_noise;
    const uint32_t *noise; /* [n_noise] output rows, used in turns as negatives */
} SkipgramBlock;

typedef struct SkipgramLoss {
    double sum; /* of -log sigmoid over all outputs of one input */
    uint64_t n; /* inputs */
} SkipgramLoss;

/* One pass of SGD over the block, updating `rows` [any, dim] in place. `loss` is added
 * to, from one position in sixteen. */
void skipgram_train(float *rows, size_t dim, const SkipgramBlock *block,
                    size_t n_negatives, float lr, SkipgramLoss *loss);

#endif
