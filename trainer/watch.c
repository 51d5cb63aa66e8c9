/* The watching thread: one loop that sends, receives and judges. What main and thread
 * share is guarded by one lock; peers are the thread's alone. */
#include "trainer/watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pulse.h"
#include "trainer/launch.h"
#include "trainer/watch_wire.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Between two beats, at most: rank 0 hears all of a large job. A share of a short
 * timeout.
 */
static const double INTERVAL_S = 0.25, INTERVAL_LARGE_S = 1;
enum { LARGE = 64, BEATS_IN_TIMEOUT = 8, TELL_TIMEOUT_S = 10 };

/* Of a rank's time, by which it is seen to compute. */
static const double CPU_SHARE = 0.01;

/* The launcher knows what a process died of, and says it if it is the first to end the
 * job. */
static const struct timespec LAUNCHER_FIRST = {.tv_sec = 2};

/* Where rank 0 vanished its launcher ends the others; those that it does not end go by
 * themselves. */
static const double ORPHAN_GRACE_S = 5;

/* Ranks that judge rank 0 do so one after the other, so that one of them speaks. */
static const double TURN_S = 0.5;
enum { MAX_TURNS = 8 };

typedef struct Peer {
    int fd;     /* -1: not connected (yet, or any more) */
    bool known; /* has introduced itself */
    bool left;  /* has said goodbye */
    int pid;
    char *host;
    WatchBeat last;
    double heard, moved; /* clock_seconds() */
} Peer;

static struct Watch {
    int rank, size;
    bool running;
    pthread_t thread;
    int wake;     /* eventfd: main wants the thread to end */
    int listener; /* rank 0 */
    WatchOffer offer;
    Peer *peers; /* [size] on rank 0 with itself at 0; elsewhere rank 0 alone */
    size_t n_peers;
    double orphaned; /* when rank 0 vanished; 0: it is there */
    double ticked, cpu_before;

    pthread_mutex_t lock;
    double timeout; /* s */
    Status (*tell)(void *context, const char *reason);
    void *context;
    bool leaving;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .timeout = WATCH_TIMEOUT_S};

static double timeout_now(void)
{
    pthread_mutex_lock(&watch.lock);
    double timeout = watch.timeout;
    pthread_mutex_unlock(&watch.lock);
    return timeout;
}

static bool is_leaving(void)
{
    pthread_mutex_lock(&watch.lock);
    bool leaving = watch.leaving;
    pthread_mutex_unlock(&watch.lock);
    return leaving;
}

static double interval_of(double timeout)
{
    double share = timeout / BEATS_IN_TIMEOUT;
    double longest = watch.size > LARGE ? INTERVAL_LARGE_S : INTERVAL_S;
    return timeout > 0 && share < longest ? share : longest;
}

/* ---- the end of a job ---- */

static void *die_by_alarm(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){.tv_sec = TELL_TIMEOUT_S}, NULL);
    _exit(STATUS_FAILED);
}

static void say(const char *reason)
{
    char who[HOST_NAME + 32] = "", host[HOST_NAME];
    host_name(host);
    if (watch.rank != 0) {
        snprintf(who, sizeof who, "[rank %d host %s] ", watch.rank, host);
    }
    status_set(STATUS_FAILED, "%s%s", who, reason);
    log_status();
}

/* Records and says it. A store on a file system that hangs must not hold up the end. */
static Status announce(LaunchWord word, const char *reason, bool silent)
{
    pthread_t last_resort;
    pulse_freeze();
    pthread_create(&last_resort, NULL, die_by_alarm, NULL);
    pthread_mutex_lock(&watch.lock);
    Status status =
        watch.tell ? watch.tell(watch.context, reason) : (Status)STATUS_FAILED;
    if (status == STATUS_FAILED && !launch_tell(word, reason) && !silent) {
        say(reason);
    }
    return status;
}

/* Does not return. */
static void end_job(LaunchWord word, const char *reason)
{
    _exit(announce(word, reason, false));
}

