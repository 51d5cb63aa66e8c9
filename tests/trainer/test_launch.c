/* --ranks under the real mpirun: exit codes, streams, signals, and that nothing of
 * mpirun's shows or stays behind. */
#include "trainer/launch.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/launch_notices.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const double PATIENCE_S = 30;

/* One run of the program; its output stands in files of `dir`. */
typedef struct Job {
    char dir[64];
    char *out_path, *err_path;
    pid_t pid;
    StrBuf out, err;
} Job;

static void start(Job *job, const char *input, const char *const *args)
{
    *job = (Job){.dir = "/tmp/test_launch_XXXXXX"};
    assert_non_null(mkdtemp(job->dir));
    job->out_path = path_join(job->dir, "out");
    job->err_path = path_join(job->dir, "err");
    char *in_path = path_join(job->dir, "in");
    assert_int_equal(file_write(in_path, input, strlen(input)), STATUS_OK);
    job->pid = fork();
    assert_true(job->pid >= 0);
    if (job->pid == 0) {
        const int flags = O_WRONLY | O_CREAT | O_TRUNC;
        dup2(open(in_path, O_RDONLY), 0);
        dup2(open(job->out_path, flags, 0600), 1);
        dup2(open(job->err_path, flags, 0600), 2);
        char *argv[16] = {(char *)(uintptr_t)LAUNCH_PROGRAM};
        for (size_t i = 0; args[i]; i++) {
            argv[i + 1] = (char *)(uintptr_t)args[i];
        }
        setpgid(0, 0);
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* MPI keeps some to the end */
        execv(LAUNCH_PROGRAM, argv);
        _exit(126);
    }
    free(in_path);
}

static void read_output(Job *job)
{
    strbuf_free(&job->out);
    strbuf_free(&job->err);
    file_read(job->out_path, 1 << 20, STATUS_FAILED, &job->out);
    file_read(job->err_path, 1 << 20, STATUS_FAILED, &job->err);
}

/* Waits until `text` stands `times` times in the program's stderr. */
static void wait_for(Job *job, const char *text, int times)
{
    for (double end = clock_seconds() + PATIENCE_S; clock_seconds() < end;) {
        read_output(job);
        int found = 0;
        for (const char *p = job->err.p; p && (p = strstr(p, text)); p++) {
            found++;
        }
        if (found >= times) {
            return;
        }
        usleep(10000);
    }
    fail_msg("\"%s\" never came; stderr: %s", text, job->err.p);
}

