/* Asking the system, Slurm and git. */
#include "tracker/environment.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/mem.h"
#include "tracker/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GIT_MS = 2000, CAPTURE_CAP = 1 << 16, PASSWD_CAP = 1 << 14 };

extern char **environ;

/* ---- running a program ---- */

/* Starts the program with its output on a pipe; the pid, or -1. Signal dispositions and
 * the mask go back to normal: the caller may have blocked what ends a child. */
static pid_t spawn(const char *const *argv, int *read_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    if (posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)argv,
                     environ) != 0) {
        pid = -1;
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -1;
    }
    *read_end = ends[0];
    return pid;
}

/* True when the output ended before the deadline. */
static bool read_until(int fd, double deadline, StrBuf *out)
{
    for (;;) {
        double left = deadline - clock_seconds();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&ready, 1, (int)(left * 1000) + 1) <= 0) {
            return false;
        }
        char block[4096];
        ssize_t n = read(fd, block, sizeof block);
        if (n <= 0) {
            return n == 0;
        }
        if (out->n + (size_t)n <= CAPTURE_CAP) {
            strbuf_add(out, block, (size_t)n);
        }
    }
}

static bool wait_until(pid_t pid, double deadline, int *status)
{
    for (;;) {
        pid_t done = waitpid(pid, status, WNOHANG);
        if (done == pid) {
            return true;
        }
        if ((done < 0 && errno != EINTR) || clock_seconds() >= deadline) {
            return false;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

bool environment_capture(const char *const *argv, int timeout_ms, StrBuf *out)
{
    double deadline = clock_seconds() + timeout_ms / 1000.0;
    int fd;
    pid_t pid = spawn(argv, &fd);
    if (pid < 0) {
        return false;
    }
    int status = 0;
    bool ended = read_until(fd, deadline, out) && wait_until(pid, deadline, &status);
    close(fd);
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- git ---- */

static void trim_end(StrBuf *text)
{
    while (text->n > 0 && isspace((unsigned char)text->p[text->n - 1])) {
        text->p[--text->n] = '\0';
    }
}

/* Neither locks nor a configured file-system monitor: asking must not change or run
 * anything in somebody's repository. */
static bool ask_git(const char *dir, double deadline, const char *const *question,
                    StrBuf *out)
{
    const char *argv[12] = {
        "git", "-C", dir, "--no-optional-locks", "-c", "core.fsmonitor=false"};
    for (size_t i = 0; question[i]; i++) {
        argv[6 + i] = question[i];
    }
    double left = deadline - clock_seconds();
    bool answered = left > 0 && environment_capture(argv, (int)(left * 1000) + 1, out);
    trim_end(out);
    return answered;
}

static void add_git_tags(const char *source_name, KeyValues *out)
{
    static const char *const COMMIT[] = {"rev-parse", "--verify", "HEAD", NULL};
    static const char *const BRANCH[] = {"symbolic-ref", "--short", "HEAD", NULL};
    static const char *const CHANGES[] = {"status", "--porcelain", "--untracked-files=no",
                                          NULL};
    double deadline = clock_seconds() + GIT_MS / 1000.0;
    const char *base = source_name ? path_base(source_name) : NULL;
    char *dir = base && base > source_name
                    ? mem_strndup(source_name, (size_t)(base - source_name))
                    : mem_strdup(".");
    StrBuf commit = {0}, branch = {0}, changes = {0};
    if (ask_git(dir, deadline, COMMIT, &commit) && commit.n > 0) {
        key_values_add(out, "mlflow.source.git.commit", commit.p);
        if (ask_git(dir, deadline, BRANCH, &branch) && branch.n > 0) {
            key_values_add(out, "mlflow.source.git.branch", branch.p);
        }
        if (ask_git(dir, deadline, CHANGES, &changes)) {
            key_values_add(out, "muster.git.dirty", changes.n > 0 ? "true" : "false");
        }
    }
    strbuf_free(&commit);
    strbuf_free(&branch);
    strbuf_free(&changes);
    free(dir);
}

/* ---- the machine and the job ---- */

char *environment_user(void)
{
    struct passwd entry, *found = NULL;
    char texts[PASSWD_CAP];
    if (getpwuid_r(geteuid(), &entry, texts, sizeof texts, &found) == 0 && found &&
        found->pw_name && *found->pw_name) {
        return mem_strdup(found->pw_name);
    }
    const char *user = getenv("USER");
    return user && *user ? mem_strdup(user) : mem_printf("%ld", (long)geteuid());
}

static void add_cpu(KeyValues *out)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            colon[strcspn(colon, "\n")] = '\0';
            key_values_add(out, "muster.cpu", colon + 1 + strspn(colon + 1, " "));
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    key_values_add_take(out, mem_strdup("muster.cores"),
                        mem_printf("%ld", sysconf(_SC_NPROCESSORS_ONLN)));
}

static void add_process(KeyValues *out)
{
    char host[256];
    process_host(host);
    long pid = (long)getpid();
    key_values_add(out, "muster.host", host);
    key_values_add_take(out, mem_strdup("muster.pid"), mem_printf("%ld", pid));
    key_values_add_take(out, mem_strdup("muster.process_start"),
                        mem_printf("%llu", (unsigned long long)process_start_ticks(pid)));
}

static void add_slurm(KeyValues *out)
{
    static const char *const VARIABLES[] = {
        "SLURM_JOB_ID",       "SLURM_JOB_NAME",      "SLURM_JOB_PARTITION",
        "SLURM_JOB_NODELIST", "SLURM_JOB_NUM_NODES", "SLURM_JOB_ACCOUNT",
        "SLURM_NTASKS",       "SLURM_CPUS_PER_TASK", "SLURM_ARRAY_JOB_ID",
        "SLURM_CLUSTER_NAME", "SLURM_RESTART_COUNT", "SLURM_ARRAY_TASK_ID",
        "SLURM_SUBMIT_DIR",   "SLURM_SUBMIT_HOST",
    };
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++) {
        const char *value = getenv(VARIABLES[i]);
        if (value && *value) {
            char *key = mem_printf("muster.slurm.%s", VARIABLES[i] + strlen("SLURM_"));
            for (char *p = key; *p; p++) {
                *p = (char)tolower((unsigned char)*p);
            }
            key_values_add_take(out, key, mem_strdup(value));
        }
    }
}

static void add_prefixed(const char *prefix, const KeyValue *items, size_t n,
                         KeyValues *out)
{
    for (size_t i = 0; i < n; i++) {
        key_values_add_take(out, mem_printf("%s%s", prefix, items[i].key),
                            mem_strdup(items[i].value ? items[i].value : ""));
    }
}

void environment_tags(const EnvironmentFacts *facts, KeyValues *out)
{
    key_values_add_take(out, mem_strdup("mlflow.user"), environment_user());
    key_values_add(out, "mlflow.source.type", "LOCAL");
    if (facts->source_name) {
        key_values_add(out, "mlflow.source.name", facts->source_name);
    }
    if (!facts->no_git) {
        add_git_tags(facts->source_name, out);
    }
    add_process(out);
    add_cpu(out);
    if (facts->n_ranks > 0) {
        key_values_add_take(out, mem_strdup("muster.ranks"),
                            mem_printf("%d", facts->n_ranks));
    }
    if (facts->n_threads > 0) {
        key_values_add_take(out, mem_strdup("muster.threads"),
                            mem_printf("%d", facts->n_threads));
    }
    if (facts->kernel_family) {
        key_values_add(out, "muster.kernel_family", facts->kernel_family);
    }
    add_slurm(out);
    add_prefixed("muster.version.", facts->versions, facts->n_versions, out);
    add_prefixed("muster.digest.", facts->digests, facts->n_digests, out);
}
