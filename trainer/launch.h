/* `--ranks N`: starts mpirun as a child that runs this program again on N ranks, and
 * supervises it.
 *
 * The program's own streams reach its ranks as they are: a rank that calls launch_attach
 * gets the very stdout and stderr of the command the user typed (and rank 0 its stdin),
 * so a terminal stays a terminal and a full disk is noticed. What mpirun itself has to
 * say is held back unless the job never started. Signals go straight to the ranks. This
 * file knows nothing of MPI's interface, only of how its launchers are called;
 * trainer/comm.c has the rest. */
#ifndef MUSTER_TRAINER_LAUNCH_H
#define MUSTER_TRAINER_LAUNCH_H

#include "base/status.h"

#include <stdbool.h>

typedef enum LauncherKind {
    LAUNCHER_NONE,    /* started by hand: one rank */
    LAUNCHER_MUSTER,  /* by launch_run */
    LAUNCHER_OPENMPI, /* by mpirun of Open MPI */
    LAUNCHER_PMI,     /* by mpirun or mpiexec of MPICH and its relatives */
    LAUNCHER_SLURM    /* by srun */
} LauncherKind;

typedef struct Launcher {
    LauncherKind kind;
    const char *name; /* "mpirun", "srun"; "" for LAUNCHER_NONE */
    int size;         /* tasks it started, 0 when it does not say */
    int rank;         /* this one's number as the launcher counts */
} Launcher;

/* Under which launcher this process runs, read from its environment. When MPI reports a
 * world of one rank and `size` is larger, the launcher and the MPI library do not know
 * each other (for srun: `srun --mpi=pmix`). */
Launcher launch_detect(void);

/* To be called first in main(), before anything is read or printed: in a rank started by
 * launch_run it takes over the user's streams and ties the rank's life to the
 * supervisor's. Does nothing elsewhere. */
void launch_attach(void);

/* Runs this program with the arguments `argv` (argv[0] first, NULL last; `--ranks N` is
 * left out) on `n_ranks` ranks and waits for the end. Works as root and with fewer cores
 * than ranks. SIGINT, SIGTERM and SIGUSR1 are passed on to every rank; a second SIGINT
 * ends them at once.
 *
 * *exit_code becomes what this process should end with: the first non-zero code of any
 * rank, 130 after a second SIGINT, 128+n when a rank was killed by a signal. A Status
 * other than STATUS_OK says that the job could not be started or that a rank was killed;
 * the message tells which (exit_code is set then too). STATUS_USAGE when this process is
 * a rank already, STATUS_NOT_FOUND when there is no mpirun. */
Status launch_run(int n_ranks, char *const argv[], int *exit_code);

#endif
