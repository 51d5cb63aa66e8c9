/* The socket that a server waits on. */
#ifndef MUSTER_TRACKER_HTTP_LISTEN_H
#define MUSTER_TRACKER_HTTP_LISTEN_H

#include "base/status.h"

#include <stdbool.h>

/* Binds and listens on `host` (a name or an address, of either family) and `port` (0 = a
 * free one). *out is the socket, *port_out the port. */
Status http_listen(const char *host, int port, int *out, int *port_out);

/* True when every address of `host` is reachable from this machine alone. */
bool http_is_loopback(const char *host);

#endif
