/* From a request's head to the thread that answers it, and the server's life. */
#include "tracker/server.h"

#include "base/config.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "tracker/api.h"
#include "tracker/artifacts.h"
#include "tracker/beneath.h"
#include "tracker/http_listen.h"
#include "tracker/pages.h"
#include "tracker/routes.h"
#include "tracker/workers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

enum {
    JSON_LIMIT =
        32 * 1024 * 1024, /* bytes of a body; a data set's profile may have 16 MB */
    MAX_CONNECTIONS = 16000,
    SILENCE_S = 120,    /* as long as clients wait */
    LAST_REPLIES_S = 1, /* for those who are told that the server stops */
    QUEUE_MAX = 2048
};

struct Server {
    ServerOptions options;
    char *store_uri, *shown_store, *artifact_root, *url;
    Workers *workers;
    Http *http;
};

static const char *const HEADERS[] = {
    "X-Content-Type-Options", "nosniff", "X-Frame-Options", "SAMEORIGIN", NULL,
};

/* ---- the head of a request ---- */

static bool changes_something(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
           strcmp(method, "OPTIONS") != 0;
}

/* False: refused, the reply is set. */
static bool check_host(const Server *server, ApiCall *call)
{
    const char *host = http_header(call->x, "Host");
    if (call->route && call->route->policy == POLICY_PUBLIC) {
        return true;
    }
    if (http_guard_host(&server->options.guard, host)) {
        return true;
    }
    log_warning("request for host \"%.100s\" refused; --allowed-hosts lets it in",
                host ? host : "");
    page_text(&call->x->reply, 403,
              "Invalid Host header - possible DNS rebinding attack detected\n"
              "If this name is the server's, start it with --allowed-hosts NAME\n");
    return false;
}

static bool check_origin(const Server *server, ApiCall *call)
{
    HttpExchange *x = call->x;
    const char *origin = http_header(x, "Origin");
    if (!changes_something(x->method) ||
        http_guard_origin(&server->options.guard, http_header(x, "Host"), origin,
                          http_header(x, "Sec-Fetch-Site"))) {
        return true;
    }
    log_warning("request from a page of \"%.100s\" refused; --cors-allowed-origins lets "
                "it in",
                origin ? origin : "another site");
    page_text(&x->reply, 403, "Cross-origin request blocked\n");
    return false;
}

static RouteFound find_route(const Server *server, ApiCall *call, StrBuf *allowed)
{
    const char *path =
        route_strip_prefix(call->target.path, server->options.static_prefix);
    RouteFound found = route_find(call, call->x->method, path, allowed);
    return found == ROUTE_FOUND && call->target.is_wrong ? ROUTE_WRONG : found;
}

/* What is at no path may be at the path without its doubled slashes. */
static bool redirect(ApiCall *call, const char *merged)
{
    HttpReply *reply = &call->x->reply;
    StrBuf allowed = {0};
    bool found = strcmp(merged, call->target.path) != 0 &&
                 route_find(call, call->x->method, merged, &allowed) == ROUTE_FOUND;
    if (found) {
        char *to = mem_printf("%s%s%s", merged, *call->target.query ? "?" : "",
                              call->target.query);
        page_error(reply, 308, "Permanent Redirect", "The path has doubled slashes.");
        http_reply_header(reply, "Location", to);
        free(to);
    }
    strbuf_free(&allowed);
    return found;
}

static void refuse_path(ApiCall *call)
{
    char *merged = route_merge_slashes(call->target.path);
    if (!redirect(call, merged)) {
        page_error(
            &call->x->reply, 404, "Not Found",
            "The requested URL was not found on the server. If you entered the URL "
            "manually please check your spelling and try again.");
    }
    free(merged);
}

static void refuse_method(ApiCall *call, const char *allowed)
{
    HttpReply *reply = &call->x->reply;
    bool asks = strcmp(call->x->method, "OPTIONS") == 0;
    page_error(reply, asks ? 200 : 405, asks ? "Options" : "Method Not Allowed",
               asks ? "See the header Allow."
                    : "The method is not allowed for the requested URL.");
    http_reply_header(reply, "Allow", allowed);
}

