/* The supervisor of an mpirun child.
 *
 * Ranks connect to an abstract socket that the supervisor listens on and get the user's
 * streams (trainer/launch_attach.c). The connections stay open, so the supervisor knows
 * whom to signal. */
#include "trainer/launch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/launch_notices.h"
#include "trainer/launch_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SIGNAL = 128 };

/* After a second Ctrl-C mpirun gets this long to clean up behind its killed ranks. */
static const double KILL_GRACE_S = 3;

typedef struct Peer {
    int fd;
    pid_t pid;
} Peer;

typedef struct Launch {
    pid_t mpirun;
    int signals;  /* signalfd */
    int listener; /* ranks connect here */
    int errors;   /* mpirun's stderr */
    sigset_t old_mask;
    Peer *peers;
    size_t n_peers, peers_cap;
    bool attached;   /* some rank was here */
    int last_signal; /* passed on to ranks that come later */
    int n_interrupts;
    double kill_at; /* clock_seconds(), 0 = never */
    LaunchNotices notices;
    bool ended;
    int wait_status;
} Launch;

static void signal_job(Launch *launch, int signal_number)
{
    launch->last_signal = signal_number;
    for (size_t i = 0; i < launch->n_peers; i++) {
        kill(launch->peers[i].pid, signal_number);
    }
    /* Nobody to tell yet: mpirun ends the job (or passes SIGUSR1 on). */
    if (launch->n_peers == 0) {
        kill(launch->mpirun, signal_number == SIGKILL ? SIGTERM : signal_number);
    }
}

static void end_job(Launch *launch)
{
    signal_job(launch, SIGKILL);
    launch->kill_at = clock_seconds() + KILL_GRACE_S;
}

static void handle_signal(Launch *launch, int signal_number)
{
    switch (signal_number) {
    case SIGCHLD:
        launch->ended =
            waitpid(launch->mpirun, &launch->wait_status, WNOHANG) == launch->mpirun;
        break;
    case SIGINT:
        if (++launch->n_interrupts > 1) {
            end_job(launch);
            break;
        }
        signal_job(launch, SIGINT);
        break;
    default:
        signal_job(launch, signal_number);
    }
}

