/* The table of tables, and the matching. */
#include "tracker/routes.h"

#include "base/mem.h"
#include "tracker/api_shared.h"

#include <stdlib.h>
#include <string.h>

static const RouteTable *const TABLES[] = {
    &api_log,      &api_runs,          &api_metrics,   &api_experiments,    &api_registry,
    &api_versions, &api_logged_models, &api_artifacts, &api_artifact_proxy, &api_pages,
};

enum { N_TABLES = sizeof TABLES / sizeof TABLES[0] };

static const struct {
    const char *prefix;
    unsigned bases;
} PREFIXES[] = {
    {"/api/2.0/mlflow/", 1u << BASE_API},
    {"/ajax-api/2.0/mlflow/", 1u << BASE_API | 1u << BASE_AJAX},
    {"/api/2.0/mlflow-artifacts/", 1u << BASE_FILES},
    {"/ajax-api/2.0/mlflow-artifacts/", 1u << BASE_FILES},
    {"/", 1u << BASE_ROOT},
};

typedef struct Match {
    Text captures[CAPTURES_MAX]; /* as sent */
    size_t n;
} Match;

static bool path_matches(const char *pattern, const char *path, Match *match)
{
    match->n = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++) {
                return false;
            }
            continue;
        }
        bool rest = pattern[1] == '*';
        size_t n = rest ? strlen(path) : strcspn(path, "/");
        if (n == 0) {
            return false;
        }
        match->captures[match->n++] = (Text){path, n};
        path += n;
        pattern = strchr(pattern, '}') + 1;
    }
    return *path == '\0';
}

static RouteFound take(ApiCall *call, const Route *route, const Match *match)
{
    bool wrong = false;
    call->route = route;
    for (size_t i = 0; i < match->n; i++) {
        free(call->captures[i]);
        call->captures[i] = http_decode(match->captures[i], false, &wrong);
    }
    return wrong ? ROUTE_WRONG : ROUTE_FOUND;
}

static void allow(StrBuf *allowed, const char *method)
{
    if (!allowed->p || !strstr(allowed->p, method)) {
        strbuf_printf(allowed, "%s%s", allowed->n ? ", " : "", method);
    }
}

static RouteFound find_below(ApiCall *call, const char *method, const char *path,
                             unsigned bases, StrBuf *allowed)
{
    RouteFound found = ROUTE_NO_PATH;
    for (size_t t = 0; t < N_TABLES; t++) {
        for (size_t i = 0; i < TABLES[t]->n; i++) {
            const Route *route = &TABLES[t]->routes[i];
            Match match;
            if (!(bases & 1u << route->base) ||
                !path_matches(route->path, path, &match)) {
                continue;
            }
            if (strcmp(route->method, method) == 0) {
                return take(call, route, &match);
            }
            found = ROUTE_NO_METHOD;
            allow(allowed, route->method);
        }
    }
    return found;
}

RouteFound route_find(ApiCall *call, const char *method, const char *path,
                      StrBuf *allowed)
{
    const char *as = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        size_t n = strlen(PREFIXES[i].prefix);
        if (strncmp(path, PREFIXES[i].prefix, n) == 0) {
            return find_below(call, as, path + n, PREFIXES[i].bases, allowed);
        }
    }
    return ROUTE_NO_PATH;
}

const char *route_strip_prefix(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    bool below = n > 0 && strncmp(path, prefix, n) == 0 && path[n] == '/' &&
                 strncmp(path + n, "/api/", 5) != 0;
    return below ? path + n : path;
}

char *route_merge_slashes(const char *path)
{
    StrBuf out = {0};
    for (const char *p = path; *p; p++) {
        if (p[0] != '/' || p[1] != '/') {
            strbuf_add_char(&out, *p);
        }
    }
    return strbuf_take(&out);
}

void routes_visit(void (*visit)(void *context, const Route *route), void *context)
{
    for (size_t t = 0; t < N_TABLES; t++) {
        for (size_t i = 0; i < TABLES[t]->n; i++) {
            visit(context, &TABLES[t]->routes[i]);
        }
    }
}

static void check(void *context, const Route *route)
{
    (void)context;
    CHECK(route->policy != POLICY_MISSING && route->handle);
    CHECK(route->policy != POLICY_PUBLIC || route->thread == RUN_AT_ONCE);
    CHECK(route->thread != RUN_WRITER || route->policy == POLICY_WRITE);
    CHECK(strcmp(route->method, "GET") != 0 || route->policy != POLICY_WRITE);
}

void routes_check(void)
{
    routes_visit(check, NULL);
}
