/* Looking things up without a shell. */
#include "cli/probe.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char *probe_find_program(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        char *dir = mem_strndup(n ? p : ".", n ? n : 1);
        char *program = path_join(dir, name);
        free(dir);
        if (file_exists(program) && access(program, X_OK) == 0) {
            return program;
        }
        free(program);
        p += n + (p[n] == ':');
    }
    return NULL;
}

static pid_t start(const char *const *argv, int out)
{
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        execv(argv[0], (char *const *)(size_t)argv);
        _exit(127);
    }
    return pid;
}

/* Reads until the first line is whole, the end, or the time is over. */
static size_t read_line(int fd, int timeout_ms, char *line, size_t cap)
{
    double end = clock_seconds() + timeout_ms / 1000.0;
    size_t n = 0;
    while (n + 1 < cap && !memchr(line, '\n', n)) {
        int left = (int)((end - clock_seconds()) * 1000);
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&waiting, 1, left) <= 0) {
            break;
        }
        ssize_t got = read(fd, line + n, cap - 1 - n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    return n;
}

static void cut_line(char *line, size_t n)
{
    line[n] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
}

bool probe_run(const char *const *argv, int timeout_ms, char *line, size_t cap)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    fflush(NULL);
    pid_t pid = start(argv, ends[1]);
    close(ends[1]);
    size_t n = pid > 0 ? read_line(ends[0], timeout_ms, line, cap) : 0;
    close(ends[0]);
    cut_line(line, n);
    if (pid > 0) {
        int how;
        kill(pid, SIGKILL); /* it has said what was wanted, or will not */
        while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {
        }
    }
    return line[0] != '\0';
}

bool probe_line(const char *path, char *line, size_t cap)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    bool got = fgets(line, (int)cap, file) != NULL;
    fclose(file);
    if (got) {
        cut_line(line, strlen(line));
    }
    return got;
}

bool probe_value(const char *path, const char *key, char *value, size_t cap)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    size_t n = strlen(key);
    bool found = false;
    char line[4096];
    while (!found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, n) == 0 && colon && strspn(line + n, " \t:") > 0) {
            colon += 1 + strspn(colon + 1, " \t");
            snprintf(value, cap, "%.*s", (int)strcspn(colon, "\r\n"), colon);
            found = true;
        }
    }
    fclose(file);
    return found;
}