static void read_signals(Launch *launch)
{
    struct signalfd_siginfo info;
    while (!launch->ended &&
           read(launch->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        handle_signal(launch, (int)info.ssi_signo);
    }
}

/* Reads until nothing is left for now. False at the end of the stream. */
static bool read_errors(Launch *launch)
{
    char block[4096];
    ssize_t n;
    while ((n = read(launch->errors, block, sizeof block)) > 0) {
        launch_notices_add(&launch->notices, block, (size_t)n);
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool send_streams(int fd, const int streams[N_STREAMS])
{
    char byte = 0;
    struct iovec part = {&byte, 1};
    LaunchControl control = {{0}};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(N_STREAMS * sizeof(int));
    memcpy(CMSG_DATA(head), streams, N_STREAMS * sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == 1;
}

/* Rank 0 reads the user's input, unless that is a terminal: it belongs to another process
 * group there, so the kernel would stop it. */
static bool give_streams(int fd, int rank)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool own_input =
        rank == 0 && !isatty(STDIN_FILENO) && fcntl(STDIN_FILENO, F_GETFD) >= 0;
    const int streams[N_STREAMS] = {own_input ? STDIN_FILENO : nothing, STDOUT_FILENO,
                                    STDERR_FILENO};
    bool sent = send_streams(fd, streams);
    close(nothing);
    return sent;
}

static bool peer_is_us(int fd, pid_t *pid)
{
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
        return false;
    }
    *pid = who.pid;
    return who.uid == geteuid() && who.pid > 0;
}

static void accept_rank(Launch *launch)
{
    int fd = accept4(launch->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    /* A stranger who connects and stays silent must not stop us. */
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    LaunchHello hello;
    pid_t pid;
    if (!peer_is_us(fd, &pid) ||
        recv(fd, &hello, sizeof hello, MSG_WAITALL) != (ssize_t)sizeof hello ||
        !give_streams(fd, hello.rank)) {
        close(fd);
        return;
    }
    launch->peers = mem_grow(launch->peers, &launch->peers_cap, launch->n_peers + 1,
                             sizeof *launch->peers);
    launch->peers[launch->n_peers++] = (Peer){fd, pid};
    launch->attached = true;
    if (launch->last_signal) {
        kill(pid, launch->last_signal);
    }
}

/* A rank never writes after its greeting, so anything readable is its end. */
static void drop_peer(Launch *launch, size_t i)
{
    close(launch->peers[i].fd);
    launch->peers[i] = launch->peers[--launch->n_peers];
}

enum { POLL_SIGNALS, POLL_LISTENER, POLL_ERRORS, POLL_FIXED };

static void supervise_once(Launch *launch)
{
    size_t n_peers = launch->n_peers;
    struct pollfd *fds = mem_zalloc(POLL_FIXED + n_peers, sizeof *fds);
    fds[POLL_SIGNALS] = (struct pollfd){.fd = launch->signals, .events = POLLIN};
    fds[POLL_LISTENER] = (struct pollfd){.fd = launch->listener, .events = POLLIN};
    fds[POLL_ERRORS] = (struct pollfd){.fd = launch->errors, .events = POLLIN};
    for (size_t i = 0; i < n_peers; i++) {
        fds[POLL_FIXED + i] =
            (struct pollfd){.fd = launch->peers[i].fd, .events = POLLIN};
    }
    poll(fds, POLL_FIXED + n_peers, launch->kill_at > 0 ? 100 : -1);
    for (size_t i = n_peers; i-- > 0;) {
        if (fds[POLL_FIXED + i].revents) {
            drop_peer(launch, i);
        }
    }
    if (fds[POLL_LISTENER].revents) {
        accept_rank(launch);
    }
    if (fds[POLL_ERRORS].revents && !read_errors(launch)) {
        close(launch->errors);
        launch->errors = -1; /* poll skips it */
    }
    if (fds[POLL_SIGNALS].revents) {
        read_signals(launch);
    }
    if (launch->kill_at > 0 && clock_seconds() > launch->kill_at) {
        kill(launch->mpirun, SIGKILL);
    }
    free(fds);
}

/* Signals that were ignored when we were started (nohup, a shell's background job) stay
 * ignored. */
static void add_unless_ignored(sigset_t *set, int signal_number)
{
    struct sigaction action;
    if (sigaction(signal_number, NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
        sigaddset(set, signal_number);
    }
}

static int open_signals(sigset_t *old_mask)
{
    signal(SIGCHLD, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    add_unless_ignored(&set, SIGINT);
    add_unless_ignored(&set, SIGTERM);
    add_unless_ignored(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigset_t blocked = set;
    sigaddset(&blocked, SIGPIPE); /* stderr may be a closed pipe */
    sigprocmask(SIG_BLOCK, &blocked, old_mask);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_listener(char name[64])
{
    snprintf(name, 64, "muster-launch-%ld-%llx", (long)getpid(),
             (unsigned long long)(clock_seconds() * 1e9));
    struct sockaddr_un address;
    socklen_t size = launch_address(name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, size) != 0 ||
                    listen(fd, SOMAXCONN) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int n_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* Settings go through the environment: each MPI reads its own and leaves the others', and
 * what the user has set already wins. Ranks are not bound to cores unless a batch system
 * handed out the cores: two jobs on one machine would be bound to the same ones. */
static void set_environment(int n_ranks, const char *socket_name)
{
    bool crowded = n_ranks > n_cores();
    bool allocated = getenv("SLURM_JOB_ID") || getenv("PBS_JOBID") || getenv("LSB_JOBID");
    setenv(LAUNCH_ENV_SOCKET, socket_name, 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    setenv("PRTE_ALLOW_RUN_AS_ROOT", "1", 0);
    setenv("PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 0);
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 0);
    if (crowded || !allocated) {
        setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
        setenv("PRTE_MCA_hwloc_default_binding_policy", "none", 0);
    }
    if (crowded) {
        setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    }
}

/* The first executable of these names on PATH, NULL when there is none; free with
 * free(). */
static char *find_mpirun(void)
{
    static const char *const names[] = {"mpirun", "mpiexec"};
    const char *path = getenv("PATH");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (const char *p = path; p && *p; p += strspn(p, ":")) {
            size_t n = strcspn(p, ":");
            char *file = mem_printf("%.*s/%s", (int)n, p, names[i]);
            if (access(file, X_OK) == 0) {
                return file;
            }
            free(file);
            p += n;
        }
    }
    return NULL;
}

/* mpirun -n N /path/to/this/program ARGS..., without `--ranks N`. */
static StrList command_line(const char *mpirun, int n_ranks, char *const argv[])
{
    StrList command = {0};
    strlist_add(&command, mpirun);
    strlist_add(&command, "-n");
    strlist_add_take(&command, mem_printf("%d", n_ranks));
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    strlist_add(&command, n > 0 ? program : argv[0]);
    bool options = true;
    for (size_t i = 1; argv[i]; i++) {
        options = options && strcmp(argv[i], "--") != 0;
        if (options && strcmp(argv[i], "--ranks") == 0 && argv[i + 1]) {
            i++;
        } else if (!options || strncmp(argv[i], "--ranks=", 8) != 0) {
            strlist_add(&command, argv[i]);
        }
    }
    return command;
}

static void become_mpirun(const Launch *launch, pid_t supervisor, int errors_in,
                          const StrList *command)
{
    /* mpirun ends its ranks on SIGTERM; a group of its own keeps the terminal's Ctrl-C
     * away from it. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor) {
        _exit(EXIT_SIGNAL + SIGTERM);
    }
    setpgid(0, 0);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(errors_in, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &launch->old_mask, NULL);
    char **argv = mem_zalloc(command->n + 1, sizeof *argv);
    memcpy(argv, command->items, command->n * sizeof *argv);
    execv(argv[0], argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static Status start(Launch *launch, int n_ranks, const StrList *command)
{
    char name[64];
    int pipe_ends[2] = {-1, -1};
    launch->signals = open_signals(&launch->old_mask);
    launch->listener = open_listener(name);
    if (launch->signals < 0 || launch->listener < 0 || pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return status_set(STATUS_FAILED, "mpirun cannot be started: %s", strerror(errno));
    }
    launch->errors = pipe_ends[0];
    fcntl(launch->errors, F_SETFL, O_NONBLOCK);
    set_environment(n_ranks, name);
    fflush(NULL);
    pid_t supervisor = getpid();
    launch->mpirun = fork();
    if (launch->mpirun == 0) {
        become_mpirun(launch, supervisor, pipe_ends[1], command);
    }
    int error = errno;
    close(pipe_ends[1]);
    unsetenv(LAUNCH_ENV_SOCKET);
    if (launch->mpirun < 0) {
        return status_set(STATUS_FAILED, "mpirun cannot be started: %s", strerror(error));
    }
    return STATUS_OK;
}

static Status conclude(Launch *launch, int *exit_code)
{
    int code = WIFEXITED(launch->wait_status)
                   ? WEXITSTATUS(launch->wait_status)
                   : EXIT_SIGNAL + WTERMSIG(launch->wait_status);
    if (launch->n_interrupts > 1) {
        *exit_code = STATUS_INTERRUPTED;
        return STATUS_OK;
    }
    if (!launch->attached && launch->last_signal) {
        *exit_code = EXIT_SIGNAL + launch->last_signal;
        return STATUS_OK;
    }
    *exit_code = code;
    if (!launch->attached && code != 0) {
        launch_write(STDERR_FILENO, launch->notices.held.p, launch->notices.held.n);
        return status_set(STATUS_FAILED, "mpirun could not start the job (exit code %d)",
                          code);
    }
    int signal_number = code - EXIT_SIGNAL;
    if (signal_number > 0 && signal_number < NSIG && code != STATUS_INTERRUPTED) {
        Status status = status_set((Status)code, "a rank was ended by signal %d (%s)",
                                   signal_number, strsignal(signal_number));
        if (signal_number == SIGKILL) {
            status_hint("often the kernel, out of memory: see `dmesg`");
        }
        return status;
    }
    return STATUS_OK;
}

static void launch_free(Launch *launch)
{
    for (size_t i = 0; i < launch->n_peers; i++) {
        close(launch->peers[i].fd);
    }
    free(launch->peers);
    launch_notices_free(&launch->notices);
    const int fds[] = {launch->signals, launch->listener, launch->errors};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    sigprocmask(SIG_SETMASK, &launch->old_mask, NULL);
}

static Status check_request(int n_ranks)
{
    Launcher launcher = launch_detect();
    if (launcher.kind != LAUNCHER_NONE) {
        Status status =
            status_set(STATUS_USAGE, "--ranks inside a job that %s has started already",
                       launcher.name);
        status_hint("give the number of ranks to %s, or start without it", launcher.name);
        return status;
    }
    if (n_ranks < 1) {
        return status_set(STATUS_USAGE, "--ranks %d: expected 1 or more", n_ranks);
    }
    return STATUS_OK;
}

Status launch_run(int n_ranks, char *const argv[], int *exit_code)
{
    Status status = check_request(n_ranks);
    char *mpirun = status == STATUS_OK ? find_mpirun() : NULL;
    if (status == STATUS_OK && !mpirun) {
        status = status_set(STATUS_NOT_FOUND, "mpirun: not found on PATH");
        status_hint("--ranks needs an MPI: sudo apt-get install openmpi-bin");
    }
    if (status != STATUS_OK) {
        *exit_code = status;
        return status;
    }
    StrList command = command_line(mpirun, n_ranks, argv);
    Launch launch = {
        .signals = -1, .listener = -1, .errors = -1, .notices.out = STDERR_FILENO};
    sigprocmask(SIG_SETMASK, NULL, &launch.old_mask);
    status = start(&launch, n_ranks, &command);
    *exit_code = status;
    if (status == STATUS_OK) {
        while (!launch.ended) {
            supervise_once(&launch);
        }
        if (launch.errors >= 0) {
            read_errors(&launch);
        }
        launch_notices_end(&launch.notices);
        status = conclude(&launch, exit_code);
    }
    launch_free(&launch);
    strlist_free(&command);
    free(mpirun);
    return status;
}
