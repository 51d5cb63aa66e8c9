/* The chosen rule on the dense block and, without decay, on touched rows (what is kept
 * beside an untouched row stands still, as in PyTorch's SparseAdam); plain SGD on the
 * wide rows. */
#include "base/mem.h"
#include "base/ranks.h"
#include "base/rng.h"
#include "model/dispatch.h"
#include "model/finite.h"
#include "model/optimizer_parts.h"
#include "model/update_rule.h"
#include "model/wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Untouched memory: rows of words that no batch holds take none. */
static Moments moments(const Optimizer *opt, size_t whole, size_t H)
{
    const OptimizerConfig *config = &opt->config;
    size_t n = opt->shard ? shard_floats(opt->shard, whole, H) : whole;
    Moments some = {.n = n, .whole = whole};
    if (optimizer_keeps_m(config->kind, config->momentum)) {
        some.m = mem_zalloc_untouched(n, sizeof *some.m, &some.m_block);
    }
    if (optimizer_keeps_v(config->kind)) {
        some.v = mem_zalloc_untouched(n, sizeof *some.v, &some.v_block);
    }
    return some;
}

static Optimizer *open_state(const Classifier *model, const OptimizerConfig *config)
{
    size_t H = (size_t)model->config.hidden;
    Optimizer *opt = mem_zalloc(1, sizeof *opt);
    opt->config = *config;
    opt->H = H;
    if (config->shard && config->shard->size > 1) {
        opt->shard = shard_open(model, config->shard);
    }
    opt->dense = moments(opt, model->table.n_dense, 0);
    opt->words = moments(opt, model->table.n_words, H);
    opt->ngrams = moments(opt, model->table.n_ngrams, H);
    if (config->ema > 0) {
        opt->average = weight_average_open(model, config->ema);
    }
    return opt;
}

Optimizer *optimizer_open(const Classifier *model, const OptimizerConfig *config)
{
    size_t H = (size_t)model->config.hidden;
    Optimizer *opt = open_state(model, config);
    opt->shared = mem_zalloc_aligned(2 * H, sizeof *opt->shared);
    opt->ngram_grad = mem_zalloc_aligned(model->table.n_ngrams, sizeof *opt->ngram_grad);
    opt->ngram_seen = mem_zalloc(model->sizes.ngram_buckets, 1);
    return opt;
}

Optimizer *optimizer_of_shape(const Optimizer *like, const Classifier *model)
{
    return open_state(model, &like->config);
}

void optimizer_close(Optimizer *opt)
{
    if (!opt) {
        return;
    }
    Moments *const all[] = {&opt->dense, &opt->words, &opt->ngrams};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]->m_block);
        free(all[i]->v_block);
    }
    weight_average_close(opt->average);
    shard_close(opt->shard);
    free(opt->shared);
    free(opt->ngram_grad);
    free(opt->ngram_seen);
    free(opt->wide_mask);
    free(opt);
}

/* The rule of this step. */
static UpdateRule rule_of(const Optimizer *opt, double lr, double decay)
{
    const OptimizerConfig *c = &opt->config;
    UpdateSettings settings = {c->kind, c->beta1, c->beta2, c->eps, c->momentum};
    return update_rule(&settings, opt->step, lr, decay);
}

/* Floats of a block, and where their moments begin. */
typedef struct Range {
    size_t at, n, moments_at;
} Range;

static void apply(const Block *block, const Range *range, const float *grad,
                  const UpdateRule *rule)
{
    const Moments *moments = block->moments;
    update_apply(rule, block->weights + range->at,
                 moments->m ? moments->m + range->moments_at : NULL,
                 moments->v ? moments->v + range->moments_at : NULL, grad, range->n);
}

/* Weights whose last values are remembered while they move, so as to stay in the nearest
 * cache; a multiple of what a vector holds, so that the bits are those of one pass. */
enum { PIECE = 1024 };

/* One step of a range of a block's weights. */
static void step_range(const Optimizer *opt, const Block *block, Range range,
                       const float *grad, const UpdateRule *rule)
{
    if (!opt->average) {
        apply(block, &range, grad, rule);
        return;
    }
    float before[PIECE];
    for (size_t done = 0; done < range.n; done += PIECE) {
        size_t some = range.n - done < PIECE ? range.n - done : PIECE;
        Range piece = {range.at + done, some, range.moments_at + done};
        float *now = block->weights + piece.at;
        memcpy(before, now, some * sizeof *before);
        apply(block, &piece, grad + done, rule);
        weight_average_moved(opt->average, block->kind, piece.at, before, now, some);
    }
}

