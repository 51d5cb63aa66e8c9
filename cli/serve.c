/* `muster serve`: the tracking server, until a signal ends it. */
#include "cli/command.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "tracker/server.h"

#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const Command command_serve;

enum { PATIENCE_S = 5 };

static struct {
    const char *host;
    int64_t port;
    const char *store;
    const char *default_artifact_root, *artifacts_destination;
    bool no_serve_artifacts;
    StrList allowed_hosts, allowed_origins;
    const char *static_prefix, *access_log;
    bool read_only, no_auth;
    int64_t workers;
} options = {
    .host = "127.0.0.1", .port = 5000, .static_prefix = "", .access_log = "text"};

#define AT(member) offsetof(__typeof__(options), member)

static const Option OPTIONS[] = {
    {.name = "host",
     .alias = 'h',
     .kind = OPTION_TEXT,
     .offset = AT(host),
     .value = "HOST",
     .help = "name or address to listen on (127.0.0.1)"},
    {.name = "port",
     .alias = 'p',
     .kind = OPTION_INT,
     .offset = AT(port),
     .value = "N",
     .min = 0,
     .max = 65535,
     .help = "port to listen on, 0 for a free one (5000)"},
    {.name = "backend-store-uri",
     .kind = OPTION_TEXT,
     .offset = AT(store),
     .value = "URI",
     .help = "the run store (MLFLOW_TRACKING_URI, or sqlite:///muster.db)"},
    {.name = "default-artifact-root",
     .kind = OPTION_TEXT,
     .offset = AT(default_artifact_root),
     .value = "URI",
     .help = "where clients put artifacts of new experiments (mlflow-artifacts:/)"},
    {.name = "artifacts-destination",
     .kind = OPTION_TEXT,
     .offset = AT(artifacts_destination),
     .value = "FOLDER",
     .help = "the folder whose artifacts are served (mlartifacts beside the store)"},
    {.name = "no-serve-artifacts",
     .kind = OPTION_FLAG,
     .offset = AT(no_serve_artifacts),
     .help = "do not take or hand out artifacts for clients"},
    {.name = "allowed-hosts",
     .kind = OPTION_LIST,
     .offset = AT(allowed_hosts),
     .value = "NAMES",
     .help = "host names that clients may use, with commas; *.example.org, * for all"},
    {.name = "cors-allowed-origins",
     .kind = OPTION_LIST,
     .offset = AT(allowed_origins),
     .value = "ORIGINS",
     .help = "web pages that may change things: https://app.example.org, with commas"},
    {.name = "static-prefix",
     .kind = OPTION_TEXT,
     .offset = AT(static_prefix),
     .value = "/P",
     .help = "path that a proxy puts in front"},
    {.name = "read-only",
     .kind = OPTION_FLAG,
     .offset = AT(read_only),
     .help = "change nothing, whoever asks"},
    {.name = "no-auth",
     .kind = OPTION_FLAG,
     .offset = AT(no_auth),
     .help = "let everybody in who reaches a host other than loopback"},
    {.name = "access-log",
     .kind = OPTION_TEXT,
     .offset = AT(access_log),
     .value = "FORMAT",
     .help = "a line for each request on standard error: text, json or off (text)"},
    {.name = "workers",
     .kind = OPTION_INT,
     .offset = AT(workers),
     .value = "N",
     .min = 1,
     .max = 64,
     .help = "threads that read the store (as many as cores)"},
};

/* "a,b" given once is a and b given twice. */
static void split(const StrList *given, StrList *out)
{
    for (size_t i = 0; i < given->n; i++) {
        for (const char *p = given->items[i]; *p;) {
            size_t n = strcspn(p, ",");
            char *item = strndup(p, n);
            if (n > 0) {
                strlist_add(out, item);
            }
            free(item);
            p += n + (p[n] == ',');
        }
    }
}

static sem_t ended;

static void on_end(int number)
{
    (void)number;
    sem_post(&ended);
}

/* A handler, since a mask would not do: OpenBLAS has started threads before main, and the
 * kernel may give the signal to one of them. The second Ctrl-C ends at once. */
static void watch_signals(void)
{
    sem_init(&ended, 0, 0);
    struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags |= SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void wait_for_end(void)
{
    while (sem_wait(&ended) != 0) {
        /* interrupted by another signal */
    }
}

static void tell_start(const Server *server, const ServerOptions *with, bool json)
{
    log_note("serving %s at %s%s (Ctrl-C stops it)", server_store(server),
             server_url(server), with->read_only ? ", read-only" : "");
    if (json) {
        StrBuf line = {0};
        JsonWriter w = json_writer(&line, 0);
        json_begin_object(&w);
        json_write_key(&w, "url");
        json_write_string(&w, server_url(server));
        json_write_key(&w, "store");
        json_write_string(&w, server_store(server));
        json_end_object(&w);
        printf("%s\n", line.p);
        fflush(stdout);
        strbuf_free(&line);
    }
}

static Status serve(const ServerOptions *with, bool json)
{
    Server *server;
    watch_signals();
    TRY(server_start(with, &server));
    tell_start(server, with, json);
    wait_for_end();
    log_note("stopping: requests that are being answered get %d s", PATIENCE_S);
    server_stop(server, PATIENCE_S);
    return STATUS_OK;
}

static Status run(const Invocation *invocation)
{
    ServerOptions with = {.host = options.host,
                          .port = (int)options.port,
                          .store_uri = options.store,
                          .default_artifact_root = options.default_artifact_root,
                          .artifacts_destination = options.artifacts_destination,
                          .no_serve_artifacts = options.no_serve_artifacts,
                          .static_prefix = options.static_prefix,
                          .read_only = options.read_only,
                          .no_auth = options.no_auth,
                          .n_threads = (int)options.workers};
    TRY(access_log_parse(options.access_log, &with.log));
    split(&options.allowed_hosts, &with.guard.allowed_hosts);
    split(&options.allowed_origins, &with.guard.allowed_origins);
    Status status = serve(&with, invocation->json);
    strlist_free(&with.guard.allowed_hosts);
    strlist_free(&with.guard.allowed_origins);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster serve", "the store of this folder, for this machine alone"},
    {"MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py",
     "MLflow's client logs into it"},
    {"muster serve -p 8080 --backend-store-uri sqlite:////srv/runs.db",
     "another store and port"},
    {"muster serve -h 0.0.0.0 --no-auth --allowed-hosts tracker.example.org",
     "for a network that is trusted"},
};

const Command command_serve = {
    .name = "serve",
    .summary = "answers MLflow's clients over HTTP from a run store",
    .usage = "serve [-h HOST] [-p PORT] [options]",
    .details =
        "It answers MLflow's REST API at /api/2.0/mlflow/. What is acknowledged is "
        "on the\ndisk. SIGTERM and Ctrl-C let requests that are being answered "
        "finish.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .run = run,
};
