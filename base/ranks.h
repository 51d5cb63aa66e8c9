/* The ranks of a job as everyone below MPI sees them: a handful of verbs.
 *
 * trainer/comm.c gives the MPI instance; `ranks_single` is the job of one rank. Every
 * verb is Collective unless it says Local: all ranks call it, in the same order. */
#ifndef MUSTER_BASE_RANKS_H
#define MUSTER_BASE_RANKS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Ranks {
    int rank; /* this one, 0 .. size-1 */
    int size; /* world size */
    void *self;

    /* Every rank gets rank 0's bytes. */
    void (*broadcast)(void *self, void *bytes, size_t n);

    /* Concatenates every rank's bytes in rank order into `all` on every rank; counts[r]
     * is rank r's share and the same on all ranks. */
    void (*gather)(void *self, const void *mine, void *all, const size_t *counts);

    /* Local to a pair: sends `send_n` bytes to `partner` while receiving `recv_n` from
     * it. */
    void (*exchange)(void *self, int partner, const void *send, size_t send_n, void *recv,
                     size_t recv_n);

    /* The largest `value` of any rank. */
    int (*max)(void *self, int value);

    /* Returns when every rank has called it; those that wait leave the processor to
     * others. For waits of seconds: it costs a millisecond. */
    void (*wait)(void *self);

    /* A gather of `n` bytes a rank that nobody waits for. The first call of a round
     * begins it with `mine`; true once all ranks have begun it and `all` [size * n] holds
     * what each passed then, the same on every rank. The next call begins another round.
     * All ranks begin as many rounds, and end them before they leave. Local. */
    bool (*try_gather)(void *self, const void *mine, void *all, size_t n);

    /* The ranks that pass the same `color` (0 or more) become a job of their own, in
     * their order, until each calls `leave` on it. */
    void (*split)(void *self, int color, struct Ranks *out);

    /* Gives up what `split` gave. */
    void (*leave)(void *self);

    /* Ends every rank of the whole job with this exit code; does not return. Local. */
    void (*abort)(void *self, int code);
} Ranks;

/* The job of one rank; static storage. */
extern const Ranks ranks_single;

/* x[i] = the sum of all ranks' x[i], added in one binary tree over the ranks in order, so
 * that with the leaves of a power of two ranks the sum has the same bits however many
 * ranks they were spread on (recursive halving, then doubling). For other sizes: rank 0's
 * plus rank 1's plus ..., the same bits for that size. `scratch` has room for n floats.
 */
void ranks_sum_tree(const Ranks *ranks, float *x, size_t n, float *scratch);

/* The same for numbers that are bf16 (base/bf16.h): every sum of two is rounded to bf16,
 * and two bytes a number travel. */
void ranks_sum_tree_bf16(const Ranks *ranks, float *x, size_t n, float *scratch);

/* Collective: all ranks leave with the worst status of any. The rank that had it prints
 * its own message ("[rank 3 host n2]") unless it is rank 0, whose caller prints. */
Status ranks_agree(const Ranks *ranks, Status mine);

/* All ranks leave with the status, message and hint of rank `from`. Collective. */
Status ranks_take_status(const Ranks *ranks, int from, Status mine);

/* Every rank gets rank `from`'s bytes. Collective. */
void ranks_broadcast_from(const Ranks *ranks, int from, void *bytes, size_t n);

/* Every rank gets rank 0's text, NULL too; what the others had there is not freed. On
 * ranks other than 0 free with free(). Collective. */
void ranks_broadcast_text(const Ranks *ranks, char **text);

/* The half-open share [begin, end) of `n` items that `rank` works on. Local. */
void ranks_share(const Ranks *ranks, size_t n, size_t *begin, size_t *end);

#endif
