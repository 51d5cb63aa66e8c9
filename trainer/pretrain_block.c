/* Every draw is keyed by seed, epoch and text, so that it does not show who makes it. */
#include "trainer/pretrain_block.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* A block's negatives are drawn once for so many positions; each stands in turn beside
 * several of them, and the rows that the block touches stay few. */
enum { POSITIONS_PER_NOISE = 2, LEAST_NOISE = 64 };

/* Of a word's 32 random bits the upper ones choose whether it stays, the lowest how wide
 * its window is. */
enum { WINDOW_BITS = 10 };

void pretrain_draws_init(PretrainDraws *draws, const PretrainJob *job)
{
    size_t n = corpus_vocab_size(job->corpus);
    const uint64_t *count = corpus_counts(job->corpus);
    double total = 0;
    *draws = (PretrainDraws){.job = job, .keep = mem_alloc(n, sizeof *draws->keep)};
    skipgram_noise_init(&draws->noise, count, n, job->config->noise_power);
    for (size_t i = 0; i < n; i++) {
        total += (double)count[i];
    }
    for (size_t i = 0; i < n; i++) {
        double rare = job->config->subsample / ((double)count[i] / total);
        double share = sqrt(rare) + rare;
        draws->keep[i] = share < 1 ? (uint32_t)(share * UINT32_MAX) : UINT32_MAX;
    }
}

void pretrain_draws_free(PretrainDraws *draws)
{
    skipgram_noise_free(&draws->noise);
    free(draws->keep);
    *draws = (PretrainDraws){0};
}

void pretrain_block_free(PretrainBlock *b)
{
    free(b->input);
    free(b->output);
    free(b->begin);
    free(b->end);
    free(b->noise);
    free(b->text);
    *b = (PretrainBlock){0};
}

static void reserve(PretrainBlock *b, size_t n)
{
    if (n <= b->cap) {
        return;
    }
    b->cap = 2 * n;
    b->input = mem_realloc(b->input, b->cap, sizeof *b->input);
    b->output = mem_realloc(b->output, b->cap, sizeof *b->output);
    b->begin = mem_realloc(b->begin, b->cap, sizeof *b->begin);
    b->end = mem_realloc(b->end, b->cap, sizeof *b->end);
}

/* One text behind what is there: its words thinned out, then the windows over the rest.
 */
static void add_text(PretrainBlock *b, const PretrainDraws *draws, uint32_t epoch,
                     size_t text, size_t n_words)
{
    const PretrainConfig *config = draws->job->config;
    size_t V = draws->noise.n, first = b->block.n;
    uint32_t window = (uint32_t)config->window;
    Rng rng = rng_stream(draws->job->seed, RNG_SKIPGRAM_WORDS, epoch, (uint32_t)text);
    b->text = mem_grow(b->text, &b->cap_text, n_words + 1, sizeof *b->text);
    size_t n = corpus_read(draws->job->corpus, text, b->text);
    reserve(b, first + n);
    for (size_t i = 0; i < n; i++) {
        uint32_t draw = rng_u32(&rng), word = b->text[i];
        if (draw <= draws->keep[word]) {
            uint32_t low = draw & ((1u << WINDOW_BITS) - 1);
            b->input[b->block.n] = word;
            b->output[b->block.n] = (uint32_t)V + word;
            b->begin[b->block.n++] = 1 + (low * window >> WINDOW_BITS);
        }
    }
    for (size_t i = first; i < b->block.n; i++) {
        size_t width = b->begin[i];
        b->begin[i] = (uint32_t)(i - first < width ? first : i - width);
        b->end[i] = (uint32_t)(b->block.n - i <= width ? b->block.n : i + width + 1);
    }
}

static void draw_noise(PretrainBlock *b, const PretrainDraws *draws, uint32_t epoch,
                       uint32_t number)
{
    size_t n = b->block.n / POSITIONS_PER_NOISE;
    n = n < LEAST_NOISE ? LEAST_NOISE : n;
    Rng rng = rng_stream(draws->job->seed, RNG_SKIPGRAM_NOISE, epoch, number);
    b->noise = mem_grow(b->noise, &b->cap_noise, n, sizeof *b->noise);
    for (size_t i = 0; i < n; i++) {
        b->noise[i] = (uint32_t)draws->noise.n + skipgram_noise_draw(&draws->noise, &rng);
    }
    b->block.n_noise = n;
}

uint64_t pretrain_block_fill(PretrainBlock *b, const PretrainDraws *draws, uint32_t epoch,
                             uint32_t number, size_t *text, size_t end)
{
    uint64_t words = 0;
    b->block.n = 0;
    while (*text < end && words < (uint64_t)draws->job->config->block) {
        size_t n = corpus_length(draws->job->corpus, *text);
        add_text(b, draws, epoch, *text, n);
        words += n;
        ++*text;
    }
    draw_noise(b, draws, epoch, number);
    b->block.input = b->input;
    b->block.output = b->output;
    b->block.begin = b->begin;
    b->block.end = b->end;
    b->block.noise = b->noise;
    return words;
}
