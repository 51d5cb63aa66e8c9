/* The program that tests/trainer/test_launch.c starts: a supervisor when called with
 * --ranks, else a rank that does what its arguments say. */
#include "base/log.h"
#include "base/text.h"
#include "trainer/launch.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void catch_signal(int signal_number)
{
    caught = signal_number;
}

/* Says that it is ready, waits, and ends as `train` would. */
static int wait_for_signal(int rank)
{
    if (rank == 0) {
        fprintf(stderr, "ready\n");
    }
    for (int i = 0; i < 3000 && !caught; i++) {
        usleep(10000);
    }
    MPI_Barrier(MPI_COMM_WORLD); /* every rank got it */
    return caught == SIGINT ? 130 : caught == SIGTERM || caught == SIGUSR1 ? 75 : 1;
}

static int copy_input(int rank)
{
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, stdin)) > 0) {
        printf("rank %d: ", rank);
        fwrite(block, 1, n, stdout);
    }
    return 0;
}

static void stay(void)
{
    fprintf(stderr, "pid %d\n", (int)getpid());
    for (;;) {
        pause();
    }
}

static int act(int rank, char **argv)
{
    const char *mode = argv[1];
    if (strcmp(mode, "exit") == 0) {
        return atoi(argv[2]);
    }
    if (strcmp(mode, "exit-one") == 0) {
        return rank == 1 ? atoi(argv[2]) : 0;
    }
    if (strcmp(mode, "abort") == 0 && rank == 1) {
        MPI_Abort(MPI_COMM_WORLD, atoi(argv[2]));
    }
    if (strcmp(mode, "crash") == 0 && rank == 1) {
        raise(SIGKILL);
    }
    if (strcmp(mode, "stuck") == 0 || strcmp(mode, "abort") == 0 ||
        strcmp(mode, "crash") == 0) {
        stay();
    }
    if (strcmp(mode, "print") == 0 && rank == 0) {
        fprintf(stderr, "1/2\r");
        fprintf(stdout, "tty %d %d\n", isatty(1), isatty(2));
        fprintf(stderr, "2/2\nargs");
        for (int i = 2; argv[i]; i++) {
            fprintf(stderr, " <%s>", argv[i]);
        }
        fprintf(stderr, "\n");
    }
    return strcmp(mode, "input") == 0    ? copy_input(rank)
           : strcmp(mode, "signal") == 0 ? wait_for_signal(rank)
                                         : 0;
}

static int run_rank(int argc, char **argv)
{
    int rank;
    if (strcmp(argv[1], "plain") == 0) { /* MPI does not know it and so cannot end it */
        stay();
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    /* Whatever MPI's start had installed, ours come after it. */
    if (strcmp(argv[1], "signal") == 0) {
        signal(SIGINT, catch_signal);
        signal(SIGTERM, catch_signal);
        signal(SIGUSR1, catch_signal);
        MPI_Barrier(MPI_COMM_WORLD);
    } else {
        signal(SIGINT, SIG_IGN);
    }
    int code = act(rank, argv);
    MPI_Finalize();
    return code;
}

int main(int argc, char **argv)
{
    if (!getenv("LAUNCH_TEST_DETACHED")) { /* as a rank on another node */
        launch_attach();
    }
    long long n_ranks;
    if (argc > 2 && strcmp(argv[1], "--ranks") == 0 && text_to_int(argv[2], &n_ranks)) {
        int code = 0;
        Status status = launch_run((int)n_ranks, argv, &code);
        if (status != STATUS_OK) {
            log_status();
        }
        return status == STATUS_OK || (int)status == code ? code : 99;
    }
    return argc > 1 ? run_rank(argc, argv) : 2;
}