/* One step of a row of a table, where its moments are here. */
static void step_row(const Optimizer *opt, const Block *block, size_t row,
                     const float *grad, size_t H, const UpdateRule *rule)
{
    size_t own = row;
    if (!opt->shard || shard_takes_row(opt->shard, row, &own)) {
        step_range(opt, block, (Range){row * H, H, own * H}, grad, rule);
    }
}

MULTIVERSION
static double sum_of_squares(const float *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum;
}

MULTIVERSION
static void scale_by(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++) {
        x[i] *= factor;
    }
}

static void clip(float *dense, size_t n, double norm, double limit)
{
    if (limit > 0 && norm > limit) {
        scale_by(dense, n, (float)(limit / (norm + 1e-6)));
    }
}

/* The dense part's norm says it of the dense part; the others are short. */
static bool rows_are_finite(const Classifier *model, const StepGradient *grad)
{
    const SparseRows *words = grad->words;
    return floats_are_finite(words->value, words->n * words->H) &&
           (model->sizes.wide_buckets == 0 ||
            floats_are_finite(grad->wide_dlogits,
                              grad->n_examples * model->sizes.n_classes));
}

/* The gradient of what stands still counts for nothing, its norm included. */
static void leave_frozen(const Classifier *model, float *grad)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        if (param->block == BLOCK_DENSE && param->lr_scale == 0) {
            size_t n = param->rows * (param->columns ? param->columns : 1);
            memset(grad + param->offset, 0, n * sizeof *grad);
        }
    }
}

/* `grad` is lost where the moments are parted. */
static void step_dense(Optimizer *opt, Classifier *model, float *grad, double lr)
{
    const Block dense = {BLOCK_DENSE, model->dense, &opt->dense};
    size_t first = 0, last = model->table.n_dense;
    if (opt->shard) {
        shard_dense(opt->shard, &first, &last);
    }
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        size_t at = param->offset;
        size_t end = at + param->rows * (param->columns ? param->columns : 1);
        at = at > first ? at : first;
        end = end < last ? end : last;
        if (param->block != BLOCK_DENSE || param->lr_scale == 0 || at >= end) {
            continue;
        }
        UpdateRule rule = rule_of(opt, lr * (double)param->lr_scale,
                                  param->decay ? opt->config.weight_decay : 0);
        step_range(opt, &dense, (Range){at, end - at, at - first}, grad + at, &rule);
    }
    if (opt->shard) {
        shard_share_dense(opt, model, grad);
    }
}

ALWAYS_INLINE void add_scaled(float *to, const float *from, float factor, size_t H)
{
    for (size_t h = 0; h < H; h++) {
        to[h] += factor * from[h];
    }
}

/* The rows of one word's n-grams, asked for ahead of their turn: they lie scattered over
 * a table larger than the nearest cache. */
ALWAYS_INLINE void prefetch_ngrams(const Optimizer *opt, const SparseRows *words,
                                   const WordTable *table, size_t i, size_t H)
{
    if (i >= words->n || words->key[i] == KEY_MASK) {
        return;
    }
    const uint32_t *ngram = table->ngram + table->ngram_begin[words->key[i]];
    for (size_t g = 0; g < table->ngram_count[words->key[i]]; g++) {
        for (size_t h = 0; h < H; h += 16) {
            __builtin_prefetch(opt->ngram_grad + (size_t)ngram[g] * H + h, 1);
        }
    }
}

/* Spreads the words' gradients over their n-grams, words ascending, so that every bucket
 * adds in one order. */
MULTIVERSION
static void collect_ngrams(Optimizer *opt, const SparseRows *words,
                           const WordTable *table, size_t H)
{
    for (size_t i = 0; i < words->n; i++) {
        prefetch_ngrams(opt, words, table, i + 1, H);
        if (words->key[i] == KEY_MASK) {
            continue;
        }
        const uint32_t *ngram = table->ngram + table->ngram_begin[words->key[i]];
        size_t n = table->ngram_count[words->key[i]];
        float share = n ? 1.0f / (float)n : 0.0f;
        for (size_t g = 0; g < n; g++) {
            opt->ngram_seen[ngram[g]] = 1;
            add_scaled(opt->ngram_grad + (size_t)ngram[g] * H, words->value + i * H,
                       share, H);
        }
    }
}

static void step_ngrams(Optimizer *opt, Classifier *model, size_t H,
                        const UpdateRule *rule)
{
    const Block ngrams = {BLOCK_NGRAMS, model->ngrams, &opt->ngrams};
    for (size_t g = 0; g < model->sizes.ngram_buckets; g++) {
        if (!opt->ngram_seen[g]) {
            continue;
        }
        float *grad = opt->ngram_grad + g * H;
        step_row(opt, &ngrams, g, grad, H, rule);
        memset(grad, 0, H * sizeof *grad);
        opt->ngram_seen[g] = 0;
    }
    if (opt->shard) {
        shard_share_rows(opt, &ngrams, H);
    }
}

