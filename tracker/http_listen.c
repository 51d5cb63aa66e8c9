/* Binding, with words for what goes wrong. */
#include "tracker/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static Status resolve(const char *host, int port, struct addrinfo **out)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int rc = getaddrinfo(host, service, &wanted, out);
    return rc == 0 ? STATUS_OK
                   : status_set(STATUS_NETWORK, "--host %s: %s", host, gai_strerror(rc));
}

static Status refuse(const char *host, int port, int error)
{
    status_set(error == EACCES ? STATUS_DENIED : STATUS_NETWORK,
               "cannot listen on %s port %d: %s", host, port, strerror(error));
    if (error == EADDRINUSE) {
        status_hint("another server is there; choose a port with -p, or 0 for any");
    } else if (error == EACCES) {
        status_hint("ports below 1024 are root's; choose another with -p");
    }
    return error == EACCES ? STATUS_DENIED : STATUS_NETWORK;
}

/* -1 with errno when it cannot be. */
static int open_listener(const struct addrinfo *at)
{
    int listener = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (listener < 0) {
        return -1;
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, at->ai_addr, at->ai_addrlen) != 0 ||
        listen(listener, BACKLOG) != 0) {
        int error = errno;
        close(listener);
        errno = error;
        return -1;
    }
    return listener;
}

static int port_of(int listener)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &n);
    return at.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&at)->sin6_port)
                                    : ntohs(((struct sockaddr_in *)&at)->sin_port);
}

Status http_listen(const char *host, int port, int *out, int *port_out)
{
    struct addrinfo *found;
    TRY(resolve(host, port, &found));
    int listener = open_listener(found);
    int error = errno;
    freeaddrinfo(found);
    if (listener < 0) {
        return refuse(host, port, error);
    }
    *out = listener;
    *port_out = port_of(listener);
    return STATUS_OK;
}

static bool is_loopback_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

bool http_is_loopback(const char *host)
{
    struct addrinfo *found;
    if (resolve(host, 0, &found) != STATUS_OK) {
        return false;
    }
    bool all = true;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        all = all && is_loopback_address(at->ai_addr);
    }
    freeaddrinfo(found);
    return all;
}
