/* The rank's side of trainer/launch.h: under which launcher it runs, and taking over the
 * user's streams.
 *
 * The connection stays open as a lifeline: the kernel kills the rank when the supervisor
 * is gone. Not PR_SET_PDEATHSIG: a rank's parent is whichever thread of mpirun forked it,
 * and that thread may end early. */
#include "trainer/launch.h"

#include "base/text.h"
#include "trainer/launch_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int env_int(const char *name, int otherwise)
{
    const char *text = getenv(name);
    long long value;
    return text && text_to_int(text, &value) && value >= 0 && value <= INT_MAX
               ? (int)value
               : otherwise;
}

/* True inside an srun step; batch scripts and allocation shells have step numbers from
 * the top of the range, or none. */
static bool in_srun_step(void)
{
    const char *step = getenv("SLURM_STEP_ID");
    long long id;
    return step && text_to_int(step, &id) && id < 0xfffffff0LL;
}

Launcher launch_detect(void)
{
    if (getenv("OMPI_COMM_WORLD_SIZE")) {
        bool ours = getenv(LAUNCH_ENV_SOCKET) != NULL;
        return (Launcher){ours ? LAUNCHER_MUSTER : LAUNCHER_OPENMPI, "mpirun",
                          env_int("OMPI_COMM_WORLD_SIZE", 0),
                          env_int("OMPI_COMM_WORLD_RANK", 0)};
    }
    if (in_srun_step()) {
        return (Launcher){LAUNCHER_SLURM, "srun",
                          env_int("SLURM_STEP_NUM_TASKS", env_int("SLURM_NTASKS", 0)),
                          env_int("SLURM_PROCID", 0)};
    }
    if (getenv("PMI_SIZE") || getenv("PMI_RANK")) {
        bool ours = getenv(LAUNCH_ENV_SOCKET) != NULL;
        return (Launcher){ours ? LAUNCHER_MUSTER : LAUNCHER_PMI, "mpirun",
                          env_int("PMI_SIZE", 0), env_int("PMI_RANK", 0)};
    }
    return (Launcher){LAUNCHER_NONE, "", 0, 0};
}

bool launch_is_deaf(const Launcher *launcher)
{
    return launcher->kind == LAUNCHER_SLURM && launcher->size > 1 &&
           !getenv("PMIX_RANK") && !getenv("PMI_RANK");
}

socklen_t launch_address(const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* A leading NUL makes the name abstract: no file to clean up. */
    snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s", name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       strlen(address->sun_path + 1));
}

static bool receive_streams(int fd, int streams[N_STREAMS])
{
    char byte;
    struct iovec part = {&byte, 1};
    LaunchControl control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    struct cmsghdr *head = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(N_STREAMS * sizeof(int))) {
        return false;
    }
    memcpy(streams, CMSG_DATA(head), N_STREAMS * sizeof(int));
    return true;
}

/* From here on the kernel sends SIGKILL when the other end closes. */
static void tie_life(int fd)
{
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGKILL);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static int supervisor = -1;

bool launch_tell(LaunchWord word, const char *text)
{
    char bytes[sizeof(LaunchWordHead) + LAUNCH_TEXT];
    size_t n = strlen(text);
    if (supervisor < 0 || n >= LAUNCH_TEXT) {
        return false;
    }
    LaunchWordHead head = {(uint32_t)word, (uint32_t)n};
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, text, n);
    /* A few short words in a job's life: there is always room. */
    return send(supervisor, bytes, sizeof head + n, MSG_NOSIGNAL | MSG_DONTWAIT) ==
           (ssize_t)(sizeof head + n);
}

void launch_attach(void)
{
    const char *name = getenv(LAUNCH_ENV_SOCKET);
    Launcher launcher = launch_detect();
    if (!name || launcher.kind != LAUNCHER_MUSTER) {
        return;
    }
    struct sockaddr_un address;
    socklen_t size = launch_address(name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    LaunchHello hello = {launcher.rank};
    int streams[N_STREAMS];
    /* On another node there is nothing to connect to: mpirun forwards the streams. */
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) != 0 ||
        send(fd, &hello, sizeof hello, MSG_NOSIGNAL) != (ssize_t)sizeof hello ||
        !receive_streams(fd, streams)) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (int i = 0; i < N_STREAMS; i++) {
        dup2(streams[i], i);
        close(streams[i]);
    }
    tie_life(fd);
    supervisor = fd;
}
