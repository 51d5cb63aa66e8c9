/* HTTP by libmicrohttpd: a pool of threads that wait with epoll.
 *
 * Targets are taken as they were sent and are decoded by tracker/http_target.c alone;
 * bodies are collected here, forms are never parsed. */
#include "tracker/http.h"

#include "base/clock.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 32 * 1024,  /* request line and headers of one connection */
    DRAIN_LIMIT = 64 * 1024 * 1024, /* a refused body up to this size is read to its end,
                                  so that the client gets to see the reply */
    BODY_SECONDS = 600              /* a body that takes longer is given up */
};

typedef enum State { STATE_NEW, STATE_BODY, STATE_DRAIN, STATE_HANDLED } State;

struct Http {
    struct MHD_Daemon *daemon;
    HttpApplication application;
    const char *const *headers; /* of every reply */
    int listener;
    atomic_int n_active; /* exchanges between `begin` and `end` */
};

/* ---- what the application sees of a request ---- */

const char *http_header(const HttpExchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

int64_t http_content_length(const HttpExchange *x)
{
    const char *text = http_header(x, "Content-Length");
    return text ? (int64_t)strtoll(text, NULL, 10) : -1;
}

void http_reply_header(HttpReply *reply, const char *name, const char *value)
{
    CHECK(reply->n_headers < HTTP_HEADERS_MAX);
    char *copy = mem_strdup(value);
    for (char *p = copy; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '_';
        }
    }
    reply->headers[reply->n_headers++] = (HttpHeader){name, copy};
}

static void name_client(struct MHD_Connection *connection, char out[64])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    snprintf(out, 64, "-");
    if (address && address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, 64);
    } else if (address && address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out, 64);
    }
}

/* ---- replies ---- */

void http_reply_free(HttpReply *reply)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        free(reply->headers[i].value);
    }
    strbuf_free(&reply->body);
    if (reply->is_file) {
        close(reply->file);
    }
    *reply = (HttpReply){0};
}

