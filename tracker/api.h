/* One call of the REST API, as the handlers of tracker/api_*.c see it.
 *
 * The request has been checked against its route's fields when a handler runs: what is
 * required is there, every field has its type. A handler writes the reply's JSON and
 * returns STATUS_OK, or returns what a store call failed with, or api_fail(). */
#ifndef MUSTER_TRACKER_API_H
#define MUSTER_TRACKER_API_H

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "tracker/http.h"
#include "tracker/http_target.h"
#include "tracker/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ApiCall ApiCall;

/* ---- what a request may hold ---- */

typedef enum ApiType {
    API_STRING,
    API_ID,     /* a string, or a whole number that stands for one */
    API_INT,    /* 64 bits; a number or decimal digits in a string */
    API_DOUBLE, /* a number, or "NaN", "Infinity", "-Infinity" */
    API_BOOL,
    API_ENUM,    /* a name of `names`, or its number */
    API_STRINGS, /* a list; repeated keys of a query */
    API_IDS,     /* a list of API_ID */
    API_OBJECT,
    API_OBJECTS /* a list */
} ApiType;

typedef struct ApiFields ApiFields;

typedef struct ApiField {
    const char *name;
    ApiType type;
    bool required;            /* "" does not count */
    const char *alias;        /* an older name of the same field, or NULL */
    int64_t min, max;         /* of API_INT, both included; both 0 = any */
    const char *const *names; /* of API_ENUM by number, NULL-terminated from 1 */
    bool lenient;             /* an unknown name counts as absent */
    const ApiFields *inner;   /* of API_OBJECT and API_OBJECTS */
} ApiField;

struct ApiFields {
    const ApiField *items;
    size_t n;
};

#define API_FIELDS(...)                                                                  \
    {                                                                                    \
        (const ApiField[]){__VA_ARGS__},                                                 \
            sizeof((const ApiField[]){__VA_ARGS__}) / sizeof(ApiField)                   \
    }

/* ---- routes ---- */

typedef Status (*ApiHandler)(ApiCall *call);

typedef enum RouteBase {
    BASE_API,   /* below /api/2.0/mlflow/ and /ajax-api/2.0/mlflow/ */
    BASE_AJAX,  /* below /ajax-api/2.0/mlflow/ alone */
    BASE_FILES, /* below /api/2.0/mlflow-artifacts/ and its ajax-api twin */
    BASE_ROOT   /* below / */
} RouteBase;

/* Who may: each route says so, and one that does not is refused at the start. */
typedef enum RoutePolicy {
    POLICY_MISSING,
    POLICY_PUBLIC, /* anybody, whatever the Host: it tells nothing */
    POLICY_READ,
    POLICY_WRITE /* not with --read-only */
} RoutePolicy;

typedef enum RouteThread {
    RUN_READER, /* one of the threads with a store to read */
    RUN_WRITER, /* the one that writes; what it does is durable before it is answered */
    RUN_AT_ONCE /* where the request was read: waits for nothing */
} RouteThread;

typedef struct Route {
    const char *method;
    RouteBase base;
    const char *path; /* "{x}" stands for one component, "{*}" at the end for the rest */
    RoutePolicy policy;
    RouteThread thread;
    ApiHandler handle;
    const ApiFields
        *fields; /* of the query (GET) or of a JSON body; NULL = neither is read */

    /* The body is a file: called when the head is there, to say where it goes
     * (exchange->body_file) or to fail. NULL = it is JSON, or nothing. */
    ApiHandler take_file;
    uint64_t file_limit; /* bytes; 0 = none */
} Route;

typedef struct RouteTable {
    const Route *routes;
    size_t n;
} RouteTable;

#define ROUTE_TABLE(routes)                                                              \
    {                                                                                    \
        (routes), sizeof(routes) / sizeof(routes)[0]                                     \
    }

/* ---- a call ---- */

enum { CAPTURES_MAX = 2 };

struct ApiCall {
    HttpExchange *x;
    HttpTarget target;
    const Route *route;
    char *captures[CAPTURES_MAX];         /* what "{x}" stand for, decoded */
    const struct ServerOptions *settings; /* tracker/server.h */
    Store *store;          /* the running thread's; NULL with RUN_AT_ONCE */
    Json *in;              /* the request; NULL when the route has no fields */
    JsonWriter out;        /* of the reply, inside its outermost object */
    bool failed;           /* the reply is an error */
    struct Upload *upload; /* tracker/beneath.h; owned */
    StrList scratch;       /* texts that live as long as the call */
    ApiCall *next;         /* in a queue */
};

/* Members of the request. NULL, or `otherwise`, when absent; borrowed until the end of
 * the call. `of` is the request (call->in) or an object inside it. */
const char *api_text(ApiCall *call, const Json *of, const char *name);
int64_t api_int(const Json *of, const char *name, int64_t otherwise);
double api_double(const Json *of, const char *name, double otherwise);
bool api_bool(const Json *of, const char *name, bool otherwise);
int api_enum(const Json *of, const char *name, const char *const *names, int otherwise);

/* A list of strings: its items in an array that belongs to the call's caller; free with
 * free(). NULL when there are none. */
const char **api_texts(ApiCall *call, const Json *of, const char *name, size_t *n);

/* [{"key": ..., "value": ...}, ...]; free with free(). NULL when there are none. */
KeyValue *api_key_values(ApiCall *call, const Json *of, const char *name, size_t *n);

/* ---- failures ---- */

/* Sets the reply to an error with MLflow's `code` ("INVALID_PARAMETER_VALUE"...), and
 * returns STATUS_FAILED. */
Status api_fail(ApiCall *call, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

Status api_missing(ApiCall *call, const char *parameter);
Status api_invalid(ApiCall *call, const char *parameter, const Json *value);

/* Turns what a store call failed with on this thread into the reply. */
void api_fail_with_status(ApiCall *call, Status status);

/* The HTTP status of an error code. */
int api_http_status(const char *code);

/* ---- from bytes to a checked request and back ---- */

/* Reads query or body into call->in and checks it; failures are in the reply. */
Status api_read_request(ApiCall *call);

/* Runs the handler, and makes the reply of what comes of it. */
void api_run(ApiCall *call);

#endif
