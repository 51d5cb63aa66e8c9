/* Rounds of shards, or Hogwild; progress; the vectors at the end. */
#include "trainer/pretrain.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "model/skipgram_ngrams.h"
#include "trainer/pretrain_block.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double TERMINAL_S = 0.2, PLAIN_S = 5;

/* Where one shard is in its share of the texts. */
typedef struct Cursor {
    size_t begin, text, end;
    uint32_t n_blocks; /* of this epoch */
    uint64_t words;    /* of the last block */
    PretrainBlock block;
    uint32_t *input, *output; /* the block's rows as the shard's copies */
    size_t cap;
    SkipgramLoss loss; /* Hogwild's */
} Cursor;

typedef struct Pretrain {
    const PretrainJob *job;
    PretrainDraws draws;
    size_t V, dim, threads;
    float *table; /* [2V + G, dim] */
    NgramLists lists;
    SkipgramNgrams ngrams;          /* borrows from lists */
    size_t n_shards, first, n_mine; /* the shards of this rank */
    Cursor *cursors;                /* [n_shards] */
    SkipgramShard *shards;          /* [n_mine]; NULL for Hogwild */
    SparseRows moves, other, sum;
    uint32_t epoch;
    atomic_ullong done; /* words of all epochs */
    uint64_t total;
    float lr;
    double began, next_told;
    bool terminal, drawn;
} Pretrain;

/* ---- shares ---- */

/* Texts cut into runs of about as many words. */
static void cut_texts(Pretrain *p)
{
    const Corpus *corpus = p->job->corpus;
    size_t text = 0, n = corpus_n_texts(corpus);
    uint64_t seen = 0, all = corpus_n_words(corpus);
    for (size_t s = 0; s < p->n_shards; s++) {
        p->cursors[s].begin = text;
        while (text < n && seen * p->n_shards < all * (s + 1)) {
            seen += corpus_length(corpus, text++);
        }
        p->cursors[s].end = text;
    }
    p->cursors[p->n_shards - 1].end = n;
}

static void begin_epoch(Pretrain *p)
{
    for (size_t s = 0; s < p->n_shards; s++) {
        p->cursors[s].text = p->cursors[s].begin;
        p->cursors[s].n_blocks = 0;
        p->cursors[s].loss = (SkipgramLoss){0};
    }
    for (size_t s = 0; p->shards && s < p->n_mine; s++) {
        p->shards[s].loss = (SkipgramLoss){0};
    }
}

static float rate(const Pretrain *p)
{
    double left = 1 - (double)atomic_load(&p->done) / (double)p->total;
    return (float)(p->job->config->lr * (left > 0 ? left : 0));
}

/* The shard's next block; its number is its own among all of the epoch. */
static void fill_block(Pretrain *p, size_t s)
{
    Cursor *c = &p->cursors[s];
    uint32_t number = c->n_blocks++ * (uint32_t)p->n_shards + (uint32_t)s;
    c->words =
        pretrain_block_fill(&c->block, &p->draws, p->epoch, number, &c->text, c->end);
}

/* ---- progress ---- */

static double loss_of(const SkipgramLoss *loss)
{
    return loss->n > 0 ? loss->sum / (double)loss->n : 0;
}

/* Rank 0, about its own shards. */
static void tell(Pretrain *p, const SkipgramLoss *loss)
{
    double now = clock_seconds();
    if (p->job->ranks->rank != 0 || now < p->next_told) {
        return;
    }
    uint64_t done = atomic_load(&p->done);
    double speed = (double)done / (now - p->began);
    char left[24];
    clock_format_duration((double)(p->total - done) / speed, left);
    const char *form =
        "%sepoch %u/%lld  %3.0f%%  %.0f words/s  loss %.4f  lr %.2e  left %s%s";
    fprintf(stderr, form, p->terminal ? "\r" : "", p->epoch + 1,
            (long long)p->job->config->epochs, 100 * (double)done / (double)p->total,
            speed, loss_of(loss), (double)p->lr, left, p->terminal ? "\033[K" : "\n");
    p->drawn = p->terminal;
    p->next_told = now + (p->terminal ? TERMINAL_S : PLAIN_S);
}

static void end_line(Pretrain *p)
{
    if (p->drawn) {
        fputs("\r\033[K", stderr);
    }
}

/* ---- rounds: the same bits everywhere ---- */

/* Rows of the table become rows of the shard's copies. */
static SkipgramBlock copy_rows(SkipgramShard *shard, const Pretrain *p, Cursor *c)
{
    const float *table = p->table;
    SkipgramBlock block = c->block.block;
    if (block.n > c->cap) {
        c->cap = 2 * block.n;
        c->input = mem_realloc(c->input, c->cap, sizeof *c->input);
        c->output = mem_realloc(c->output, c->cap, sizeof *c->output);
    }
    for (size_t i = 0; i < block.n; i++) {
        c->input[i] = skipgram_touch_word(shard, table, &p->ngrams, block.input[i]);
        c->output[i] = skipgram_shard_touch(shard, table, block.output[i]);
    }
    for (size_t i = 0; i < block.n_noise && block.n > 0; i++) {
        c->block.noise[i] = skipgram_shard_touch(shard, table, block.noise[i]);
    }
    block.input = c->input;
    block.output = c->output;
    return block;
}

