/* Which requests a browser was tricked into: the rules for Host (DNS rebinding) and
 * Origin (cross-site requests). */
#ifndef MUSTER_TRACKER_HTTP_GUARD_H
#define MUSTER_TRACKER_HTTP_GUARD_H

#include "base/text.h"

#include <stdbool.h>

typedef struct HttpGuard {
    StrList allowed_hosts;   /* "tracker.example.org", "*.example.org", "*"; with ":PORT"
                                for   that port alone */
    StrList allowed_origins; /* "https://app.example.org", "*" */
} HttpGuard;

/* "host", "host:port", "[::1]:port": fine when it is localhost, an address of this
 * machine or of a private network, or allowed. Names of addresses cannot be rebound;
 * other names can. NULL is not fine. */
bool http_guard_host(const HttpGuard *guard, const char *host);

/* Whether a request that changes something may come from where a browser says it does:
 * from a page of this server, of an allowed origin, or (for a server that is itself asked
 * for by a loopback name) of another server on this machine. No Origin and no
 * Sec-Fetch-Site means no browser. */
bool http_guard_origin(const HttpGuard *guard, const char *host, const char *origin,
                       const char *fetch_site);

#endif
