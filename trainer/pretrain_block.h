/* A stretch of the corpus made ready for the skip-gram kernel: frequent words thinned
 * out, windows and negatives drawn. */
#ifndef MUSTER_TRAINER_PRETRAIN_BLOCK_H
#define MUSTER_TRAINER_PRETRAIN_BLOCK_H

#include "model/skipgram.h"
#include "trainer/pretrain.h"

#include <stddef.h>
#include <stdint.h>

/* What all blocks draw from. */
typedef struct PretrainDraws {
    const PretrainJob *job;
    SkipgramNoise noise;
    uint32_t *keep; /* [V] a draw above it leaves the word out */
} PretrainDraws;

void pretrain_draws_init(PretrainDraws *draws, const PretrainJob *job);
void pretrain_draws_free(PretrainDraws *draws);

/* Room for one block at a time; zero-initialised is empty. */
typedef struct PretrainBlock {
    SkipgramBlock block; /* rows are those of the whole table: V + w for outputs */
    uint32_t *input, *output, *begin, *end, *noise, *text;
    size_t cap, cap_noise, cap_text;
} PretrainBlock;

void pretrain_block_free(PretrainBlock *block);

/* Takes whole texts from *text on (below `end`) until there are config->block words;
 * *text moves on. `number` keys the negatives. Returns the words read, rare ones
 * included. */
uint64_t pretrain_block_fill(PretrainBlock *block, const PretrainDraws *draws,
                             uint32_t epoch, uint32_t number, size_t *text, size_t end);

#endif
