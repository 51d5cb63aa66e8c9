/* Host and Origin, parsed strictly: a name is compared whole, an address is an address.
 */
#include "tracker/http_guard.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct HostPort {
    char name[256]; /* lower case, without brackets and a dot at the end */
    char port[6];   /* "" when not given */
    bool is_v6;
} HostPort;

static bool read_port(const char *text, HostPort *out)
{
    if (!*text) {
        return true;
    }
    size_t n = strspn(text + 1, "0123456789");
    if (text[0] != ':' || text[1 + n] || n == 0 || n > 5) {
        return false;
    }
    memcpy(out->port, text + 1, n + 1);
    return true;
}

static bool read_name(const char *text, size_t n, HostPort *out)
{
    if (n == 0 || n >= sizeof out->name) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        out->name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    out->name[n] = '\0';
    return true;
}

/* False for what is no host. */
static bool read_host(const char *text, HostPort *out)
{
    *out = (HostPort){0};
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        struct in6_addr address;
        out->is_v6 = true;
        return end && read_name(text + 1, (size_t)(end - text - 1), out) &&
               inet_pton(AF_INET6, out->name, &address) == 1 && read_port(end + 1, out);
    }
    size_t n = strcspn(text, ":");
    if (strspn(text,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") < n) {
        return false;
    }
    size_t length = n > 1 && text[n - 1] == '.' ? n - 1 : n;
    return read_name(text, length, out) && read_port(text + n, out);
}

static bool is_loopback(const HostPort *host)
{
    struct in_addr v4;
    if (host->is_v6) {
        return strcmp(host->name, "::1") == 0;
    }
    return strcmp(host->name, "localhost") == 0 ||
           (inet_pton(AF_INET, host->name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

/* 0.0.0.0, 10/8, 172.16/12, 192.168/16; fc00::/7. */
static bool is_private(const HostPort *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (host->is_v6) {
        return inet_pton(AF_INET6, host->name, &v6) == 1 &&
               (v6.s6_addr[0] & 0xfe) == 0xfc;
    }
    if (inet_pton(AF_INET, host->name, &v4) != 1) {
        return false;
    }
    uint32_t a = ntohl(v4.s_addr);
    return a == 0 || a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

static bool is_listed(const StrList *allowed, const HostPort *host)
{
    for (size_t i = 0; i < allowed->n; i++) {
        const char *entry = allowed->items[i];
        if (strcmp(entry, "*") == 0) {
            return true;
        }
        bool below = strncmp(entry, "*.", 2) == 0;
        HostPort wanted;
        if (!read_host(below ? entry + 2 : entry, &wanted) ||
            (*wanted.port && strcmp(wanted.port, host->port) != 0)) {
            continue;
        }
        size_t n = strlen(host->name), m = strlen(wanted.name);
        bool same = strcmp(host->name, wanted.name) == 0;
        if (below ? n > m + 1 && host->name[n - m - 1] == '.' &&
                        strcmp(host->name + n - m, wanted.name) == 0
                  : same) {
            return true;
        }
    }
    return false;
}

bool http_guard_host(const HttpGuard *guard, const char *text)
{
    HostPort host;
    return text && read_host(text, &host) &&
           (is_loopback(&host) || is_private(&host) ||
            is_listed(&guard->allowed_hosts, &host));
}

static bool read_origin(const char *origin, HostPort *out)
{
    const char *host = strstr(origin, "://");
    return host &&
           (strncasecmp(origin, "http:", 5) == 0 ||
            strncasecmp(origin, "https:", 6) == 0) &&
           read_host(host + 3, out);
}

bool http_guard_origin(const HttpGuard *guard, const char *host_text, const char *origin,
                       const char *fetch_site)
{
    const StrList *allowed = &guard->allowed_origins;
    if (strlist_has(allowed, "*") || (origin && strlist_has(allowed, origin))) {
        return true;
    }
    if (!origin) {
        return !fetch_site || strcasecmp(fetch_site, "same-origin") == 0 ||
               strcasecmp(fetch_site, "none") == 0;
    }
    HostPort from, host;
    if (!read_origin(origin, &from) || !host_text || !read_host(host_text, &host)) {
        return false;
    }
    bool same = strcmp(from.name, host.name) == 0 && strcmp(from.port, host.port) == 0;
    return same || (is_loopback(&from) && is_loopback(&host));
}