static void name_peer(size_t i, char out[WATCH_REASON / 2])
{
    const Peer *peer = &watch.peers[i];
    snprintf(out, WATCH_REASON / 2, "rank %zu on host %.100s (pid %d)", i, peer->host,
             peer->pid);
}

static void end_for_dead(size_t i)
{
    char who[WATCH_REASON / 2], reason[WATCH_REASON];
    name_peer(i, who);
    snprintf(reason, sizeof reason, "%s has died %s", who,
             pulse_phase_text((PulsePhase)watch.peers[i].last.phase));
    Status status = announce(LAUNCH_DIED, reason, watch.peers[i].last.kind == WATCH_LEFT);
    nanosleep(&LAUNCHER_FIRST, NULL);
    _exit(status);
}

static void end_for_hung(size_t i, const char *how, double timeout)
{
    char who[WATCH_REASON / 2], reason[WATCH_REASON];
    name_peer(i, who);
    snprintf(reason, sizeof reason, "%s hangs: %s for %g s, %s", who, how, timeout,
             pulse_phase_text((PulsePhase)watch.peers[i].last.phase));
    /* A stopped process that is woken to be ended would first go on with its work. */
    if (watch.offer.local && watch.peers[i].pid != (int)getpid()) {
        kill(watch.peers[i].pid, SIGKILL);
    }
    end_job(LAUNCH_HUNG, reason);
}

/* ---- judging ---- */

static bool is_watched(const Peer *peer)
{
    return peer->known && peer->fd >= 0;
}

static double turn_of(int rank)
{
    int turn = rank > 1 ? rank - 1 : 0;
    return TURN_S * (turn < MAX_TURNS ? turn : MAX_TURNS);
}

static void judge(double now, double timeout)
{
    bool all_wait = watch.rank == 0 && watch.size > 1, none_moves = true;
    for (size_t i = 0; i < watch.n_peers && timeout > 0; i++) {
        const Peer *peer = &watch.peers[i];
        bool self = watch.rank == 0 && i == 0;
        if (!self && !is_watched(peer)) {
            all_wait = false;
            continue;
        }
        if (!self && now - peer->heard > timeout + turn_of(watch.rank)) {
            end_for_hung(i, "no sign of life", timeout);
        }
        bool still = now - peer->moved > timeout;
        if (watch.rank == 0 && still && !peer->last.waiting) {
            end_for_hung(i, "it has not moved", timeout);
        }
        all_wait = all_wait && peer->last.waiting;
        none_moves = none_moves && still;
    }
    if (timeout > 0 && all_wait && none_moves) {
        char reason[WATCH_REASON];
        snprintf(reason, sizeof reason,
                 "no rank has moved for %g s: each waits for another, %s", timeout,
                 pulse_phase_text((PulsePhase)watch.peers[0].last.phase));
        end_job(LAUNCH_HUNG, reason);
    }
    if (watch.orphaned > 0 && now - watch.orphaned > ORPHAN_GRACE_S) {
        end_for_dead(0);
    }
}

/* ---- beats ---- */

static void take_beat(Peer *peer, const WatchBeat *beat, double now)
{
    peer->heard = now;
    if (beat->beats != peer->last.beats || beat->waiting != peer->last.waiting) {
        peer->moved = now;
    }
    peer->last = *beat;
    peer->left = peer->left || beat->kind == WATCH_GOODBYE;
}

/* Where time on the processor counts as moving, all threads' but this one's. */
static void beat_by_cpu(double seconds)
{
    struct timespec own;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    double cpu = clock_cpu_seconds() - ((double)own.tv_sec + 1e-9 * (double)own.tv_nsec);
    bool busy = cpu - watch.cpu_before > CPU_SHARE * seconds;
    watch.cpu_before = cpu;
    if (busy && pulse_moves_by_cpu(pulse_read().phase)) {
        pulse_beat();
    }
}