static int finish(Job *job)
{
    int status = 0;
    for (double end = clock_seconds() + PATIENCE_S;;) {
        pid_t pid = waitpid(job->pid, &status, WNOHANG);
        if (pid == job->pid) {
            break;
        }
        if (clock_seconds() > end) {
            kill(job->pid, SIGKILL);
            waitpid(job->pid, &status, 0);
            fail_msg("the job did not end");
        }
        usleep(5000);
    }
    read_output(job);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void job_free(Job *job)
{
    tree_remove(job->dir);
    free(job->out_path);
    free(job->err_path);
    strbuf_free(&job->out);
    strbuf_free(&job->err);
}

static void assert_ends(const char *const *args, int code, const char *err)
{
    Job job;
    start(&job, "", args);
    int found = finish(&job);
    assert_string_equal(job.err.p, err);
    assert_int_equal(found, code);
    job_free(&job);
}

#define ARGS(...) ((const char *const[]){"--ranks", __VA_ARGS__, NULL})

static void test_exit_codes_become_ours_in_silence(void **state)
{
    (void)state;
    assert_ends(ARGS("2", "exit", "0"), 0, "");
    assert_ends(ARGS("2", "exit", "3"), 3, "");
    assert_ends(ARGS("2", "exit", "75"), 75, "");
    assert_ends(ARGS("2", "exit", "130"), 130, "");
    assert_ends(ARGS("2", "exit-one", "9"), 9, "");
}

static void test_more_ranks_than_cores(void **state)
{
    (void)state;
    assert_ends(ARGS("5", "exit", "0"), 0, "");
}

static void test_streams_pass_unchanged(void **state)
{
    (void)state;
    Job job;
    start(&job, "",
          ARGS("2", "print", "--ranks=7", "a b", "--ranks", "9", "--", "--ranks", "4"));
    assert_int_equal(finish(&job), 0);
    assert_string_equal(job.err.p, "1/2\r2/2\nargs <a b> <--> <--ranks> <4>\n");
    assert_string_equal(job.out.p, "tty 0 0\n");
    job_free(&job);
}

static void test_rank_0_reads_standard_input(void **state)
{
    (void)state;
    Job job;
    start(&job, "two\nlines\n", ARGS("2", "input"));
    assert_int_equal(finish(&job), 0);
    assert_string_equal(job.out.p, "rank 0: two\nlines\n");
    job_free(&job);
}

static void test_a_terminal_stays_a_terminal(void **state)
{
    (void)state;
    char *command = mem_printf("ASAN_OPTIONS=detect_leaks=0 "
                               "script -qec '%s --ranks 2 print' /dev/null </dev/null",
                               LAUNCH_PROGRAM);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    char text[4096];
    size_t n = fread(text, 1, sizeof text - 1, in);
    text[n] = '\0';
    assert_int_equal(pclose(in), 0);
    assert_non_null(strstr(text, "1/2\rtty 1 1\r\n2/2\r\n"));
    free(command);
}

static void test_abort_hides_the_banners(void **state)
{
    (void)state;
    Job job;
    start(&job, "", ARGS("2", "abort", "5"));
    assert_int_equal(finish(&job), 5);
    assert_null(strstr(job.err.p, "----"));
    assert_null(strstr(job.err.p, "MPI_ABORT"));
    assert_null(strstr(job.err.p, "ORTE"));
    job_free(&job);
}

static void test_killed_rank_is_told(void **state)
{
    (void)state;
    Job job;
    start(&job, "", ARGS("2", "crash"));
    assert_int_equal(finish(&job), 137);
    assert_non_null(strstr(job.err.p, " was ended by signal 9 (Killed)\n"));
    assert_null(strstr(job.err.p, "mpirun"));
    job_free(&job);
}

static void test_signals_reach_every_rank(void **state)
{
    (void)state;
    const int cases[][2] = {{SIGINT, 130}, {SIGTERM, 75}, {SIGUSR1, 75}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Job job;
        start(&job, "", ARGS("2", "signal"));
        wait_for(&job, "ready", 1);
        assert_int_equal(kill(-job.pid, cases[i][0]), 0); /* as a terminal does */
        assert_int_equal(finish(&job), cases[i][1]);
        assert_string_equal(job.err.p, "ready\n");
        job_free(&job);
    }
}

/* The process ids that ranks in mode "stuck" print. */
static size_t rank_pids(const Job *job, pid_t *pids, size_t cap)
{
    size_t n = 0;
    for (const char *p = job->err.p; p && (p = strstr(p, "pid ")) && n < cap; p++) {
        pids[n++] = (pid_t)atoi(p + 4);
    }
    return n;
}

static void assert_gone(const pid_t *pids, size_t n)
{
    double end = clock_seconds() + 10;
    for (size_t i = 0; i < n; i++) {
        while (kill(pids[i], 0) == 0 && clock_seconds() < end) {
            usleep(10000);
        }
        assert_true(kill(pids[i], 0) != 0 && errno == ESRCH);
    }
}

static void test_second_interrupt_ends_at_once(void **state)
{
    (void)state;
    Job job;
    pid_t pids[2];
    start(&job, "", ARGS("2", "stuck"));
    wait_for(&job, "pid ", 2);
    assert_int_equal(rank_pids(&job, pids, 2), 2);
    assert_int_equal(kill(-job.pid, SIGINT), 0);
    usleep(200000);
    assert_int_equal(waitpid(job.pid, NULL, WNOHANG), 0); /* the first is ignored there */
    double begin = clock_seconds();
    assert_int_equal(kill(-job.pid, SIGINT), 0);
    assert_int_equal(finish(&job), 130);
    assert_true(clock_seconds() - begin < 5);
    assert_gone(pids, 2);
    assert_null(strstr(job.err.p, "---"));
    job_free(&job);
}

/* The supervisor's only child. */
static pid_t mpirun_of(pid_t supervisor)
{
    char *path = mem_printf("/proc/%d/task/%d/children", supervisor, supervisor);
    FILE *file = fopen(path, "r");
    int pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    free(path);
    return pid;
}

/* mpirun dies with the supervisor, so it cannot be what ends the ranks. */
static void test_killed_supervisor_leaves_no_rank(void **state)
{
    (void)state;
    Job job;
    pid_t pids[2];
    start(&job, "", ARGS("2", "plain"));
    wait_for(&job, "pid ", 2);
    assert_int_equal(rank_pids(&job, pids, 2), 2);
    pid_t mpirun = mpirun_of(job.pid);
    assert_int_equal(kill(job.pid, SIGSTOP), 0); /* or it would see mpirun's end */
    assert_int_equal(kill(mpirun, SIGKILL), 0);
    assert_int_equal(kill(job.pid, SIGKILL), 0);
    assert_int_equal(finish(&job), -SIGKILL);
    assert_gone(pids, 2);
    job_free(&job);
}

/* Ranks that hold no connection, as on another node: mpirun ends them. */
static void test_killed_supervisor_takes_mpirun_along(void **state)
{
    (void)state;
    Job job;
    pid_t pids[3];
    setenv("LAUNCH_TEST_DETACHED", "1", 1);
    start(&job, "", ARGS("2", "stuck"));
    unsetenv("LAUNCH_TEST_DETACHED");
    wait_for(&job, "pid ", 2);
    assert_int_equal(rank_pids(&job, pids, 2), 2);
    pids[2] = mpirun_of(job.pid);
    assert_int_equal(kill(job.pid, SIGKILL), 0);
    assert_int_equal(finish(&job), -SIGKILL);
    assert_gone(pids, 3);
    job_free(&job);
}

static void test_no_mpirun(void **state)
{
    (void)state;
    char *old = mem_strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    int code = 0;
    char *argv[] = {(char *)(uintptr_t)LAUNCH_PROGRAM, NULL};
    assert_int_equal(launch_run(2, argv, &code), STATUS_NOT_FOUND);
    assert_int_equal(code, STATUS_NOT_FOUND);
    assert_non_null(strstr(status_hint_text(), "openmpi-bin"));
    setenv("PATH", old, 1);
    free(old);
}

static void test_nested_and_silly_counts_are_refused(void **state)
{
    (void)state;
    int code = 0;
    char *argv[] = {(char *)(uintptr_t)LAUNCH_PROGRAM, NULL};
    assert_int_equal(launch_run(0, argv, &code), STATUS_USAGE);
    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    assert_int_equal(launch_run(2, argv, &code), STATUS_USAGE);
    assert_int_equal(code, STATUS_USAGE);
    assert_non_null(strstr(status_message(), "mpirun has started already"));
    unsetenv("OMPI_COMM_WORLD_SIZE");
}

static void test_launchers_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(launch_detect().kind, LAUNCHER_NONE);
    /* A batch script and an allocation's shell are no srun step. */
    setenv("SLURM_JOB_ID", "17", 1);
    setenv("SLURM_PROCID", "0", 1);
    assert_int_equal(launch_detect().kind, LAUNCHER_NONE);
    setenv("SLURM_STEP_ID", "4294967291", 1);
    assert_int_equal(launch_detect().kind, LAUNCHER_NONE);
    setenv("SLURM_STEP_ID", "0", 1);
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    setenv("SLURM_PROCID", "3", 1);
    assert_int_equal(launch_detect().kind, LAUNCHER_SLURM);
    Launcher srun = launch_detect();
    assert_true(launch_is_deaf(&srun));
    setenv("PMIX_RANK", "3", 1);
    assert_false(launch_is_deaf(&srun));
    unsetenv("PMIX_RANK");
    assert_int_equal(launch_detect().size, 4);
    assert_int_equal(launch_detect().rank, 3);
    const char *const names[] = {"SLURM_JOB_ID", "SLURM_PROCID", "SLURM_STEP_ID",
                                 "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    setenv("PMI_SIZE", "3", 1);
    assert_int_equal(launch_detect().kind, LAUNCHER_PMI);
    assert_int_equal(launch_detect().size, 3);
    unsetenv("PMI_SIZE");
}

/* Feeds `text` in pieces of `step` bytes; free with free(). */
static char *filtered(const char *text, size_t step, LaunchNotices *notices)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *notices = (LaunchNotices){.out = ends[1]};
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i += step) {
        launch_notices_add(notices, text + i, i + step < n ? step : n - i);
    }
    launch_notices_end(notices);
    close(ends[1]);
    char *found = mem_zalloc(4096, 1);
    assert_true(read(ends[0], found, 4095) >= 0);
    close(ends[0]);
    return found;
}