/* The library takes the body over. */
static struct MHD_Response *make_response(HttpReply *reply)
{
    if (reply->is_file) {
        reply->is_file = false;
        return MHD_create_response_from_fd64(reply->file_size, reply->file);
    }
    size_t n = reply->body.n;
    char *bytes = strbuf_take(&reply->body);
    return MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(const Http *http, HttpExchange *x)
{
    HttpReply *reply = &x->reply;
    x->state = STATE_HANDLED;
    CHECK(reply->status != 0);
    x->reply_bytes = reply->is_file ? reply->file_size : reply->body.n;
    struct MHD_Response *response = make_response(reply);
    if (!response) {
        return MHD_NO;
    }
    if (reply->content_type) {
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    }
    for (size_t i = 0; i < reply->n_headers; i++) {
        MHD_add_response_header(response, reply->headers[i].name,
                                reply->headers[i].value);
    }
    for (const char *const *h = http->headers; h && *h; h += 2) {
        MHD_add_response_header(response, h[0], h[1]);
    }
    enum MHD_Result result =
        MHD_queue_response(x->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- one request, step by step ---- */

static void *on_target(void *self, const char *target, struct MHD_Connection *connection)
{
    (void)self;
    HttpExchange *x = mem_zalloc(1, sizeof *x);
    x->target = mem_strdup(target);
    x->connection = connection;
    x->started = clock_seconds();
    x->body_file = -1;
    x->state = STATE_NEW;
    name_client(connection, x->client);
    return x;
}

typedef struct Lengths {
    int n_lengths, n_encodings;
    bool wrong;
} Lengths;

static enum MHD_Result count_lengths(void *self, enum MHD_ValueKind kind,
                                     const char *name, const char *value)
{
    (void)kind;
    Lengths *lengths = self;
    if (strcasecmp(name, "Content-Length") == 0) {
        lengths->n_lengths++;
        lengths->wrong |= !value || !*value || value[strspn(value, "0123456789")];
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        lengths->n_encodings++;
        lengths->wrong |= !value || strcasecmp(value, "chunked") != 0;
    }
    return MHD_YES;
}

/* Whether it can be told where the body ends, in one way only: a proxy in front might
 * take another, and then somebody's body is somebody else's request. */
static bool length_is_clear(HttpExchange *x)
{
    Lengths lengths = {0};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_lengths, &lengths);
    return !lengths.wrong && lengths.n_lengths + lengths.n_encodings <= 1;
}

static enum MHD_Result refuse_head(Http *http, HttpExchange *x)
{
    x->reply.status = 400;
    http_reply_header(&x->reply, "Connection", "close");
    return send_reply(http, x);
}

static enum MHD_Result on_head(Http *http, HttpExchange *x, const char *method)
{
    x->method = method;
    if (!length_is_clear(x)) {
        return refuse_head(http, x);
    }
    x->counted = true;
    atomic_fetch_add(&http->n_active, 1);
    http->application.begin(http->application.context, x);
    if (x->reply.status == 0) {
        x->state = STATE_BODY;
        return MHD_YES;
    }
    x->state = STATE_DRAIN;
    return http_content_length(x) > DRAIN_LIMIT ? send_reply(http, x) : MHD_YES;
}

static bool write_body(HttpExchange *x, const char *bytes, size_t n)
{
    while (n > 0 && x->body_error == 0) {
        ssize_t done = write(x->body_file, bytes, n);
        if (done < 0) {
            x->body_error = errno == EINTR ? 0 : errno;
            continue;
        }
        bytes += done;
        n -= (size_t)done;
    }
    return x->body_error == 0;
}

/* False: the connection is not worth going on with. */
static bool take_piece(HttpExchange *x, const char *bytes, size_t n)
{
    x->body_size += n;
    if (clock_seconds() - x->started > BODY_SECONDS) {
        return false;
    }
    if (x->state == STATE_DRAIN) {
        return x->body_size <= DRAIN_LIMIT;
    }
    if (x->body_size > x->body_limit) {
        x->body_too_large = true;
        return x->body_size <= x->body_limit + DRAIN_LIMIT;
    }
    if (x->body_file >= 0) {
        write_body(x, bytes, n); /* a failure is the application's to report */
    } else {
        strbuf_add(&x->body, bytes, n);
    }
    return true;
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *n_bytes,
                                  void **exchange)
{
    (void)connection;
    (void)url;
    (void)version;
    Http *http = self;
    HttpExchange *x = *exchange;
    if (x->state == STATE_NEW) {
        return on_head(http, x, method);
    }
    if (x->state == STATE_HANDLED) { /* resumed */
        return send_reply(http, x);
    }
    if (*n_bytes > 0) {
        size_t n = *n_bytes;
        *n_bytes = 0;
        return take_piece(x, bytes, n) ? MHD_YES : MHD_NO;
    }
    if (x->state == STATE_DRAIN) {
        return send_reply(http, x);
    }
    x->state = STATE_HANDLED;
    return http->application.handle(http->application.context, x) ? send_reply(http, x)
                                                                  : MHD_YES;
}

static void on_completed(void *self, struct MHD_Connection *connection, void **exchange,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    Http *http = self;
    HttpExchange *x = *exchange;
    if (!x) {
        return;
    }
    if (x->counted) {
        http->application.end(http->application.context, x,
                              how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
        atomic_fetch_sub(&http->n_active, 1);
    }
    http_reply_free(&x->reply);
    strbuf_free(&x->body);
    free(x->target);
    free(x);
    *exchange = NULL;
}

void http_suspend(HttpExchange *x)
{
    MHD_suspend_connection(x->connection);
}

void http_resume(HttpExchange *x)
{
    MHD_resume_connection(x->connection);
}

/* ---- the server ---- */

static void on_message(void *self, const char *format, va_list args)
{
    (void)self;
    (void)format;
    (void)args; /* what clients do wrong is their reply's and the access log's business */
}

Status http_start(const HttpOptions *options, const HttpApplication *application,
                  Http **out)
{
    Http *http = mem_zalloc(1, sizeof *http);
    http->application = *application;
    http->listener = options->listener;
    http->headers = options->headers;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ITC | MHD_USE_ERROR_LOG;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message,
        NULL, MHD_OPTION_LISTEN_SOCKET, options->listener, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)options->threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)options->timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, http, MHD_OPTION_END);
    if (!http->daemon) {
        close(http->listener);
        free(http);
        return status_set(STATUS_FAILED, "the HTTP server could not be started: %s",
                          strerror(errno));
    }
    *out = http;
    return STATUS_OK;
}

bool http_quiesce(Http *http, double patience_s)
{
    MHD_socket listener = MHD_quiesce_daemon(http->daemon);
    if (listener != MHD_INVALID_SOCKET) {
        close(listener);
    }
    double until = clock_seconds() + patience_s;
    while (atomic_load(&http->n_active) > 0 && clock_seconds() < until) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return atomic_load(&http->n_active) == 0;
}

void http_close(Http *http)
{
    if (http) {
        MHD_stop_daemon(http->daemon);
        free(http);
    }
}
