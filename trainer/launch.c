/* The supervisor of an mpirun child.
 *
 * Ranks connect to an abstract socket that the supervisor listens on and get the user's
 * streams (trainer/launch_attach.c). The connections stay open, so the supervisor knows
 * whom to signal. */
#include "trainer/launch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/comm.h"
#include "trainer/host.h"
#include "trainer/launch_parts.h"
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

/* After a second Ctrl-C mpirun gets this long to clean up behind its killed ranks. */
static const double KILL_GRACE_S = 3;

/* A job that a rank gave up gets this long to end by itself. */
static const double HUNG_GRACE_S = 10;

/* Ranks watch each other; the supervisor speaks up later, when none of them could. */
static const double STOPPED_GRACE_S = 5;

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
    launch->peers[launch->n_peers++] = (Peer){.fd = fd, .pid = pid, .rank = hello.rank};
    launch->attached = true;
    if (launch->last_signal) {
        kill(pid, launch->last_signal);
    }
}

static void name_peer(const Peer *peer, char out[LAUNCH_REASON])
{
    char host[HOST_NAME];
    host_name(host);
    snprintf(out, LAUNCH_REASON, "rank %d on host %s (pid %d)", peer->rank, host,
             (int)peer->pid);
}

static void drop_peer(Launch *launch, size_t i)
{
    if (!launch->peers[i].goodbye && !*launch->lost) {
        name_peer(&launch->peers[i], launch->lost);
    }
    close(launch->peers[i].fd);
    launch->peers[i] = launch->peers[--launch->n_peers];
}

static void hear_peer(Launch *launch, size_t i)
{
    bool there =
        launch_news_read(&launch->news, launch->peers[i].fd, &launch->peers[i].goodbye);
    launch->any_goodbye = launch->any_goodbye || launch->peers[i].goodbye;
    if (!there) {
        drop_peer(launch, i);
    }
    if (*launch->news.hung && launch->kill_at == 0) {
        launch->kill_at = clock_seconds() + HUNG_GRACE_S;
    }
}

static bool is_stopped(pid_t pid)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = '\0';
    const char *state = strrchr(line, ')');
    return state && (state[1] == ' ') && (state[2] == 'T' || state[2] == 't');
}

/* Ranks that were stopped have nobody to tell it when all are, or there is but one. */
static void check_stopped(Launch *launch)
{
    double now = clock_seconds(), timeout = launch->news.hang_timeout_s;
    for (size_t i = 0; i < launch->n_peers; i++) {
        Peer *peer = &launch->peers[i];
        double since = peer->stopped > 0 ? peer->stopped : now;
        peer->stopped = is_stopped(peer->pid) ? since : 0;
        if (peer->stopped > 0 && now - since > timeout + STOPPED_GRACE_S &&
            !*launch->news.hung) {
            char who[LAUNCH_REASON];
            name_peer(peer, who);
            snprintf(launch->news.hung, sizeof launch->news.hung,
                     "%.400s hangs: it was stopped for %g s", who, timeout);
            for (size_t k = 0; k < launch->n_peers; k++) {
                kill(launch->peers[k].pid, SIGKILL);
            }
            launch->kill_at = now + KILL_GRACE_S;
        }
    }
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
    bool watching = launch->news.hang_timeout_s > 0;
    poll(fds, POLL_FIXED + n_peers, launch->kill_at > 0 ? 100 : watching ? 1000 : -1);
    for (size_t i = n_peers; i-- > 0;) {
        if (fds[POLL_FIXED + i].revents) {
            hear_peer(launch, i);
        }
    }
    if (watching) {
        check_stopped(launch);
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

/* MPICH's mpirun speaks on stdout, as others do on stderr. */
static bool is_mpich(void)
{
    return strncmp(comm_library(), "MPICH", 5) == 0;
}

/* Where several are installed side by side their names tell them apart. */
char *launch_find_mpirun(void)
{
    bool mpich = is_mpich();
    const char *const names[] = {mpich ? "mpirun.mpich" : "mpirun.openmpi", "mpirun",
                                 "mpiexec"};
    const char *path = getenv("PATH");
    for (const char *p = path; p && *p; p += strspn(p, ":")) {
        size_t n = strcspn(p, ":");
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            char *file = mem_printf("%.*s/%s", (int)n, p, names[i]);
            if (access(file, X_OK) == 0) {
                return file;
            }
            free(file);
        }
        p += n;
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
    if (is_mpich()) {
        dup2(errors_in, STDOUT_FILENO);
    }
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

static void launch_free(Launch *launch)
{
    for (size_t i = 0; i < launch->n_peers; i++) {
        close(launch->peers[i].fd);
    }
    free(launch->peers);
    launch_notices_free(&launch->notices);
    launch_news_free(&launch->news);
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

static void fill_report(Launch *launch, LaunchReport *report)
{
    LaunchNews *news = &launch->news;
    report->max_failures = news->max_failures;
    report->recorded = news->recorded;
    report->run_id = news->run_id;
    report->store_uri = news->store_uri;
    news->run_id = news->store_uri = NULL;
}

static Status supervise(Launch *launch, LaunchReport *report)
{
    while (!launch->ended) {
        supervise_once(launch);
    }
    /* What the ranks said last. */
    for (size_t i = launch->n_peers; i-- > 0;) {
        size_t before;
        do {
            before = launch->n_peers;
            struct pollfd one = {.fd = launch->peers[i].fd, .events = POLLIN};
            if (poll(&one, 1, 0) <= 0) {
                break;
            }
            hear_peer(launch, i);
        } while (launch->n_peers == before);
    }
    if (launch->errors >= 0) {
        read_errors(launch);
    }
    launch_notices_end(&launch->notices);
    Status status = launch_conclude(launch, report);
    fill_report(launch, report);
    return status;
}

Status launch_supervise(int n_ranks, char *const argv[], LaunchReport *report)
{
    *report = (LaunchReport){0};
    Status status = check_request(n_ranks);
    char *mpirun = status == STATUS_OK ? launch_find_mpirun() : NULL;
    if (status == STATUS_OK && !mpirun) {
        status = status_set(STATUS_NOT_FOUND, "mpirun: not found on PATH");
        status_hint("--ranks needs an MPI: sudo apt-get install openmpi-bin");
    }
    if (status != STATUS_OK) {
        report->exit_code = status;
        return status;
    }
    StrList command = command_line(mpirun, n_ranks, argv);
    Launch launch = {
        .signals = -1, .listener = -1, .errors = -1, .notices.out = STDERR_FILENO};
    sigprocmask(SIG_SETMASK, NULL, &launch.old_mask);
    status = start(&launch, n_ranks, &command);
    report->exit_code = status;
    if (status == STATUS_OK) {
        status = supervise(&launch, report);
    }
    launch_free(&launch);
    strlist_free(&command);
    free(mpirun);
    return status;
}

Status launch_run(int n_ranks, char *const argv[], int *exit_code)
{
    LaunchReport report;
    Status status = launch_supervise(n_ranks, argv, &report);
    *exit_code = report.exit_code;
    launch_report_free(&report);
    return status;
}

void launch_report_free(LaunchReport *report)
{
    free(report->run_id);
    free(report->store_uri);
    *report = (LaunchReport){0};
}