/* A word of its own row is updated at once; unknown words share UNK's row, and MASK may
 * be a word as well: theirs are added up first. */
static void step_words(Optimizer *opt, Classifier *model, const SparseRows *words,
                       const WordTable *table, size_t H, const UpdateRule *rule)
{
    const Block rows = {BLOCK_WORDS, model->words, &opt->words};
    const size_t shared[2] = {WORD_UNK, table->mask_row};
    bool seen[2] = {false};
    memset(opt->shared, 0, 2 * H * sizeof *opt->shared);
    for (size_t i = 0; i < words->n; i++) {
        uint32_t key = words->key[i];
        size_t row = key == KEY_MASK ? table->mask_row : table->row[key];
        const float *grad = words->value + i * H;
        if (row == shared[0] || row == shared[1]) {
            size_t which = row == shared[0] ? 0 : 1;
            seen[which] = true;
            add_scaled(opt->shared + which * H, grad, 1, H);
        } else {
            step_row(opt, &rows, row, grad, H, rule);
        }
    }
    for (size_t which = 0; which < 2; which++) {
        if (seen[which]) {
            step_row(opt, &rows, shared[which], opt->shared + which * H, H, rule);
        }
    }
    if (opt->shard) {
        shard_share_rows(opt, &rows, H);
    }
}

void optimizer_reserve(Optimizer *opt, size_t wide_features)
{
    opt->wide_mask = mem_reserve(opt->wide_mask, &opt->cap_wide, wide_features, 1);
}

static void step_wide(Optimizer *opt, Classifier *model, const StepGradient *grad)
{
    size_t longest = 0;
    for (size_t i = 0; i < grad->n_examples; i++) {
        size_t n = grad->wide_table->count[i];
        longest = n > longest ? n : longest;
    }
    optimizer_reserve(opt, longest);
    DropoutKey key = {grad->seed, RNG_WIDE_DROPOUT, grad->step};
    double lr = opt->config.wide_lr * grad->lr_factor * (double)grad->n_examples / 32;
    RowDrift drift = {0};
    if (opt->average) {
        drift = (RowDrift){opt->average->drift[BLOCK_WIDE], opt->average->per_scale};
    }
    wide_update(model->wide, opt->average ? &drift : NULL, grad->wide_table,
                grad->examples, grad->n_examples, grad->wide_dlogits, (float)lr,
                grad->dropout ? &key : NULL, (float)model->config.wide_dropout,
                opt->wide_mask, model->sizes.n_classes);
}

/* The factor on the learning rate of a table's rows. */
static double scale_of(const Classifier *model, ParamBlock block)
{
    double scale = 0;
    for (size_t i = 0; i < model->table.n; i++) {
        if (model->table.items[i].block == block) {
            scale = (double)model->table.items[i].lr_scale;
        }
    }
    return scale;
}

static void step_rows(Optimizer *opt, Classifier *model, const StepGradient *grad)
{
    size_t H = (size_t)model->config.hidden;
    double lr = opt->config.embedding_lr * grad->lr_factor;
    double ngrams = scale_of(model, BLOCK_NGRAMS), words = scale_of(model, BLOCK_WORDS);
    if (ngrams > 0) {
        collect_ngrams(opt, grad->words, grad->word_table, H);
        UpdateRule rule = rule_of(opt, lr * ngrams, 0);
        step_ngrams(opt, model, H, &rule);
    }
    if (words > 0) {
        UpdateRule rule = rule_of(opt, lr * words, 0);
        step_words(opt, model, grad->words, grad->word_table, H, &rule);
    }
}

static void step_all(Optimizer *opt, Classifier *model, const StepGradient *grad)
{
    step_dense(opt, model, grad->dense, opt->config.lr * grad->lr_factor);
    step_rows(opt, model, grad);
    if (scale_of(model, BLOCK_WIDE) > 0) {
        step_wide(opt, model, grad);
    }
}

double optimizer_step(Optimizer *opt, Classifier *model, const StepGradient *grad)
{
    leave_frozen(model, grad->dense);
    /* In double precision the squares of floats do not overflow. */
    double norm = sqrt(sum_of_squares(grad->dense, opt->dense.whole));
    if (!isfinite(norm) || !rows_are_finite(model, grad)) {
        return NAN;
    }
    opt->step++;
    clip(grad->dense, opt->dense.whole, norm, opt->config.clip_norm);
    if (opt->average) {
        weight_average_begin(opt->average);
    }
    step_all(opt, model, grad);
    if (opt->average) {
        weight_average_end(opt->average, opt->step);
    }
    return norm;
}

Classifier *optimizer_average(const Optimizer *opt, const Classifier *model)
{
    return opt->average ? weight_average_model(opt->average, model) : NULL;
}