static void train_shards(void *context, size_t part, size_t begin, size_t end)
{
    (void)part;
    Pretrain *p = context;
    for (size_t s = begin; s < end; s++) {
        SkipgramShard *shard = &p->shards[s];
        Cursor *c = &p->cursors[p->first + s];
        skipgram_shard_clear(shard);
        fill_block(p, p->first + s);
        SkipgramBlock block = copy_rows(shard, p, c);
        skipgram_train(shard->copy, p->dim, &block, (size_t)p->job->config->negatives,
                       p->lr, &shard->loss);
        skipgram_share_moves(shard, p->table, &p->ngrams);
    }
}

/* Words that the other ranks' shards read: every rank knows where all of them are. */
static uint64_t skip_others(Pretrain *p)
{
    uint64_t words = 0;
    for (size_t s = 0; s < p->n_shards; s++) {
        Cursor *c = &p->cursors[s];
        bool mine = s >= p->first && s < p->first + p->n_mine;
        if (!mine) {
            c->words = 0;
            while (c->text < c->end && c->words < (uint64_t)p->job->config->block) {
                c->words += corpus_length(p->job->corpus, c->text++);
            }
        }
        words += c->words;
    }
    return words;
}

/* Collective. */
static void train_rounds(Pretrain *p)
{
    const Ranks *ranks = p->job->ranks;
    uint64_t words = 1;
    while (words > 0) {
        p->lr = rate(p);
        parallel_for(p->n_mine, p->threads, train_shards, p);
        skipgram_sum_moves(p->shards, p->n_mine, p->table, p->threads, &p->moves);
        sparse_rows_sum_tree(ranks, &p->moves, &p->other, &p->sum);
        skipgram_apply_moves(p->table, &p->moves, p->threads);
        words = skip_others(p);
        atomic_fetch_add(&p->done, words);
        tell(p, &p->shards[0].loss);
    }
}

/* The mean over all shards, in their order. Collective. */
static double gather_loss(const Pretrain *p)
{
    const Ranks *ranks = p->job->ranks;
    SkipgramLoss mine[SKIPGRAM_MAX_SHARDS], all[SKIPGRAM_MAX_SHARDS], total = {0};
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    for (int r = 0; r < ranks->size; r++) {
        counts[r] = p->n_mine * sizeof *mine;
    }
    for (size_t s = 0; s < p->n_mine; s++) {
        mine[s] = p->shards[s].loss;
    }
    ranks->gather(ranks->self, mine, all, counts);
    free(counts);
    for (size_t s = 0; s < p->n_shards; s++) {
        total.sum += all[s].sum;
        total.n += all[s].n;
    }
    return loss_of(&total);
}

/* ---- Hogwild: every thread on the one table, without waiting (Recht, Re, Wright, Niu,
 * 2011). What two threads write at once to one row may be lost in part; there is little
 * of it, and that is the method. ---- */

__attribute__((no_sanitize("thread"))) static void run_wild(void *context, size_t part,
                                                            size_t begin, size_t end)
{
    (void)part;
    Pretrain *p = context;
    for (size_t s = begin; s < end; s++) {
        Cursor *c = &p->cursors[s];
        while (c->text < c->end) {
            float lr = rate(p);
            fill_block(p, s);
            skipgram_train(p->table, p->dim, &c->block.block,
                           (size_t)p->job->config->negatives, lr, &c->loss);
            atomic_fetch_add(&p->done, c->words);
            if (begin == 0) {
                p->lr = lr;
                tell(p, &c->loss);
            }
        }
    }
}

static double add_wild_loss(const Pretrain *p)
{
    SkipgramLoss total = {0};
    for (size_t s = 0; s < p->n_shards; s++) {
        total.sum += p->cursors[s].loss.sum;
        total.n += p->cursors[s].loss.n;
    }
    return loss_of(&total);
}

/* ---- all of it ---- */

static void open_shards(Pretrain *p)
{
    const PretrainConfig *config = p->job->config;
    const Ranks *ranks = p->job->ranks;
    size_t cores = ranks->size > 1 ? 1 : parallel_cores();
    p->threads = config->threads > 0 ? (size_t)config->threads : cores;
    p->n_shards = config->deterministic ? (size_t)config->shards : p->threads;
    p->n_mine = p->n_shards / (size_t)ranks->size;
    p->first = p->n_mine * (size_t)ranks->rank;
    p->cursors = mem_zalloc(p->n_shards, sizeof *p->cursors);
    cut_texts(p);
    if (config->deterministic) {
        p->shards = mem_zalloc(p->n_mine, sizeof *p->shards);
        for (size_t s = 0; s < p->n_mine; s++) {
            skipgram_shard_init(&p->shards[s], 2 * p->V + p->ngrams.n_buckets, p->dim);
        }
    }
    sparse_rows_init(&p->moves, p->dim);
    sparse_rows_init(&p->other, p->dim);
    sparse_rows_init(&p->sum, p->dim);
    p->moves.combine = p->other.combine = p->sum.combine = skipgram_combine;
}