static void test_notices_are_moved_aside(void **state)
{
    (void)state;
#define RULE                                                                             \
    "--------------------------------------------------------------------------\n"
    const char *text = RULE "mpirun noticed that process rank 1 ...\n" RULE
                            "[node:12] ORTE_ERROR_LOG: x\n[rank 3 host n2] told\n"
                            "--- mine\n" RULE RULE "last";
    for (size_t step = 1; step < 9; step++) {
        LaunchNotices notices;
        char *found = filtered(text, step, &notices);
        assert_string_equal(found, "[rank 3 host n2] told\n--- mine\nlast");
        assert_non_null(strstr(notices.held.p, "mpirun noticed"));
        free(found);
        launch_notices_free(&notices);
    }
}

static void test_notices_of_mpich(void **state)
{
    (void)state;
#define EQUALS                                                                           \
    "==========================================================================="        \
    "========\n"
    const char *text =
        "\nmine\n\n" EQUALS "=   BAD TERMINATION\n" EQUALS
        "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)\n"
        "This typically refers to a problem with your application.\n"
        "Please see the FAQ page for debugging suggestions\n"
        "Please\n== mine\n\n\nlast";
    for (size_t step = 1; step < 9; step++) {
        LaunchNotices notices;
        char *found = filtered(text, step, &notices);
        assert_string_equal(found, "\nmine\nPlease\n== mine\n\n\nlast");
        assert_int_equal(launch_notices_signal(&notices), 9);
        free(found);
        launch_notices_free(&notices);
    }
}

