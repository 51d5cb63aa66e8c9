/* What can be said about ranks without MPI: the tree sum, agreeing, sharing out. */
#include "base/ranks.h"

#include "base/bf16.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void single_broadcast(void *self, void *bytes, size_t n)
{
    (void)self;
    (void)bytes;
    (void)n;
}

static void single_gather(void *self, const void *mine, void *all, const size_t *counts)
{
    (void)self;
    if (mine != all) {
        memmove(all, mine, counts[0]);
    }
}

static void single_exchange(void *self, int partner, const void *send, size_t send_n,
                            void *recv, size_t recv_n)
{
    (void)self;
    (void)partner;
    (void)send;
    (void)send_n;
    (void)recv;
    (void)recv_n;
}

static void single_wait(void *self)
{
    (void)self;
}

static int single_max(void *self, int value)
{
    (void)self;
    return value;
}

static bool single_try_gather(void *self, const void *mine, void *all, size_t n)
{
    (void)self;
    memmove(all, mine, n);
    return true;
}

static void single_split(void *self, int color, Ranks *out)
{
    (void)self;
    (void)color;
    *out = ranks_single;
}

static void single_leave(void *self)
{
    (void)self;
}

static void single_abort(void *self, int code)
{
    (void)self;
    _exit(code);
}

const Ranks ranks_single = {
    .rank = 0,
    .size = 1,
    .broadcast = single_broadcast,
    .gather = single_gather,
    .exchange = single_exchange,
    .max = single_max,
    .wait = single_wait,
    .try_gather = single_try_gather,
    .split = single_split,
    .leave = single_leave,
    .abort = single_abort,
};

static void add_into(float *restrict x, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] += y[i];
    }
}

static void add_bf16(float *restrict x, const uint16_t *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = bf16_round(x[i] + bf16_float(y[i]));
    }
}

/* A stretch of the numbers being summed. */
typedef struct Stretch {
    size_t begin, end;
} Stretch;

static size_t length(Stretch s)
{
    return s.end - s.begin;
}

/* How numbers travel: as they are, or as halves. */
typedef struct Wire {
    const Ranks *ranks;
    float *x, *scratch; /* [n] */
    bool bf16;
} Wire;

/* Sends x[give] to a partner and adds what comes to x[keep]. */
static void exchange_and_add(const Wire *w, int partner, Stretch give, Stretch keep)
{
    const Ranks *ranks = w->ranks;
    if (!w->bf16) {
        ranks->exchange(ranks->self, partner, w->x + give.begin,
                        length(give) * sizeof *w->x, w->scratch,
                        length(keep) * sizeof *w->x);
        add_into(w->x + keep.begin, w->scratch, length(keep));
        return;
    }
    uint16_t *out = (uint16_t *)w->scratch, *in = out + length(give);
    bf16_pack(out, w->x + give.begin, length(give));
    ranks->exchange(ranks->self, partner, out, length(give) * sizeof *out, in,
                    length(keep) * sizeof *in);
    add_bf16(w->x + keep.begin, in, length(keep));
}

/* Sends x[mine], which is summed, to a partner and takes x[theirs]. */
static void exchange_sums(const Wire *w, int partner, Stretch mine, Stretch theirs)
{
    const Ranks *ranks = w->ranks;
    float *to = w->x + theirs.begin;
    if (!w->bf16) {
        ranks->exchange(ranks->self, partner, w->x + mine.begin,
                        length(mine) * sizeof *to, to, length(theirs) * sizeof *to);
        return;
    }
    uint16_t *out = (uint16_t *)w->scratch;
    bf16_pack(out, w->x + mine.begin, length(mine));
    ranks->exchange(ranks->self, partner, out, length(mine) * sizeof *out, to,
                    length(theirs) * sizeof *out);
    bf16_unpack_in_place(to, length(theirs));
}

/* Recursive halving: at distance d a rank keeps one half of its range and sends the other
 * to rank ^ d, so element i is summed as ((r0+r1)+(r2+r3))+..., on one rank. Then the
 * same way back. a + b == b + a in floating point, so it does not matter which partner
 * adds. */
static void sum_by_halving(const Wire *w, size_t n)
{
    const Ranks *ranks = w->ranks;
    Stretch outer[32], mine = {0, n};
    int level = 0;
    for (int d = 1; d < ranks->size; d *= 2, level++) {
        int partner = ranks->rank ^ d;
        size_t middle = mine.begin + length(mine) / 2;
        Stretch low = {mine.begin, middle}, high = {middle, mine.end};
        outer[level] = mine;
        mine = ranks->rank < partner ? low : high;
        exchange_and_add(w, partner, ranks->rank < partner ? high : low, mine);
    }
    while (level-- > 0) {
        int partner = ranks->rank ^ (1 << level);
        Stretch theirs = ranks->rank < partner
                             ? (Stretch){mine.end, outer[level].end}
                             : (Stretch){outer[level].begin, mine.begin};
        exchange_sums(w, partner, mine, theirs);
        mine = outer[level];
    }
}

