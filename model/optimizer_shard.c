/* Moments parted over ranks (ZeRO, stage 1: Rajbhandari et al. 2020): who has what, and
 * handing round the weights that moved. */
#include "base/mem.h"
#include "base/ranks.h"
#include "model/optimizer_parts.h"

#include <stdlib.h>
#include <string.h>

struct Shard {
    const Ranks *ranks;
    size_t *cut;    /* [size + 1] of the dense block */
    uint32_t *rows; /* [n_rows] of a table, touched in this step, in order */
    size_t n_rows;
    float *buffer;  /* weights of touched rows, by rank */
    size_t *place;  /* [size] where a rank's next row stands in the buffer */
    size_t *counts; /* [size] bytes of each rank */
    void *row_block, *buffer_block; /* allocations */
};

/* ---- who has what ---- */

/* Of a vectorised pass the last few elements may be computed otherwise than the rest: a
 * tensor is cut where a pass over all of it has whole vectors on both sides. */
enum { CUT_MULTIPLE = 64 };

static size_t size_of(const Param *param)
{
    return param->rows * (param->columns ? param->columns : 1);
}

static size_t cut_near(const ParamTable *table, size_t at)
{
    for (size_t i = 0; i < table->n; i++) {
        const Param *param = &table->items[i];
        if (param->block == BLOCK_DENSE && at >= param->offset &&
            at < param->offset + size_of(param)) {
            return at - (at - param->offset) % CUT_MULTIPLE;
        }
    }
    return at;
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

Shard *shard_open(const Classifier *model, const Ranks *ranks)
{
    const ParamTable *table = &model->table;
    size_t size = (size_t)ranks->size, H = (size_t)model->config.hidden;
    Shard *s = mem_zalloc(1, sizeof *s);
    s->ranks = ranks;
    s->cut = mem_alloc(size + 1, sizeof *s->cut);
    for (size_t r = 0; r <= size; r++) {
        s->cut[r] = cut_near(table, table->n_dense / size * r);
    }
    s->cut[size] = table->n_dense;
    /* Of memory that is not touched there may be as much as of the largest table. */
    size_t floats = most(table->n_words, table->n_ngrams);
    s->buffer = mem_zalloc_untouched(floats, sizeof *s->buffer, &s->buffer_block);
    s->rows = mem_zalloc_untouched(floats / H, sizeof *s->rows, &s->row_block);
    s->place = mem_alloc(size, sizeof *s->place);
    s->counts = mem_alloc(size, sizeof *s->counts);
    return s;
}

void shard_close(Shard *s)
{
    if (!s) {
        return;
    }
    free(s->cut);
    free(s->row_block);
    free(s->buffer_block);
    free(s->place);
    free(s->counts);
    free(s);
}

static size_t rows_of(const Shard *s, size_t n_rows, size_t rank)
{
    size_t size = (size_t)s->ranks->size;
    return n_rows > rank ? (n_rows - rank - 1) / size + 1 : 0;
}

static size_t floats_of(const Shard *s, size_t n, size_t H, size_t rank)
{
    return H > 0 ? rows_of(s, n / H, rank) * H : s->cut[rank + 1] - s->cut[rank];
}

size_t shard_floats(const Shard *s, size_t n, size_t H)
{
    return floats_of(s, n, H, (size_t)s->ranks->rank);
}

void shard_dense(const Shard *s, size_t *begin, size_t *end)
{
    *begin = s->cut[s->ranks->rank];
    *end = s->cut[s->ranks->rank + 1];
}

bool shard_takes_row(Shard *s, size_t row, size_t *own)
{
    size_t size = (size_t)s->ranks->size;
    s->rows[s->n_rows++] = (uint32_t)row;
    *own = row / size;
    return row % size == (size_t)s->ranks->rank;
}

/* ---- handing weights round ---- */

/* Another rank's weights arrive. */
static void take_weights(Optimizer *opt, ParamBlock kind, float *weights, size_t at,
                         const float *now, size_t n)
{
    if (opt->average) {
        weight_average_moved(opt->average, kind, at, weights + at, now, n);
    }
    memcpy(weights + at, now, n * sizeof *now);
}

/* What of [at, at + n) is in [from, to). */
static void take_range(Optimizer *opt, Classifier *model, const float *now,
                       const Param *param, size_t from, size_t to)
{
    size_t begin = param->offset, end = begin + size_of(param);
    begin = begin > from ? begin : from;
    end = end < to ? end : to;
    if (begin < end) {
        take_weights(opt, BLOCK_DENSE, model->dense, begin, now + begin, end - begin);
    }
}

void shard_share_dense(Optimizer *opt, Classifier *model, float *grad)
{
    const Shard *s = opt->shard;
    size_t begin, end;
    shard_dense(s, &begin, &end);
    for (int r = 0; r < s->ranks->size; r++) {
        s->counts[r] = (s->cut[r + 1] - s->cut[r]) * sizeof *grad;
    }
    memcpy(grad + begin, model->dense + begin, (end - begin) * sizeof *grad);
    s->ranks->gather(s->ranks->self, grad + begin, grad, s->counts);
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        if (param->block == BLOCK_DENSE && param->lr_scale != 0) {
            take_range(opt, model, grad, param, 0, begin);
            take_range(opt, model, grad, param, end, model->table.n_dense);
        }
    }
}

