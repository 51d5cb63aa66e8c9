/* The forwarding process, and the descriptors that lead to it. */
#include "base/console_capture.h"

#include "base/console_log.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
    LOG_CAP = 10 << 20,
    MAX_CHANNELS = 2,
    IDLE_MS = 100 /* children that outlive the process get no more than this */
};

extern char **environ;

/* From a descriptor that programs print to, to where it led before. */
typedef struct Channel {
    int from, write_end;
    int to;         /* the descriptor as it was */
    bool terminal;  /* a pseudo-terminal's two ends */
    bool is_stdout; /* stdout alone, or both */
    int error;      /* errno of the first write that failed */
} Channel;

static struct Capture {
    pid_t forwarder; /* 0: nothing is captured */
    int control;     /* paths are sent here; closed at the end */
    int saved[2];    /* stdout and stderr as they were */
} capture;

/* ---- the forwarding process ---- */

static void copy_size(const Channel *channel)
{
    struct winsize size, now;
    if (channel->terminal && ioctl(channel->to, TIOCGWINSZ, &size) == 0 &&
        ioctl(channel->from, TIOCGWINSZ, &now) == 0 &&
        memcmp(&size, &now, sizeof size) != 0) {
        ioctl(channel->from, TIOCSWINSZ, &size);
    }
}

static void pass_on(Channel *channel, const char *bytes, size_t n)
{
    for (size_t done = 0; done < n && !channel->error;) {
        ssize_t written = write(channel->to, bytes + done, n - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = channel->to, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            channel->error = errno;
        }
    }
}

/* False at the end: a pseudo-terminal says EIO there. */
static bool forward(Channel *channel, ConsoleLog *log)
{
    char block[1 << 14];
    ssize_t n = read(channel->from, block, sizeof block);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return true;
    }
    if (n <= 0) {
        return false;
    }
    copy_size(channel);
    pass_on(channel, block, (size_t)n);
    console_log_add(log, block, (size_t)n);
    return true;
}

/* A path comes as one message. False at the end, which is an empty one: children may hold
 * the other end of the socket too. */
static bool take_path(int control, ConsoleLog *log)
{
    char path[PATH_MAX];
    ssize_t n = read(control, path, sizeof path - 1);
    if (n <= 0) {
        return n < 0 && errno == EINTR;
    }
    path[n] = '\0';
    if (!*path) {
        return false;
    }
    if (console_log_set_file(log, path) != STATUS_OK) {
        log_warning("console output is not kept: %s", status_message());
    }
    return true;
}

static void on_resize(int number)
{
    (void)number;
}

/* What is sent to the whole group, Ctrl-C too, is the others' business: this process ends
 * when they have. */
static void prepare_signals(void)
{
    const int ignored[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN);
    }
    struct sigaction resized = {.sa_handler = on_resize};
    sigaction(SIGWINCH, &resized, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool forward_once(struct pollfd *fds, Channel *channels, size_t n, ConsoleLog *log)
{
    int ready = poll(fds, n + 1, fds[n].fd < 0 ? IDLE_MS : -1);
    if (ready < 0) { /* perhaps the terminal has another size */
        for (size_t i = 0; i < n; i++) {
            copy_size(&channels[i]);
        }
        return errno == EINTR;
    }
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (fds[i].revents && !forward(&channels[i], log)) {
            fds[i].fd = -1; /* poll skips it */
        }
        any = any || fds[i].fd >= 0;
    }
    if (fds[n].revents && !take_path(fds[n].fd, log)) {
        fds[n].fd = -1;
        ready++;
    }
    return any && ready > 0;
}

static void keep_only(const Channel *channels, size_t n, int control)
{
    int highest = (int)sysconf(_SC_OPEN_MAX);
    highest = highest > 0 && highest < 4096 ? highest : 4096;
    for (int fd = 0; fd < highest; fd++) {
        bool wanted = fd == control || fd == STDERR_FILENO;
        for (size_t i = 0; i < n; i++) {
            wanted = wanted || fd == channels[i].from || fd == channels[i].to;
        }
        if (!wanted) {
            close(fd);
        }
    }
}

/* Nobody who looks for a rank by its environment should find this process. */
static void forget_environment(void)
{
    for (char **entry = environ; entry && *entry; entry++) {
        memset(*entry, 0, strlen(*entry));
    }
    environ = NULL;
}

static void run_forwarder(Channel *channels, size_t n, int control)
    __attribute__((noreturn));