static void list_ngrams(Pretrain *p)
{
    const PretrainJob *job = p->job;
    Text *words = mem_alloc(p->V, sizeof *words);
    for (size_t i = 0; i < p->V; i++) {
        words[i] = corpus_word(job->corpus, i);
    }
    ngram_lists_init(&p->lists, &job->ngrams, words, p->V);
    p->ngrams =
        (SkipgramNgrams){p->V, job->ngrams.buckets, p->lists.begin, p->lists.bucket};
    free(words);
}

static void open_pretrain(Pretrain *p, const PretrainJob *job)
{
    p->job = job;
    p->V = corpus_vocab_size(job->corpus);
    p->dim = job->dim;
    p->total = corpus_n_words(job->corpus) * (uint64_t)job->config->epochs;
    list_ngrams(p);
    size_t G = p->ngrams.n_buckets;
    p->table = mem_zalloc_aligned((2 * p->V + G) * p->dim, sizeof *p->table);
    skipgram_init(p->table, p->V, p->dim, job->seed);
    skipgram_ngrams_init(p->table + 2 * p->V * p->dim, G, p->dim, job->seed);
    pretrain_draws_init(&p->draws, job);
    open_shards(p);
    p->began = clock_seconds();
    p->terminal = isatty(STDERR_FILENO);
    p->next_told = p->began + (p->terminal ? TERMINAL_S : PLAIN_S);
}

static void close_pretrain(Pretrain *p)
{
    for (size_t s = 0; s < p->n_shards; s++) {
        pretrain_block_free(&p->cursors[s].block);
        free(p->cursors[s].input);
        free(p->cursors[s].output);
    }
    for (size_t s = 0; p->shards && s < p->n_mine; s++) {
        skipgram_shard_free(&p->shards[s]);
    }
    free(p->shards);
    free(p->cursors);
    sparse_rows_free(&p->moves);
    sparse_rows_free(&p->other);
    sparse_rows_free(&p->sum);
    pretrain_draws_free(&p->draws);
    ngram_lists_free(&p->lists);
    free(p->table);
}

static double train_epoch(Pretrain *p)
{
    begin_epoch(p);
    if (p->shards) {
        train_rounds(p);
        return gather_loss(p);
    }
    parallel_for(p->n_shards, p->threads, run_wild, p);
    return add_wild_loss(p);
}

static Status check_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            status_set(STATUS_DIVERGED, "the word vectors are not finite");
            status_hint("lower pretrain.lr");
            return STATUS_DIVERGED;
        }
    }
    return STATUS_OK;
}

static void take_vectors(const Pretrain *p, WordVectors *out)
{
    const NgramConfig *ngrams = &p->job->ngrams;
    *out = (WordVectors){.n = p->V,
                         .dim = p->dim,
                         .ngram_min = ngrams->min,
                         .ngram_max = ngrams->max,
                         .ngram_buckets = ngrams->buckets};
    out->words = mem_alloc(p->V, sizeof *out->words);
    for (size_t i = 0; i < p->V; i++) {
        out->words[i] = corpus_word(p->job->corpus, i);
    }
    out->rows = mem_alloc(p->V * p->dim, sizeof *out->rows);
    memcpy(out->rows, p->table, p->V * p->dim * sizeof *out->rows);
    size_t n = out->ngram_buckets * p->dim;
    if (n > 0) {
        out->ngrams = mem_alloc(n, sizeof *out->ngrams);
        memcpy(out->ngrams, p->table + 2 * p->V * p->dim, n * sizeof *out->ngrams);
    }
}

Status pretrain_run(const PretrainJob *job, PretrainResult *out)
{
    Pretrain p = {0};
    PretrainResult result = {0};
    double cpu = clock_cpu_seconds();
    open_pretrain(&p, job);
    for (; p.epoch < job->config->epochs; p.epoch++) {
        result.loss = train_epoch(&p);
    }
    end_line(&p);
    result.words = p.total;
    result.seconds = clock_seconds() - p.began;
    result.cpu_seconds = clock_cpu_seconds() - cpu;
    Status status = check_finite(p.table, (2 * p.V + p.ngrams.n_buckets) * p.dim);
    if (status == STATUS_OK) {
        take_vectors(&p, &result.vectors);
        *out = result;
    }
    close_pretrain(&p);
    return status;
}

void pretrain_result_free(PretrainResult *result)
{
    word_vectors_free(&result->vectors);
}