/* Where each rank's rows begin in the buffer, and their bytes. */
static void place_rows(Shard *s, size_t H)
{
    size_t size = (size_t)s->ranks->size, at = 0;
    memset(s->counts, 0, size * sizeof *s->counts);
    for (size_t i = 0; i < s->n_rows; i++) {
        s->counts[s->rows[i] % size] += H * sizeof *s->buffer;
    }
    for (size_t r = 0; r < size; r++) {
        s->place[r] = at;
        at += s->counts[r] / sizeof *s->buffer;
    }
}

void shard_share_rows(Optimizer *opt, const Block *block, size_t H)
{
    Shard *s = opt->shard;
    size_t size = (size_t)s->ranks->size, me = (size_t)s->ranks->rank;
    place_rows(s, H);
    float *mine = s->buffer + s->place[me], *to = mine;
    for (size_t i = 0; i < s->n_rows; i++) {
        if (s->rows[i] % size == me) {
            memcpy(to, block->weights + s->rows[i] * H, H * sizeof *to);
            to += H;
        }
    }
    s->ranks->gather(s->ranks->self, mine, s->buffer, s->counts);
    for (size_t i = 0; i < s->n_rows; i++) {
        size_t owner = s->rows[i] % size;
        if (owner != me) {
            take_weights(opt, block->kind, block->weights, s->rows[i] * H,
                         s->buffer + s->place[owner], H);
            s->place[owner] += H;
        }
    }
    s->n_rows = 0;
}

/* ---- all moments ---- */

void shard_take(const Shard *s, float *own, const float *whole, size_t n, size_t H)
{
    size_t rank = (size_t)s->ranks->rank, size = (size_t)s->ranks->size;
    if (H == 0) {
        memcpy(own, whole + s->cut[rank], shard_floats(s, n, H) * sizeof *own);
        return;
    }
    for (size_t row = rank; row < n / H; row += size) {
        mem_copy_changed(own + row / size * H, whole + row * H, H * sizeof *own);
    }
}

/* A rank's part comes to its place. */
static void put(const Shard *s, size_t rank, const float *part, float *whole, size_t n,
                size_t H)
{
    size_t size = (size_t)s->ranks->size;
    if (H == 0) {
        memcpy(whole + s->cut[rank], part, floats_of(s, n, H, rank) * sizeof *part);
        return;
    }
    for (size_t row = rank; row < n / H; row += size) {
        mem_copy_changed(whole + row * H, part + row / size * H, H * sizeof *part);
    }
}

void shard_gather(const Shard *s, const float *own, float *whole, size_t n, size_t H)
{
    const Ranks *ranks = s->ranks;
    if (ranks->rank != 0) {
        ranks->exchange(ranks->self, 0, own, shard_floats(s, n, H) * sizeof *own, NULL,
                        0);
        return;
    }
    put(s, 0, own, whole, n, H);
    for (int r = 1; r < ranks->size; r++) {
        size_t floats = floats_of(s, n, H, (size_t)r);
        float *part = mem_alloc(floats + 1, sizeof *part);
        ranks->exchange(ranks->self, r, NULL, 0, part, floats * sizeof *part);
        put(s, (size_t)r, part, whole, n, H);
        free(part);
    }
}