static void run_forwarder(Channel *channels, size_t n, int control)
{
    prctl(PR_SET_NAME, "muster-console");
    forget_environment();
    prepare_signals();
    keep_only(channels, n, control);
    struct pollfd fds[MAX_CHANNELS + 1];
    for (size_t i = 0; i < n; i++) {
        fds[i] = (struct pollfd){.fd = channels[i].from, .events = POLLIN};
    }
    fds[n] = (struct pollfd){.fd = control, .events = POLLIN};
    ConsoleLog *log = console_log_open(LOG_CAP);
    while (forward_once(fds, channels, n, log)) {
    }
    if (console_log_close(log) != STATUS_OK) {
        log_warning("console output is not kept whole: %s", status_message());
    }
    int lost = 0;
    for (size_t i = 0; i < n; i++) {
        lost = channels[i].is_stdout ? channels[i].error : lost;
    }
    _exit(lost);
}

/* ---- the capturing process ---- */

/* Bytes pass a pseudo-terminal as they are: the real one has its own say in line ends. */
static bool open_terminal(Channel *channel)
{
    struct termios mode;
    struct winsize size = {0};
    ioctl(channel->to, TIOCGWINSZ, &size);
    if (tcgetattr(channel->to, &mode) != 0) {
        return false;
    }
    cfmakeraw(&mode);
    return openpty(&channel->from, &channel->write_end, NULL, &mode, &size) == 0;
}

static bool open_channel(Channel *channel)
{
    int ends[2];
    channel->terminal = isatty(channel->to) && open_terminal(channel);
    if (!channel->terminal) {
        if (pipe(ends) != 0) {
            return false;
        }
        channel->from = ends[0];
        channel->write_end = ends[1];
    }
    fcntl(channel->from, F_SETFD, FD_CLOEXEC);
    fcntl(channel->write_end, F_SETFD, FD_CLOEXEC);
    return true;
}

static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* One channel where both lead to the same place, so that lines keep their order. */
static bool open_channels(Channel channels[MAX_CHANNELS], size_t *n)
{
    *n = same_file(capture.saved[0], capture.saved[1]) ? 1 : 2;
    for (size_t i = 0; i < *n; i++) {
        channels[i] = (Channel){.to = capture.saved[i], .is_stdout = i == 0};
        if (!open_channel(&channels[i])) {
            *n = i;
            return false;
        }
    }
    return true;
}

static void close_channels(const Channel *channels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        close(channels[i].from);
        close(channels[i].write_end);
    }
}

void console_capture_begin(void)
{
    Channel channels[MAX_CHANNELS];
    size_t n = 0;
    int control[2] = {-1, -1};
    fflush(NULL);
    capture.saved[0] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    capture.saved[1] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    bool opened = capture.saved[0] >= 0 && capture.saved[1] >= 0 &&
                  open_channels(channels, &n) &&
                  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0;
    pid_t pid = opened ? fork() : -1;
    if (pid == 0) {
        close(control[1]);
        for (size_t i = 0; i < n; i++) {
            close(channels[i].write_end);
        }
        run_forwarder(channels, n, control[0]);
    }
    if (pid > 0) {
        capture.forwarder = pid;
        capture.control = control[1];
        dup2(channels[0].write_end, STDOUT_FILENO);
        dup2(channels[n - 1].write_end, STDERR_FILENO);
    } else {
        close(capture.saved[0]);
        close(capture.saved[1]);
        close(control[1]);
    }
    close(control[0]);
    close_channels(channels, n);
}

void console_capture_file(const char *path)
{
    size_t n = strlen(path);
    if (capture.forwarder && n < PATH_MAX) {
        ssize_t written = write(capture.control, path, n);
        (void)written; /* the forwarder is gone: then nothing is printed either */
    }
}

int console_capture_end(void)
{
    if (!capture.forwarder) {
        return 0;
    }
    fflush(NULL);
    dup2(capture.saved[0], STDOUT_FILENO);
    dup2(capture.saved[1], STDERR_FILENO);
    close(capture.saved[0]);
    close(capture.saved[1]);
    ssize_t told = write(capture.control, "", 1);
    (void)told; /* else it has ended already */
    close(capture.control);
    int status = 0;
    pid_t ended;
    do {
        ended = waitpid(capture.forwarder, &status, 0);
    } while (ended < 0 && errno == EINTR);
    capture.forwarder = 0;
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}
