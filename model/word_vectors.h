/* Word vectors as a folder: what `muster pretrain` leaves and model.init_from of arch
 * lite takes.
 *
 * model.safetensors holds embeddings.word_embeddings.weight [words, dim], vocab.txt a
 * word a line, config.json model_type "muster-skipgram", sizes and settings, SHA256SUMS
 * the digests of them all.
 *
 * A folder of model_type "muster-lite-mlm" is a whole encoder (model/pretrained.h): its
 * words are read the same way, and the rest of it as well. */
#ifndef MUSTER_MODEL_WORD_VECTORS_H
#define MUSTER_MODEL_WORD_VECTORS_H

#include "base/config.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/text.h"
#include "model/pretrained.h"

#include <stddef.h>
#include <stdint.h>

typedef struct WordVectors {
    size_t n, dim;
    Text *words; /* [n] distinct, into `bytes` */
    float *rows; /* [n, dim] finite */

    /* Of the character n-grams that are composed with them; no buckets: none. */
    size_t ngram_min, ngram_max, ngram_buckets;
    float *ngrams; /* [ngram_buckets, dim] finite */

    StrBuf bytes;
    Pretrained model;        /* the encoder that they belong to; n 0: none */
    char digest[SHA256_HEX]; /* of words, vectors and encoder */
} WordVectors;

void word_vectors_free(WordVectors *vectors);

/* What config.json says beside the sizes. Borrowed. */
typedef struct VectorsInfo {
    const Section *settings;
    uint64_t seed;
    const char *corpus_digest;
    const char *source_digest; /* of all that the vectors come from, settings too */
    double loss;
} VectorsInfo;

/* Composes the folder aside and renames it; an existing `dir` is replaced. The same
 * vectors give the same bytes. */
Status word_vectors_save(const WordVectors *vectors, const VectorsInfo *info,
                         const char *dir);

/* What word_vectors_save was told as source_digest, into `out`; "" when the folder does
 * not say. STATUS_NOT_FOUND without the folder, STATUS_DAMAGED when it is of another
 * kind.
 */
Status word_vectors_source(const char *dir, char out[SHA256_HEX]);

/* STATUS_NOT_FOUND without such a folder; STATUS_DAMAGED, with what is wrong where, for
 * anything that save does not write: checksums, another model_type, vocabulary and tensor
 * that disagree, numbers that are none. */
Status word_vectors_load(const char *dir, WordVectors *out);

#endif
