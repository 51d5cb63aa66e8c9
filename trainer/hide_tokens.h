/* What a masked language model is asked (Devlin et al. 2019, section 3.1): of a batch's
 * tokens some are chosen; of these 80 % become MASK, 10 % another token, drawn evenly,
 * and 10 % stay. A new choice every epoch. Special tokens and those that the vocabulary
 * does not have are neither chosen nor drawn.
 *
 * A token's fate depends on seed, epoch, text and place alone, so that it does not show
 * which rank draws it. */
#ifndef MUSTER_TRAINER_HIDE_TOKENS_H
#define MUSTER_TRAINER_HIDE_TOKENS_H

#include "data/dataset.h"
#include "model/mlm.h"

typedef struct TokenHider TokenHider;

/* `rate`: the share that is chosen, 0 .. 1. All borrowed until close. Local. */
TokenHider *token_hider_open(const Dataset *set, const Preprocessor *pre, uint64_t seed,
                             double rate);
void token_hider_close(TokenHider *hider); /* NULL is fine */

/* Room for batches of up to `n_tokens` tokens. */
void token_hider_reserve(TokenHider *hider, size_t n_tokens);

/* Hides tokens of `batch`: word table and token_word become others, MASK's entry being
 * the last one, under KEY_MASK. Both are borrowed until the next call. Local. */
void token_hider_hide(TokenHider *hider, uint32_t epoch, PackedBatch *batch,
                      HiddenTokens *out);

#endif
