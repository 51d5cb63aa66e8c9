/* Plain sockets. Whole records are read at once: sixteen bytes never arrive in pieces
 * that matter, and what is left of a torn one comes with the next look. */
#include "trainer/watch_wire.h"

#include "base/hash.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A stranger who connects, or an address that swallows packets, holds nobody up. */
static const struct timeval HELLO_PATIENCE = {.tv_usec = 200 * 1000};
static const struct timeval CONNECT_PATIENCE = {.tv_sec = 2};

/* Equal for processes that reach each other by the loopback: one kernel, one
 * namespace of networks; and one of processes, so that a pid means the same. */
typedef struct Place {
    char boot[40];
    uint64_t network, pids;
} Place;

static uint64_t namespace_of(const char *path)
{
    struct stat ns;
    return stat(path, &ns) == 0 ? ns.st_ino : 0;
}

static void find_place(Place *place)
{
    *place = (Place){.network = namespace_of("/proc/self/ns/net"),
                     .pids = namespace_of("/proc/self/ns/pid")};
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file) {
        size_t n = fread(place->boot, 1, sizeof place->boot - 1, file);
        place->boot[n] = '\0';
        fclose(file);
    }
}

static bool share_a_machine(const Ranks *ranks)
{
    Place mine;
    find_place(&mine);
    Place first = mine;
    ranks->broadcast(ranks->self, &first, sizeof first);
    return !ranks->max(ranks->self, memcmp(&first, &mine, sizeof mine) != 0);
}

static void list_addresses(WatchOffer *offer)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        return;
    }
    for (const struct ifaddrs *a = all; a && offer->n < WATCH_ADDRESSES;
         a = a->ifa_next) {
        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && (a->ifa_flags & IFF_UP) &&
            !(a->ifa_flags & IFF_LOOPBACK)) {
            struct sockaddr_in in;
            memcpy(&in, a->ifa_addr, sizeof in);
            offer->addresses[offer->n++] = in.sin_addr.s_addr;
        }
    }
    freeifaddrs(all);
}

static int listen_at(uint32_t address, uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address};
    socklen_t size = sizeof in;
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, size) != 0 ||
        listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &size) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    *port = in.sin_port;
    return fd;
}

int watch_listen(const Ranks *ranks, WatchOffer *offer)
{
    int fd = -1;
    bool local = share_a_machine(ranks);
    *offer = (WatchOffer){0};
    if (ranks->rank == 0) {
        fd = listen_at(local ? htonl(INADDR_LOOPBACK) : htonl(INADDR_ANY), &offer->port);
        if (fd >= 0 && getrandom(offer->token, WATCH_TOKEN, 0) == WATCH_TOKEN) {
            offer->addresses[0] = htonl(INADDR_LOOPBACK);
            offer->n = local ? 1 : 0;
            offer->local = local;
            if (!local) {
                list_addresses(offer);
            }
        }
    }
    ranks->broadcast(ranks->self, offer, sizeof *offer);
    return fd;
}

static void beat_at_once(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int watch_connect(const WatchOffer *offer, const WatchHello *hello)
{
    for (uint32_t i = 0; i < offer->n && i < WATCH_ADDRESSES; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = offer->port,
                                 .sin_addr.s_addr = offer->addresses[i]};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &CONNECT_PATIENCE,
                   sizeof CONNECT_PATIENCE);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&in, sizeof in) == 0 &&
            send(fd, hello, sizeof *hello, MSG_NOSIGNAL) == (ssize_t)sizeof *hello) {
            beat_at_once(fd);
            return fd;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return -1;
}

int watch_accept(int listener, const WatchOffer *offer, int size, WatchHello *hello)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &HELLO_PATIENCE, sizeof HELLO_PATIENCE);
    if (recv(fd, hello, sizeof *hello, MSG_WAITALL) != (ssize_t)sizeof *hello ||
        memcmp(hello->token, offer->token, WATCH_TOKEN) != 0 || hello->rank <= 0 ||
        hello->rank >= size) {
        close(fd);
        return -1;
    }
    hello->host[HOST_NAME - 1] = '\0';
    beat_at_once(fd);
    return fd;
}

void watch_send(int fd, const WatchBeat *beat)
{
    /* Nothing to do about a failure: its end is seen when reading. */
    ssize_t sent = send(fd, beat, sizeof *beat, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
}

bool watch_receive(int fd, WatchBeat *beat, bool *ended)
{
    WatchBeat next;
    bool any = false;
    *ended = false;
    for (;;) {
        ssize_t n = recv(fd, &next, sizeof next, MSG_DONTWAIT | MSG_PEEK);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return any;
        }
        if (n <= 0) {
            *ended = true;
            return any;
        }
        if (n < (ssize_t)sizeof next) {
            return any;
        }
        n = recv(fd, &next, sizeof next, MSG_DONTWAIT);
        *beat = next;
        any = true;
    }
}

/* To close with bytes unread would reset the connection, and what the other has not read
 * yet would be lost with it. */
void watch_hang_up(int fd)
{
    char rest[256];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &HELLO_PATIENCE, sizeof HELLO_PATIENCE);
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0) {
    }
    close(fd);
}
