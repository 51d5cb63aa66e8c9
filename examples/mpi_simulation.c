/* An MPI program that logs one run from rank 0: heat in a rod whose ends are kept cold,
 * explicit finite differences, the rod cut into one piece a rank.
 *
 *     mpicc mpi_simulation.c -o mpi_simulation $(pkg-config --cflags --libs muster-track)
 * -lm mpirun -n 2 ./mpi_simulation muster runs show last
 *
 * What was added to the program for that stands between lines "tracking". The other ranks
 * never hear of it, and no step waits for it. */
#include <mpi.h>
#include <muster/tracker.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CELLS = 512, STEPS = 2000, REPORT_EVERY = 10 };

static const double PI = 3.14159265358979323846, RATE = 0.4; /* D dt / dx^2, stable */

typedef struct Rod {
    int rank, size;
    int n;           /* cells here; [1 .. n] are ours, 0 and n + 1 the neighbours' */
    double *u, *new; /* [n + 2] */
} Rod;

static void rod_init(Rod *rod)
{
    MPI_Comm_rank(MPI_COMM_WORLD, &rod->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &rod->size);
    int first = CELLS * rod->rank / rod->size;
    rod->n = CELLS * (rod->rank + 1) / rod->size - first;
    rod->u = calloc((size_t)rod->n + 2, sizeof *rod->u);
    rod->new = calloc((size_t)rod->n + 2, sizeof *rod->new);
    if (!rod->u || !rod->new) {
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    for (int i = 1; i <= rod->n; i++) {
        rod->u[i] = sin(PI * (first + i - 0.5) / CELLS);
    }
}

/* The cells beside a cold end mirror it, so that the end itself stays at 0. */
static void exchange(Rod *rod)
{
    int left = rod->rank > 0 ? rod->rank - 1 : MPI_PROC_NULL;
    int right = rod->rank + 1 < rod->size ? rod->rank + 1 : MPI_PROC_NULL;
    double *u = rod->u;
    int n = rod->n;
    u[0] = -u[1];
    u[n + 1] = -u[n];
    MPI_Sendrecv(&u[n], 1, MPI_DOUBLE, right, 0, &u[0], 1, MPI_DOUBLE, left, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(&u[1], 1, MPI_DOUBLE, left, 1, &u[n + 1], 1, MPI_DOUBLE, right, 1,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void step(Rod *rod)
{
    exchange(rod);
    for (int i = 1; i <= rod->n; i++) {
        rod->new[i] = rod->u[i] + RATE *(rod->u[i - 1] - 2 * rod->u[i] + rod->u[i + 1]);
    }
    double *old = rod->u;
    rod->u = rod->new;
    rod->new = old;
}

static double mean_temperature(const Rod *rod)
{
    double sum = 0, all = 0;
    for (int i = 1; i <= rod->n; i++) {
        sum += rod->u[i];
    }
    MPI_Reduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    return all / CELLS;
}

/* ---- tracking ---- */

/* NULL on the other ranks, and when there is no store: the simulation is worth having
 * without. Every muster_run_log_... call takes NULL for an answer. */
static MusterRun *start_run(const Rod *rod)
{
    MusterRun *run = NULL;
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.experiment_name = "heat-equation";
    options.n_ranks = rod->size;
    if (rod->rank == 0 && muster_run_start(&options, &run) != MUSTER_OK) {
        fprintf(stderr, "not tracked: %s\n", muster_status_message());
    }
    if (run) {
        muster_run_log_param_int(run, "cells", CELLS);
        muster_run_log_param_int(run, "steps", STEPS);
        muster_run_log_param_double(run, "rate", RATE);
    }
    return run;
}

/* ---- tracking ---- */

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    Rod rod;
    rod_init(&rod);
    MusterRun *run = start_run(&rod); /* tracking */
    double mean = mean_temperature(&rod), before = MPI_Wtime();
    for (int i = 1; i <= STEPS; i++) {
        step(&rod);
        if (i % REPORT_EVERY == 0) {
            mean = mean_temperature(&rod);
            if (run) { /* tracking */
                muster_run_log_metric(run, "mean_temperature", mean, i);
                muster_run_log_metric(run, "steps_per_s", i / (MPI_Wtime() - before), i);
            }
        }
    }
    int wrong = 0;
    if (rod.rank == 0) {
        /* The first mode decays by this factor a step; the mean of the sine is 2 / pi. */
        double decay = 1 - 4 * RATE * pow(sin(PI / (2 * CELLS)), 2);
        double expected = pow(decay, STEPS) / (CELLS * sin(PI / (2 * CELLS)));
        wrong = !(fabs(mean / expected - 1) < 1e-9);
        printf("mean temperature after %d steps on %d ranks: %.12f (expected %.12f)\n",
               STEPS, rod.size, mean, expected);
        MusterRunStatus how =
            wrong ? MUSTER_RUN_FAILED : MUSTER_RUN_FINISHED; /* tracking */
        if (muster_run_end(run, how) != MUSTER_OK) {
            fprintf(stderr, "%s\n", muster_status_message());
            wrong = 1;
        }
    }
    free(rod.u);
    free(rod.new);
    MPI_Finalize();
    return wrong;
}
