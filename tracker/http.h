/* The seam to the HTTP library: connections and bytes are its business, what is asked and
 * answered is the application's. The one file that sees libmicrohttpd is http_mhd.c.
 *
 * A request is an HttpExchange. Its life: `begin` when the head is there, `handle` when
 * the body is too, `end` when the reply went out or the connection broke. The three are
 * called on the library's threads, never at once for one exchange. Whoever cannot answer
 * within `handle` without waiting calls http_suspend, hands the exchange to another
 * thread, and that thread calls http_resume once the reply is filled in. */
#ifndef MUSTER_TRACKER_HTTP_H
#define MUSTER_TRACKER_HTTP_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEADERS_MAX = 8 };

typedef struct HttpHeader {
    const char *name; /* static */
    char *value;      /* owned */
} HttpHeader;

/* Zero-initialised it is nothing yet; `status` says that there is one. */
typedef struct HttpReply {
    int status;               /* 200... */
    const char *content_type; /* static; NULL = none */
    HttpHeader headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    StrBuf body;        /* handed to the library */
    bool is_file;       /* the body is `file_size` bytes of `file` instead */
    int file;           /* owned */
    uint64_t file_size; /* bytes */
} HttpReply;

/* Adds a header; `value` is copied, control characters in it become '_'. */
void http_reply_header(HttpReply *reply, const char *name, const char *value);

/* What it holds; it is empty again. */
void http_reply_free(HttpReply *reply);

typedef struct HttpExchange {
    const char *method; /* as sent: "GET" */
    char *target;       /* as sent: "/api/x%20y?z=1" */
    char client[64];    /* the address it came from */
    double started;     /* clock_seconds() */

    /* `begin` decides what becomes of the body: it is kept here, or written to
     * `body_file`. What is beyond `body_limit` is thrown away. */
    StrBuf body;
    uint64_t body_limit;
    bool body_too_large;
    int body_file;      /* -1 = none; the application's to close */
    uint64_t body_size; /* bytes so far */
    int body_error;     /* errno of a write to body_file that failed */

    HttpReply reply;
    uint64_t reply_bytes; /* of its body, once it is sent */
    void *application;    /* its own; freed in `end` */

    void *connection; /* the library's */
    int state;        /* http_mhd.c's */
    bool counted;     /* likewise */
} HttpExchange;

/* A request header; NULL when absent. Borrowed until `end`. */
const char *http_header(const HttpExchange *x, const char *name);

/* The declared size of the body; -1 when chunked or none. */
int64_t http_content_length(const HttpExchange *x);

typedef struct HttpApplication {
    void *context;

    /* A reply set here is sent, the body is thrown away. */
    void (*begin)(void *context, HttpExchange *x);

    /* True: the reply is set. False: http_suspend was called, and the exchange belongs to
     * another thread by now. */
    bool (*handle)(void *context, HttpExchange *x);

    /* `sent`: the whole reply went out. The exchange is gone afterwards. */
    void (*end)(void *context, HttpExchange *x, bool sent);
} HttpApplication;

typedef struct HttpOptions {
    int listener;               /* a listening socket, owned by the server from here on */
    int threads;                /* that wait for sockets */
    int max_connections;        /* more are turned away */
    int timeout_s;              /* of silence on a connection */
    const char *const *headers; /* of every reply: name, value, ..., NULL; static */
} HttpOptions;

typedef struct Http Http;

Status http_start(const HttpOptions *options, const HttpApplication *application,
                  Http **out);

/* Accepts nobody any more, and waits up to `patience_s` for requests that are being
 * answered. False when some still are. */
bool http_quiesce(Http *http, double patience_s);

/* Closes every connection. No exchange may be suspended. After http_quiesce. */
void http_close(Http *http);

/* From `handle` alone, before another thread gets to know the exchange. */
void http_suspend(HttpExchange *x);

/* The reply is set. From any thread; the exchange is not the caller's any more. */
void http_resume(HttpExchange *x);

#endif
