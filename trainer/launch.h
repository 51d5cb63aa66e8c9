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

/* srun that starts several tasks without a plugin by which an MPI could bring them
 * together: each would be rank 0 of 1. */
bool launch_is_deaf(const Launcher *launcher);

/* To be called first in main(), before anything is read or printed: in a rank started by
 * launch_run it takes over the user's streams and ties the rank's life to the
 * supervisor's. Does nothing elsewhere. */
void launch_attach(void);

/* What a rank lets its supervisor know. */
typedef enum LaunchWord {
    LAUNCH_POLICY = 1, /* "MAX_FAILURES HANG_TIMEOUT_S", once the config is read */
    LAUNCH_RUN,        /* "RUN_ID\nSTORE_URI", once the run exists */
    LAUNCH_RECORDED,   /* how the run ended stands in its store */
    LAUNCH_DIED,       /* a rank has vanished, in words; its launcher may know more */
    LAUNCH_HUNG,       /* a rank hangs or has left, in words: what is to be said */
    LAUNCH_GOODBYE     /* this rank ends in order */
} LaunchWord;

/* False, and nothing done, when no supervisor is there to hear it. Any thread. */
bool launch_tell(LaunchWord word, const char *text);

/* The first mpirun on PATH that starts programs of our MPI, MPICH's where that is it;
 * NULL when there is none. Free with free(). */
char *launch_find_mpirun(void);

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

/* What came of a job, for those who may start it again. */
typedef struct LaunchReport {
    int exit_code;
    bool by_user;             /* signals were passed on */
    bool broken;              /* a rank died, hung or left: nobody ended it in order */
    int max_failures;         /* the config's, as far as it was read */
    char *run_id, *store_uri; /* of the run that was made, or NULL */
    bool recorded;            /* how it ended stands there */
} LaunchReport;

/* launch_run that tells more; a broken job's Status message names the rank. Free the
 * report with launch_report_free, also after a failure. */
Status launch_supervise(int n_ranks, char *const argv[], LaunchReport *report);
void launch_report_free(LaunchReport *report);

#endif