static void test_progress_passes_before_its_line_ends(void **state)
{
    (void)state;
    int ends[2];
    char found[64] = {0};
    assert_int_equal(pipe(ends), 0);
    LaunchNotices notices = {.out = ends[1]};
    launch_notices_add(&notices, "step 1\r", 7);
    assert_int_equal(read(ends[0], found, sizeof found), 7);
    assert_string_equal(found, "step 1\r");
    launch_notices_free(&notices);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launchers_are_told_apart),
        cmocka_unit_test(test_notices_are_moved_aside),
        cmocka_unit_test(test_notices_of_mpich),
        cmocka_unit_test(test_progress_passes_before_its_line_ends),
        cmocka_unit_test(test_no_mpirun),
        cmocka_unit_test(test_nested_and_silly_counts_are_refused),
        cmocka_unit_test(test_exit_codes_become_ours_in_silence),
        cmocka_unit_test(test_more_ranks_than_cores),
        cmocka_unit_test(test_streams_pass_unchanged),
        cmocka_unit_test(test_rank_0_reads_standard_input),
        cmocka_unit_test(test_a_terminal_stays_a_terminal),
        cmocka_unit_test(test_abort_hides_the_banners),
        cmocka_unit_test(test_killed_rank_is_told),
        cmocka_unit_test(test_signals_reach_every_rank),
        cmocka_unit_test(test_second_interrupt_ends_at_once),
        cmocka_unit_test(test_killed_supervisor_leaves_no_rank),
        cmocka_unit_test(test_killed_supervisor_takes_mpirun_along),
    };
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