static void send_beats(double now)
{
    Pulse pulse = pulse_read();
    WatchBeat beat = {.beats = pulse.beats,
                      .kind = is_leaving() ? WATCH_GOODBYE : WATCH_BEAT,
                      .phase = (uint8_t)pulse.phase,
                      .waiting = pulse.waiting};
    for (size_t i = 0; i < watch.n_peers; i++) {
        if (watch.peers[i].fd >= 0) {
            watch_send(watch.peers[i].fd, &beat);
        }
    }
    if (watch.rank == 0) {
        take_beat(&watch.peers[0], &beat, now);
    }
}

static void hear(size_t i, double now)
{
    Peer *peer = &watch.peers[i];
    WatchBeat beat;
    bool ended;
    if (watch_receive(peer->fd, &beat, &ended)) {
        take_beat(peer, &beat, now);
    }
    if (!ended) {
        return;
    }
    close(peer->fd);
    peer->fd = -1;
    if (!peer->left && watch.rank == 0) {
        end_for_dead(i);
    }
    if (!peer->left) {
        watch.orphaned = now;
    }
}

static void greet(double now)
{
    WatchHello hello;
    int fd = watch_accept(watch.listener, &watch.offer, watch.size, &hello);
    if (fd < 0) {
        return;
    }
    Peer *peer = &watch.peers[hello.rank];
    if (peer->known) {
        close(fd);
        return;
    }
    *peer = (Peer){.fd = fd,
                   .known = true,
                   .pid = hello.pid,
                   .host = mem_strdup(hello.host),
                   .heard = now,
                   .moved = now};
}

/* ---- the thread ---- */

enum { POLL_WAKE, POLL_LISTENER, POLL_FIXED };

/* What main adds to the eventfd. */
static const uint64_t WAKE_TO_SEND = 1, WAKE_TO_END = 1000;

/* False when the thread is to end. */
static bool wait_for_news(struct pollfd *fds, double seconds)
{
    fds[POLL_WAKE] = (struct pollfd){.fd = watch.wake, .events = POLLIN};
    fds[POLL_LISTENER] = (struct pollfd){.fd = watch.listener, .events = POLLIN};
    for (size_t i = 0; i < watch.n_peers; i++) {
        fds[POLL_FIXED + i] = (struct pollfd){.fd = watch.peers[i].fd, .events = POLLIN};
    }
    poll(fds, POLL_FIXED + watch.n_peers, seconds > 0 ? (int)(seconds * 1000) : 0);
    uint64_t wakes = 0;
    bool woken = fds[POLL_WAKE].revents != 0 &&
                 read(watch.wake, &wakes, sizeof wakes) == (ssize_t)sizeof wakes;
    return !woken || wakes < WAKE_TO_END;
}

static void read_news(const struct pollfd *fds, double now)
{
    for (size_t i = 0; i < watch.n_peers; i++) {
        if (fds[POLL_FIXED + i].revents && watch.peers[i].fd >= 0) {
            hear(i, now);
        }
    }
    if (fds[POLL_LISTENER].revents) {
        greet(now);
    }
}

/* We stood still ourselves (a stopped job that goes on, a machine that slept): what the
 * others did meanwhile is not known yet. */
static void forgive(double now)
{
    for (size_t i = 0; i < watch.n_peers; i++) {
        watch.peers[i].heard = watch.peers[i].moved = now;
    }
}

static void *keep_watch(void *unused)
{
    (void)unused;
    struct pollfd *fds = mem_zalloc(POLL_FIXED + watch.n_peers, sizeof *fds);
    watch.ticked = clock_seconds();
    double next = watch.ticked;
    for (;;) {
        double timeout = timeout_now(), interval = interval_of(timeout);
        double now = clock_seconds();
        if (now >= next || is_leaving()) {
            if (now - next > interval * 2) {
                forgive(now);
            }
            beat_by_cpu(now - watch.ticked);
            send_beats(now);
            judge(now, timeout);
            watch.ticked = now;
            next = now + interval;
        }
        double wait = next - now < interval ? next - now : interval;
        if (!wait_for_news(fds, wait)) {
            break;
        }
        read_news(fds, clock_seconds());
    }
    free(fds);
    return NULL;
}

