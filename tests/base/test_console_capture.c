/* Processes whose console is captured: on a pipe, on a terminal, killed, on a full disk.
 */
#include "base/console_capture.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/table.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_console_XXXXXX");
    if (!mkdtemp(dir)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/logs/rank-0.log", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return tree_remove(dir) == STATUS_OK ? 0 : 1;
}

static char *kept(void)
{
    StrBuf text = {0};
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &text), STATUS_OK);
    return strbuf_take(&text);
}

typedef struct Ends {
    int out, err; /* where the child's stdout and stderr lead */
} Ends;

/* Runs `body` in a child with its console captured. */
static pid_t start(Ends ends, int (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        dup2(ends.out, STDOUT_FILENO);
        dup2(ends.err, STDERR_FILENO);
        console_capture_begin();
        _exit(body());
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* All that can be read until every writer has gone. */
static char *read_all(int fd)
{
    StrBuf text = {0};
    char block[1024];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0) {
        strbuf_add(&text, block, (size_t)n);
    }
    return strbuf_take(&text);
}

static void print(int fd, const char *text)
{
    ssize_t n = write(fd, text, strlen(text));
    assert_int_equal(n, strlen(text));
}

static int print_both(void)
{
    print(STDERR_FILENO, "before\n");
    console_capture_file(path);
    print(STDOUT_FILENO, "out\n");
    print(STDERR_FILENO, "err\n");
    return console_capture_end();
}

static void test_both_arrive_and_are_kept(void **state)
{
    (void)state;
    int out[2], err[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    pid_t pid = start((Ends){out[1], err[1]}, print_both);
    close(out[1]);
    close(err[1]);
    char *from_out = read_all(out[0]), *from_err = read_all(err[0]);
    assert_int_equal(exit_code(pid), 0);
    assert_string_equal(from_out, "out\n");
    assert_string_equal(from_err, "before\nerr\n");
    char *log = kept();
    assert_int_equal(strlen(log), strlen("before\nout\nerr\n"));
    free(log);
    free(from_out);
    free(from_err);
    close(out[0]);
    close(err[0]);
}

static int print_in_turns(void)
{
    console_capture_file(path);
    for (int i = 0; i < 500; i++) {
        char line[24];
        snprintf(line, sizeof line, "%d\n", i);
        print(i % 2 ? STDOUT_FILENO : STDERR_FILENO, line);
    }
    return console_capture_end();
}

static void test_lines_keep_their_order_where_both_lead_to_one_place(void **state)
{
    (void)state;
    int both[2];
    assert_int_equal(pipe2(both, O_CLOEXEC), 0);
    pid_t pid = start((Ends){both[1], both[1]}, print_in_turns);
    close(both[1]);
    char *text = read_all(both[0]), *log = kept();
    assert_int_equal(exit_code(pid), 0);
    StrBuf expected = {0};
    for (int i = 0; i < 500; i++) {
        strbuf_printf(&expected, "%d\n", i);
    }
    assert_string_equal(text, expected.p);
    assert_string_equal(log, expected.p);
    strbuf_free(&expected);
    free(text);
    free(log);
    close(both[0]);
}

static int ask_terminal(void)
{
    console_capture_file(path);
    bool good = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) &&
                terminal_width(STDERR_FILENO) == 97;
    print(STDERR_FILENO, good ? "a terminal\n" : "none\n");
    return console_capture_end();
}

static void test_a_terminal_stays_one(void **state)
{
    (void)state;
    int master, slave;
    struct winsize size = {.ws_row = 33, .ws_col = 97};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    pid_t pid = start((Ends){slave, slave}, ask_terminal);
    close(slave);
    char *text = read_all(master), *log = kept();
    assert_int_equal(exit_code(pid), 0);
    assert_string_equal(text, "a terminal\r\n"); /* the real one's line ends */
    assert_string_equal(log, "a terminal\n");
    free(text);
    free(log);
    close(master);
}

static int print_and_die(void)
{
    console_capture_file(path);
    print(STDERR_FILENO, "last words\n");
    raise(SIGKILL);
    return 0;
}

static void test_last_words_of_a_killed_process_arrive(void **state)
{
    (void)state;
    int both[2];
    assert_int_equal(pipe2(both, O_CLOEXEC), 0);
    pid_t pid = start((Ends){both[1], both[1]}, print_and_die);
    close(both[1]);
    assert_int_equal(exit_code(pid), 128 + SIGKILL);
    char *text = read_all(both[0]); /* ends when the forwarder does */
    char *log = kept();
    assert_string_equal(text, "last words\n");
    assert_string_equal(log, "last words\n");
    free(text);
    free(log);
    close(both[0]);
}

static void test_a_full_disk_is_told(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC),
        none = open("/dev/null", O_WRONLY);
    assert_int_equal(exit_code(start((Ends){full, none}, print_both)), ENOSPC);
    assert_int_equal(exit_code(start((Ends){none, full}, print_both)), 0);
    close(full);
    close(none);
}

/* A child that lives on holds stdout open; it does not hold up the end. */
static int leave_a_child(void)
{
    console_capture_file(path);
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    print(STDOUT_FILENO, "parent\n");
    int lost = console_capture_end();
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return lost;
}

static void test_a_child_that_lives_on_does_not_hold_up_the_end(void **state)
{
    (void)state;
    int both[2];
    assert_int_equal(pipe2(both, O_CLOEXEC), 0);
    pid_t pid = start((Ends){both[1], both[1]}, leave_a_child);
    close(both[1]);
    assert_int_equal(exit_code(pid), 0);
    char *text = read_all(both[0]);
    assert_string_equal(text, "parent\n");
    free(text);
    close(both[0]);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_both_arrive_and_are_kept),
        CASE(test_lines_keep_their_order_where_both_lead_to_one_place),
        CASE(test_a_terminal_stays_one),
        CASE(test_last_words_of_a_killed_process_arrive),
        CASE(test_a_full_disk_is_told),
        CASE(test_a_child_that_lives_on_does_not_hold_up_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
