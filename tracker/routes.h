/* Which route a request takes. Paths are matched as they were sent; what stands for "{x}"
 * is decoded once. */
#ifndef MUSTER_TRACKER_ROUTES_H
#define MUSTER_TRACKER_ROUTES_H

#include "tracker/api.h"

#include <stdbool.h>

typedef enum RouteFound {
    ROUTE_FOUND,
    ROUTE_NO_PATH,   /* 404 */
    ROUTE_NO_METHOD, /* 405 */
    ROUTE_WRONG      /* 400: a component is no text once it is decoded */
} RouteFound;

/* Looks `path` up for `method` (HEAD counts as GET). On ROUTE_FOUND call->route and
 * call->captures are set; on ROUTE_NO_METHOD and for OPTIONS `allowed` gets "GET, POST".
 */
RouteFound route_find(ApiCall *call, const char *method, const char *path,
                      StrBuf *allowed);

/* Behind a static prefix ("" or "/p") the paths that browsers use are found too. Borrowed
 * from `path`. */
const char *route_strip_prefix(const char *path, const char *prefix);

/* `path` with runs of slashes made one; free with free(). */
char *route_merge_slashes(const char *path);

/* Every route says who may; a CHECK otherwise. Called once at the start. */
void routes_check(void);

/* Calls `visit` for every route, for tests. */
void routes_visit(void (*visit)(void *context, const Route *route), void *context);

#endif
