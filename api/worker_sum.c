/* Shares and sums. */
#include "api/worker.h"

#include "base/mem.h"
#include "trainer/gradient_sum.h"

#include <stdlib.h>
#include <string.h>

struct MusterSum {
    const Ranks *ranks;
    GradientSum sum;
    size_t n_values, n_leaves;
    bool open; /* a sum has been begun */
    bool leaf; /* and a leaf of it is being filled */
};

void muster_worker_rows(const MusterWorker *worker, size_t n, size_t *first, size_t *last)
{
    ranks_share(worker->ranks, n, first, last);
}

void muster_worker_all_reduce(MusterWorker *worker, float *x, size_t n)
{
    float *scratch = mem_alloc(n, sizeof *scratch);
    ranks_sum_tree(worker->ranks, x, n, scratch);
    free(scratch);
}

void muster_worker_broadcast(MusterWorker *worker, void *bytes, size_t n)
{
    worker->ranks->broadcast(worker->ranks->self, bytes, n);
}

MusterStatus muster_sum_open(MusterWorker *worker, size_t n_values, size_t n_leaves,
                             MusterSum **out)
{
    size_t size = (size_t)worker->ranks->size;
    if (n_leaves == 0 || (n_leaves & (n_leaves - 1)) || n_leaves >= 1 << SUM_DEPTH) {
        return status_set(STATUS_USAGE,
                          "muster_sum_open: %zu leaves: expected 1, 2, 4, "
                          "... 32768",
                          n_leaves);
    }
    if (n_leaves < size) {
        return status_set(STATUS_USAGE, "muster_sum_open: %zu leaves for %zu ranks",
                          n_leaves, size);
    }
    MusterSum *sum = mem_zalloc(1, sizeof *sum);
    sum->ranks = worker->ranks;
    sum->n_values = n_values;
    sum->n_leaves = n_leaves;
    gradient_sum_init(&sum->sum, n_values, 1);
    *out = sum;
    return MUSTER_OK;
}

void muster_sum_close(MusterSum *sum)
{
    if (sum) {
        gradient_sum_free(&sum->sum);
        free(sum);
    }
}

void muster_sum_leaves(const MusterSum *sum, size_t *first, size_t *last)
{
    ranks_share(sum->ranks, sum->n_leaves, first, last);
}

/* The first n % n_leaves leaves have a row more. */
void muster_sum_rows(const MusterSum *sum, size_t n, size_t leaf, size_t *begin,
                     size_t *end)
{
    size_t each = n / sum->n_leaves, rest = n % sum->n_leaves;
    *begin = leaf * each + (leaf < rest ? leaf : rest);
    *end = *begin + each + (leaf < rest ? 1 : 0);
}

float *muster_sum_next(MusterSum *sum)
{
    if (!sum->open) {
        gradient_sum_begin(&sum->sum);
        sum->open = true;
    } else if (sum->leaf) {
        gradient_sum_push(&sum->sum);
    }
    PartialSum *part = gradient_sum_next(&sum->sum);
    memset(part->dense, 0, sum->n_values * sizeof *part->dense);
    part->words.n = 0;
    sum->leaf = true;
    return part->dense;
}

const float *muster_sum_finish(MusterSum *sum)
{
    if (sum->leaf) {
        gradient_sum_push(&sum->sum);
    }
    sum->open = sum->leaf = false;
    return gradient_sum_finish(&sum->sum, sum->ranks)->dense;
}