static void start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watch.running = pthread_create(&watch.thread, NULL, keep_watch, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void connect_to_root(const WatchHello *root)
{
    Peer *peer = &watch.peers[0];
    WatchHello hello = {.rank = watch.rank, .pid = (int32_t)getpid()};
    memcpy(hello.token, watch.offer.token, WATCH_TOKEN);
    host_name(hello.host);
    *peer = (Peer){.fd = watch_connect(&watch.offer, &hello),
                   .known = true,
                   .pid = root->pid,
                   .host = mem_strdup(root->host)};
    if (peer->fd < 0) {
        fprintf(stderr,
                "muster: warning: [rank %d host %s] cannot reach rank 0 on host %s: it "
                "will not be noticed if one of them hangs\n",
                watch.rank, hello.host, root->host);
    }
}

void watch_open(const Ranks *ranks)
{
    WatchHello root = {.pid = (int32_t)getpid()};
    host_name(root.host);
    ranks->broadcast(ranks->self, &root, sizeof root);
    watch.rank = ranks->rank;
    watch.size = ranks->size;
    watch.n_peers = ranks->rank == 0 ? (size_t)ranks->size : 1;
    watch.peers = mem_zalloc(watch.n_peers, sizeof *watch.peers);
    for (size_t i = 0; i < watch.n_peers; i++) {
        watch.peers[i].fd = -1;
    }
    watch.listener = ranks->size > 1 ? watch_listen(ranks, &watch.offer) : -1;
    if (ranks->rank == 0) {
        watch.peers[0].pid = root.pid;
        watch.peers[0].host = mem_strdup(root.host);
    } else {
        connect_to_root(&root);
    }
    forgive(clock_seconds());
    watch.wake = eventfd(0, EFD_CLOEXEC);
    start_thread();
}

void watch_set_timeout(double seconds)
{
    pthread_mutex_lock(&watch.lock);
    watch.timeout = seconds;
    pthread_mutex_unlock(&watch.lock);
}

void watch_on_failure(Status (*tell)(void *context, const char *reason), void *context)
{
    pthread_mutex_lock(&watch.lock);
    watch.tell = tell;
    watch.context = context;
    pthread_mutex_unlock(&watch.lock);
}

static void wake_thread(uint64_t what)
{
    ssize_t n = write(watch.wake, &what, sizeof what);
    (void)n;
}

void watch_fail(void)
{
    if (!watch.running) {
        return;
    }
    char host[HOST_NAME], reason[WATCH_REASON];
    host_name(host);
    Pulse pulse = pulse_read();
    snprintf(reason, sizeof reason,
             "rank %d on host %s (pid %d) has left in the middle of the job, %s",
             watch.rank, host, (int)getpid(), pulse_phase_text(pulse.phase));
    WatchBeat beat = {.kind = WATCH_LEFT, .phase = (uint8_t)pulse.phase};
    if (watch.rank != 0 && watch.peers[0].fd >= 0) {
        watch_send(watch.peers[0].fd, &beat);
    }
    announce(LAUNCH_HUNG, reason, false);
}

void watch_leave(void)
{
    if (watch.running) {
        pthread_mutex_lock(&watch.lock);
        watch.leaving = true;
        pthread_mutex_unlock(&watch.lock);
        wake_thread(WAKE_TO_SEND);
    }
}

void watch_close(void)
{
    if (!watch.running) {
        return;
    }
    wake_thread(WAKE_TO_END);
    pthread_join(watch.thread, NULL);
    watch.running = false;
    for (size_t i = 0; i < watch.n_peers; i++) {
        if (watch.peers[i].fd >= 0) {
            watch_hang_up(watch.peers[i].fd);
        }
        free(watch.peers[i].host);
    }
    free(watch.peers);
    close(watch.wake);
    if (watch.listener >= 0) {
        close(watch.listener);
    }
}