static void sum_in_order(const Wire *w, size_t n)
{
    const Ranks *ranks = w->ranks;
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    size_t item = w->bf16 ? sizeof(uint16_t) : sizeof(float);
    for (int r = 0; r < ranks->size; r++) {
        counts[r] = n * item;
    }
    char *all = mem_alloc(n * (size_t)ranks->size + 1, item);
    const void *mine = w->x;
    if (w->bf16) {
        bf16_pack((uint16_t *)w->scratch, w->x, n);
        mine = w->scratch;
    }
    ranks->gather(ranks->self, mine, all, counts);
    memcpy(w->x, all, n * item);
    if (w->bf16) {
        bf16_unpack_in_place(w->x, n);
    }
    for (int r = 1; r < ranks->size; r++) {
        const char *part = all + (size_t)r * n * item;
        if (w->bf16) {
            add_bf16(w->x, (const uint16_t *)part, n);
        } else {
            add_into(w->x, (const float *)part, n);
        }
    }
    free(all);
    free(counts);
}

static void sum_tree(const Wire *w, size_t n)
{
    int size = w->ranks->size;
    if (size == 1) {
        return;
    }
    if ((size & (size - 1)) == 0) {
        sum_by_halving(w, n);
    } else {
        sum_in_order(w, n);
    }
}

void ranks_sum_tree(const Ranks *ranks, float *x, size_t n, float *scratch)
{
    sum_tree(&(Wire){ranks, x, scratch, false}, n);
}

void ranks_sum_tree_bf16(const Ranks *ranks, float *x, size_t n, float *scratch)
{
    sum_tree(&(Wire){ranks, x, scratch, true}, n);
}

void ranks_broadcast_from(const Ranks *ranks, int from, void *bytes, size_t n)
{
    size_t *counts = mem_zalloc((size_t)ranks->size, sizeof *counts);
    counts[from] = n;
    ranks->gather(ranks->self, bytes, bytes, counts);
    free(counts);
}

void ranks_broadcast_text(const Ranks *ranks, char **text)
{
    uint64_t n = *text ? strlen(*text) + 1 : 0;
    ranks->broadcast(ranks->self, &n, sizeof n);
    if (ranks->rank != 0) {
        *text = n > 0 ? mem_alloc(n, 1) : NULL;
    }
    if (n > 0) {
        ranks->broadcast(ranks->self, *text, n);
    }
}

/* What a rank has to say of its failure. */
typedef struct StatusWords {
    int status;
    char message[2048], hint[2048];
} StatusWords;

static Status take_words(const Ranks *ranks, int from, StatusWords *words)
{
    ranks_broadcast_from(ranks, from, words, sizeof *words);
    if (words->status != STATUS_OK) {
        status_set((Status)words->status, "%s", words->message);
        if (*words->hint) {
            status_hint("%s", words->hint);
        }
    }
    return (Status)words->status;
}

Status ranks_take_status(const Ranks *ranks, int from, Status mine)
{
    StatusWords words = {.status = (int)mine};
    snprintf(words.message, sizeof words.message, "%s", status_message());
    snprintf(words.hint, sizeof words.hint, "%s", status_hint_text());
    return take_words(ranks, from, &words);
}

Status ranks_agree(const Ranks *ranks, Status mine)
{
    if (ranks->size == 1) {
        return mine;
    }
    Status worst = (Status)ranks->max(ranks->self, (int)mine);
    if (worst == STATUS_OK) {
        return STATUS_OK;
    }
    /* Rank 0 prints for all when it failed itself; otherwise the lowest failed rank must
     * be heard, so it hands its words to rank 0. */
    int first = -ranks->max(ranks->self, mine == worst ? -ranks->rank : -ranks->size);
    StatusWords words = {.status = (int)worst};
    if (ranks->rank == first) {
        char host[256] = "?";
        gethostname(host, sizeof host - 1);
        if (first == 0) {
            snprintf(words.message, sizeof words.message, "%s", status_message());
        } else {
            snprintf(words.message, sizeof words.message, "[rank %d host %.64s] %.1800s",
                     first, host, status_message());
        }
        snprintf(words.hint, sizeof words.hint, "%s", status_hint_text());
    }
    return take_words(ranks, first, &words);
}

void ranks_share(const Ranks *ranks, size_t n, size_t *begin, size_t *end)
{
    size_t rank = (size_t)ranks->rank, size = (size_t)ranks->size;
    *begin = n * rank / size;
    *end = n * (rank + 1) / size;
}
