/* Words and positions as vectors. lite: dropout, then the first norm; bert: token type,
 * norm, then dropout. */
#include "model/encoder_parts.h"

#include "base/rng.h"
#include "model/words.h"

#include <string.h>

/* Fills the masks of one place for all texts of the batch: `width` elements a token. */
static void draw_masks(uint8_t *mask, const EncoderPass *pass, uint32_t purpose,
                       double rate, size_t width)
{
    const PackedBatch *batch = pass->batch;
    DropoutKey key = {pass->draws->seed, purpose, pass->draws->step};
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b];
        size_t T = batch->text_start[b + 1] - first;
        dropout_mask(mask + first * width, T * width, key, batch->example[b],
                     (float)rate);
    }
}

/* x[t] = vector of the token's word (or MASK's) + the position's (+ the first type's). */
static void add_up(const EncoderPass *pass, size_t H)
{
    const EncoderWeights *weights = pass->weights;
    const PackedBatch *batch = pass->batch;
    EncoderActivations *act = pass->act;
    const float *mask_row = weights->word_rows + (size_t)batch->mask_row * H;
    const float *type = weights->dense.token_type;
    bool masking = pass->draws && pass->config->word_dropout > 0;
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        for (size_t t = first; t < end; t++) {
            const float *word = act->words + (size_t)batch->token_word[t] * H;
            if (masking && !act->word_mask[t]) {
                word = mask_row;
            }
            const float *position = weights->dense.position + (t - first) * H;
            float *x = act->x + t * H;
            for (size_t h = 0; h < H; h++) {
                x[h] = word[h] + position[h];
            }
            for (size_t h = 0; type && h < H; h++) {
                x[h] += type[h];
            }
        }
    }
}

/* bert's dropout follows its norm. */
static void drop_normed(const EncoderPass *pass)
{
    if (pass->draws && pass->post_norm) {
        dropout_apply(pass->act->normed, pass->act->embed_mask,
                      pass->batch->n_tokens * (size_t)pass->config->hidden,
                      (float)pass->config->dropout);
    }
}

void embeddings_forward(const EncoderPass *pass)
{
    const ModelConfig *config = pass->config;
    const EncoderWeights *weights = pass->weights;
    EncoderActivations *act = pass->act;
    size_t N = pass->batch->n_tokens, H = (size_t)config->hidden;
    if (pass->draws) {
        draw_masks(act->word_mask, pass, RNG_WORD_DROPOUT, config->word_dropout, 1);
        draw_masks(act->embed_mask, pass, RNG_EMBED_DROPOUT, config->dropout, H);
    }
    words_forward(act->words, weights->word_rows, weights->ngram_rows, pass->batch,
                  act->word_cache, H);
    add_up(pass, H);
    if (pass->draws && !pass->post_norm) {
        dropout_apply(act->x, act->embed_mask, N * H, (float)config->dropout);
    }
    norm_forward(act->normed, act->x, &weights->dense.after_words,
                 (float)config->layer_norm_eps, act->after_words, N, H);
    drop_normed(pass);
}

void embeddings_again(const EncoderPass *pass)
{
    EncoderActivations *act = pass->act;
    norm_output(act->normed, act->after_words.xhat, &pass->weights->dense.after_words,
                pass->batch->n_tokens, (size_t)pass->config->hidden);
    drop_normed(pass);
}

static void add_row(float *to, const float *from, size_t H)
{
    for (size_t h = 0; h < H; h++) {
        to[h] += from[h];
    }
}

/* Gradients of positions, types and word vectors; the MASK row's stands last. */
static void spread(const EncoderPass *pass, const DenseParams *grad, SparseRows *words,
                   size_t H)
{
    const PackedBatch *batch = pass->batch;
    const EncoderActivations *act = pass->act;
    bool masking = pass->draws && pass->config->word_dropout > 0;
    size_t W = batch->n_words;
    sparse_rows_reserve(words, W + 1);
    words->n = W + (masking ? 1 : 0);
    memset(words->value, 0, words->n * H * sizeof *words->value);
    memcpy(words->key, batch->word_id, W * sizeof *words->key);
    float *dmask = words->value + W * H;
    if (masking) {
        words->key[W] = KEY_MASK;
    }
    for (size_t b = 0; b < batch->n_texts; b++) {
        size_t first = batch->text_start[b], end = batch->text_start[b + 1];
        for (size_t t = first; t < end; t++) {
            const float *dx = act->dx + t * H;
            bool masked = masking && !act->word_mask[t];
            add_row(grad->position + (t - first) * H, dx, H);
            add_row(masked ? dmask : words->value + (size_t)batch->token_word[t] * H, dx,
                    H);
            if (grad->token_type) {
                add_row(grad->token_type, dx, H);
            }
        }
    }
}

void embeddings_backward(const EncoderPass *pass, const DenseParams *grad,
                         SparseRows *words)
{
    const ModelConfig *config = pass->config;
    EncoderActivations *act = pass->act;
    size_t N = pass->batch->n_tokens, H = (size_t)config->hidden;
    float *dy = norm_gradient(pass), rate = (float)config->dropout;
    if (pass->draws && pass->post_norm) {
        dropout_apply(dy, act->embed_mask, N * H, rate);
    }
    norm_backward(act->dx, !pass->post_norm, &grad->after_words, dy,
                  &pass->weights->dense.after_words, act->after_words, N, H);
    if (pass->draws && !pass->post_norm) {
        dropout_apply(act->dx, act->embed_mask, N * H, rate);
    }
    spread(pass, grad, words, H);
}
