/* Starting, signals, waiting. */
#include "cli/exec_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SIGNAL = 128, EXIT_NOT_FOUND = 127, EXIT_NOT_STARTED = 126 };

extern char **environ;

static const int PASSED_ON[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

enum { N_PASSED_ON = sizeof PASSED_ON / sizeof PASSED_ON[0] };

/* Signals that were ignored when we were started (nohup) stay ignored, for both. */
static sigset_t signals_to_take(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < N_PASSED_ON; i++) {
        struct sigaction action;
        if (sigaction(PASSED_ON[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&set, PASSED_ON[i]);
        }
    }
    return set;
}

/* The child gets the mask that we had, and SIGPIPE, which we ignore, as it was at first.
 */
static int spawn(char *const argv[], const sigset_t *mask, pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(pid, argv[0], NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static Status refused(const char *command, int error, ChildEnd *end)
{
    bool missing = error == ENOENT;
    *end = (ChildEnd){.exit_code = missing ? EXIT_NOT_FOUND : EXIT_NOT_STARTED};
    Status status = status_set(missing ? STATUS_NOT_FOUND : STATUS_DENIED,
                               "%s: cannot be started: %s", command, strerror(error));
    if (missing && !strchr(command, '/')) {
        status_hint("it is looked for on PATH; a file of this folder is ./%s", command);
    }
    return status;
}

/* What the kernel sent (Ctrl-C in a terminal) went to the child too. */
static void pass_on(int signals, pid_t pid)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL) {
            kill(pid, (int)info.ssi_signo);
        }
    }
}

static ChildEnd end_of(int status)
{
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        return (ChildEnd){.exit_code = EXIT_SIGNAL + number, .signal_number = number};
    }
    return (ChildEnd){.exit_code = WEXITSTATUS(status)};
}

Status exec_child_run(char *const argv[], int tick_ms, void (*tick)(void *context),
                      void *context, ChildEnd *end)
{
    sigset_t taken = signals_to_take(), before;
    sigprocmask(SIG_BLOCK, &taken, &before);
    int signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    pid_t pid;
    int error = signals < 0 ? errno : spawn(argv, &before, &pid);
    int status = 0;
    while (error == 0) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR)) {
            break;
        }
        struct pollfd ready = {.fd = signals, .events = POLLIN};
        poll(&ready, 1, tick_ms);
        pass_on(signals, pid);
        tick(context);
    }
    if (signals >= 0) {
        close(signals);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return refused(argv[0], error, end);
    }
    *end = end_of(status);
    return STATUS_OK;
}