static bool check_policy(const Server *server, ApiCall *call)
{
    if (call->route->policy == POLICY_WRITE && server->options.read_only) {
        api_fail(call, "PERMISSION_DENIED", "the server was started with --read-only");
        return false;
    }
    return true;
}

static bool too_large(ApiCall *call)
{
    api_fail(call, "REQUEST_TOO_LARGE", "the body is larger than %llu bytes",
             (unsigned long long)call->x->body_limit);
    return true;
}

/* Where the body goes. */
static void prepare_body(ApiCall *call)
{
    HttpExchange *x = call->x;
    const Route *route = call->route;
    uint64_t file_limit = route->file_limit ? route->file_limit : UINT64_MAX / 2;
    x->body_limit = route->take_file ? file_limit : JSON_LIMIT;
    int64_t length = http_content_length(x);
    if (length > 0 && (uint64_t)length > x->body_limit) {
        too_large(call);
        return;
    }
    if (route->take_file) {
        Status status = route->take_file(call);
        if (status != STATUS_OK && !call->failed) {
            api_fail_with_status(call, status);
        }
    }
}

static void take_head(const Server *server, ApiCall *call)
{
    StrBuf allowed = {0};
    RouteFound found = find_route(server, call, &allowed);
    if (!check_host(server, call) || !check_origin(server, call)) {
        strbuf_free(&allowed);
        return;
    }
    switch (found) {
    case ROUTE_NO_PATH:
        refuse_path(call);
        break;
    case ROUTE_NO_METHOD:
        refuse_method(call, allowed.p);
        break;
    case ROUTE_WRONG:
        api_fail(call, "INVALID_PARAMETER_VALUE", "Invalid path");
        break;
    case ROUTE_FOUND:
        if (check_policy(server, call)) {
            prepare_body(call);
        }
        break;
    }
    strbuf_free(&allowed);
}

static void on_begin(void *self, HttpExchange *x)
{
    Server *server = self;
    ApiCall *call = mem_zalloc(1, sizeof *call);
    x->application = call;
    call->x = x;
    call->settings = &server->options;
    http_target_read(x->target, &call->target);
    take_head(server, call);
}

/* ---- the whole request ---- */

static bool on_handle(void *self, HttpExchange *x)
{
    Server *server = self;
    ApiCall *call = x->application;
    if (x->body_too_large) {
        return too_large(call);
    }
    if (api_read_request(call) != STATUS_OK) {
        return true;
    }
    if (call->route->thread == RUN_AT_ONCE) {
        api_run(call);
        return true;
    }
    http_suspend(x);
    if (!workers_take(server->workers, call)) {
        api_fail(call, "TEMPORARILY_UNAVAILABLE", "too many requests wait, try again");
        http_resume(x);
    }
    return false;
}

static void call_free(ApiCall *call)
{
    upload_abort(call->upload);
    http_target_free(&call->target);
    for (int i = 0; i < CAPTURES_MAX; i++) {
        free(call->captures[i]);
    }
    json_free(call->in);
    strlist_free(&call->scratch);
    free(call);
}

static void on_end(void *self, HttpExchange *x, bool sent)
{
    Server *server = self;
    access_log_write(server->options.log, x, sent ? x->reply.status : 0, x->reply_bytes);
    call_free(x->application);
}

/* ---- starting and stopping ---- */

