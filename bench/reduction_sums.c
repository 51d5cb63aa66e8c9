/* The ordered tree sum over ranks against a plain MPI_Allreduce, which promises no order.
 * bench/reduction runs it beside training steps.
 *
 *     mpirun -n N reduction_sums ROUNDS FLOATS
 *
 * Each round does one of each, the order changing; prints the medians over the rounds of
 * the slowest rank's clock time, in microseconds, as a JSON object. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "trainer/comm.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { WARMUP = 10 };

static void plain_sum(float *x, size_t n)
{
    MPI_Allreduce(MPI_IN_PLACE, x, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

/* Microseconds of the slowest rank. */
static double timed(const Ranks *ranks, bool tree, float *x, size_t n, float *scratch)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double before = clock_seconds(), slowest;
    if (tree) {
        ranks_sum_tree(ranks, x, n, scratch);
    } else {
        plain_sum(x, n);
    }
    double took = 1e6 * (clock_seconds() - before);
    MPI_Allreduce(&took, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return slowest;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static void measure(const Ranks *ranks, size_t rounds, size_t n, double medians[2])
{
    float *x = mem_zalloc_aligned(n, sizeof *x);
    float *scratch = mem_zalloc_aligned(n, sizeof *scratch);
    double *times[2] = {mem_alloc(rounds, sizeof **times),
                        mem_alloc(rounds, sizeof **times)};
    for (size_t i = 0; i < rounds + WARMUP; i++) {
        for (size_t k = 0; k < 2; k++) {
            bool tree = (i + k) % 2;
            double took = timed(ranks, tree, x, n, scratch);
            if (i >= WARMUP) {
                times[tree][i - WARMUP] = took;
            }
        }
    }
    for (size_t k = 0; k < 2; k++) {
        medians[k] = median(times[k], rounds);
        free(times[k]);
    }
    free(x);
    free(scratch);
}

static void print(const Ranks *ranks, const double medians[2])
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    json_write_key(&w, "ranks");
    json_write_int(&w, ranks->size);
    json_write_key(&w, "plain_us");
    json_write_double(&w, medians[0]);
    json_write_key(&w, "tree_us");
    json_write_double(&w, medians[1]);
    json_end_object(&w);
    puts(out.p);
    strbuf_free(&out);
}

int main(int argc, char **argv)
{
    Ranks ranks;
    long rounds = argc == 3 ? atol(argv[1]) : 0, n = argc == 3 ? atol(argv[2]) : 0;
    if (rounds < 1 || n < 1) {
        fprintf(stderr, "usage: mpirun -n N reduction_sums ROUNDS FLOATS\n");
        return STATUS_USAGE;
    }
    if (comm_open(&ranks) != STATUS_OK) {
        return STATUS_FAILED;
    }
    double medians[2];
    measure(&ranks, (size_t)rounds, (size_t)n, medians);
    if (ranks.rank == 0) {
        print(&ranks, medians);
    }
    comm_close();
    return STATUS_OK;
}
