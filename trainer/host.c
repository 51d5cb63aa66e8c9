/* Host name and address from the system, without asking the network. */
#include "trainer/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void host_name(char out[HOST_NAME])
{
    if (gethostname(out, HOST_NAME) != 0) {
        snprintf(out, HOST_NAME, "unknown");
    }
    out[HOST_NAME - 1] = '\0';
}

static const struct ifaddrs *find_address(const struct ifaddrs *list, int family)
{
    for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
        bool usable = (at->ifa_flags & IFF_UP) && !(at->ifa_flags & IFF_LOOPBACK);
        if (usable && at->ifa_addr && at->ifa_addr->sa_family == family) {
            return at;
        }
    }
    return NULL;
}

void host_ip(char out[HOST_IP])
{
    struct ifaddrs *list = NULL;
    snprintf(out, HOST_IP, "127.0.0.1");
    if (getifaddrs(&list) != 0) {
        return;
    }
    const struct ifaddrs *four = find_address(list, AF_INET);
    const struct ifaddrs *six = find_address(list, AF_INET6);
    if (four) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)four->ifa_addr)->sin_addr, out,
                  HOST_IP);
    } else if (six) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)six->ifa_addr)->sin6_addr, out,
                  HOST_IP);
    }
    freeifaddrs(list);
}