/* Every connection is a descriptor, so are the store's files. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int connection_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > MAX_CONNECTIONS + 200) {
        return MAX_CONNECTIONS;
    }
    return limit.rlim_cur > 400 ? (int)limit.rlim_cur - 200 : 200;
}

static Status check_options(const ServerOptions *options)
{
    const char *prefix = options->static_prefix;
    size_t n = strlen(prefix);
    if (n > 0 &&
        (prefix[0] != '/' || prefix[n - 1] == '/' || strpbrk(prefix, "?#%<>\"& "))) {
        return status_set(STATUS_USAGE,
                          "--static-prefix: expected a path like /p, found \"%s\"",
                          prefix);
    }
    if (!options->no_auth && !http_is_loopback(options->host)) {
        status_set(STATUS_USAGE,
                   "--host %s: whoever reaches this address could read and change every "
                   "run",
                   options->host);
        status_hint("put a server that asks for passwords in front, or insist with "
                    "--no-auth");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static char *folder_beside(const char *store_uri)
{
    char *path = store_uri_path(store_uri);
    path = path ? path : artifact_local_path(store_uri);
    char *folder = mem_printf("%.*smlartifacts", (int)(path_base(path) - path), path);
    free(path);
    return folder;
}

static Status choose_folders(Server *server)
{
    ServerOptions *options = &server->options;
    const char *given = options->artifacts_destination;
    if (given && strstr(given, "://") && strncmp(given, "file://", 7) != 0) {
        status_set(STATUS_USAGE, "--artifacts-destination %s: expected a folder", given);
        status_hint("artifacts are served from local folders alone");
        return STATUS_USAGE;
    }
    char *local =
        given && strncmp(given, "file://", 7) == 0 ? artifact_local_path(given) : NULL;
    char *beside = given ? NULL : folder_beside(server->store_uri);
    options->artifact_folder = local ? local : path_absolute(given ? given : beside);
    free(beside);
    const char *root = options->default_artifact_root;
    root = root || options->no_serve_artifacts ? root : "mlflow-artifacts:/";
    server->artifact_root = mem_strdup(root ? root : options->artifact_folder);
    return STATUS_OK;
}

static Status start_workers(Server *server)
{
    size_t cores = parallel_cores();
    int n = server->options.n_threads;
    WorkersOptions options = {.store_uri = server->store_uri,
                              .artifact_root = server->artifact_root,
                              .n_readers = n ? n : (cores > 2 ? (int)cores : 2),
                              .read_only = server->options.read_only,
                              .queue_max = QUEUE_MAX};
    return workers_start(&options, &server->workers);
}

static Status start_http(Server *server)
{
    const char *host = server->options.host;
    int listener, port;
    TRY(http_listen(host, server->options.port, &listener, &port));
    bool is_v6 = strchr(host, ':') != NULL;
    server->url = mem_printf("http://%s%s%s:%d%s", is_v6 ? "[" : "", host,
                             is_v6 ? "]" : "", port, server->options.static_prefix);
    size_t cores = parallel_cores();
    HttpOptions options = {.listener = listener,
                           .threads = cores > 8 ? 4 : 2,
                           .max_connections = connection_limit(),
                           .timeout_s = SILENCE_S,
                           .headers = HEADERS};
    HttpApplication application = {server, on_begin, on_handle, on_end};
    return http_start(&options, &application, &server->http);
}

static Status start_parts(Server *server)
{
    TRY(store_uri_resolve(server->options.store_uri, &server->store_uri));
    server->shown_store = config_mask_uris(server->store_uri);
    TRY(choose_folders(server));
    TRY(start_workers(server));
    return start_http(server);
}

Status server_start(const ServerOptions *options, Server **out)
{
    TRY(check_options(options));
    routes_check();
    raise_file_limit();
    Server *server = mem_zalloc(1, sizeof *server);
    server->options = *options;
    Status status = start_parts(server);
    if (status != STATUS_OK) {
        server_stop(server, 0);
        return status;
    }
    *out = server;
    return STATUS_OK;
}

const char *server_url(const Server *server)
{
    return server->url;
}

const char *server_store(const Server *server)
{
    return server->shown_store;
}

void server_stop(Server *server, double patience_s)
{
    if (!server) {
        return;
    }
    bool quiet = !server->http || http_quiesce(server->http, patience_s);
    workers_stop(server->workers);
    if (!quiet) {
        http_quiesce(server->http, LAST_REPLIES_S);
    }
    http_close(server->http);
    free(server->store_uri);
    free(server->shown_store);
    free(server->artifact_root);
    free(server->url);
    free(server->options.artifact_folder);
    free(server);
}
