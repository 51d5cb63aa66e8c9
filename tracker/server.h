/* The tracking server: MLflow's REST API over a store, and artifacts below one folder. */
#ifndef MUSTER_TRACKER_SERVER_H
#define MUSTER_TRACKER_SERVER_H

#include "base/status.h"
#include "tracker/access_log.h"
#include "tracker/http_guard.h"

#include <stdbool.h>

/* The texts are borrowed until server_stop. */
typedef struct ServerOptions {
    const char *host;      /* to listen on: a name or an address */
    int port;              /* 0 = a free one */
    const char *store_uri; /* as for store_open */
    const char
        *default_artifact_root; /* of new experiments; NULL = mlflow-artifacts:/ when
                                   artifacts are served, else the folder below */
    const char *artifacts_destination; /* the one folder whose files are served; NULL =
                                          "mlartifacts" beside the store */
    bool no_serve_artifacts;           /* the mlflow-artifacts endpoints answer 503 */
    HttpGuard guard;
    const char *static_prefix; /* "" or "/p" */
    bool read_only;            /* nothing that changes anything is done */
    bool no_auth; /* whoever reaches the server may use it: required for hosts
                     that are not loopback */
    AccessLog log;
    int n_threads; /* that read the store; 0 = as many as there are cores, two at least */

    char *artifact_folder; /* set by the server: artifacts_destination, absolute */
} ServerOptions;

typedef struct Server Server;

/* Opens the store, listens, answers. STATUS_USAGE for options that are refused. */
Status server_start(const ServerOptions *options, Server **out);

/* "http://127.0.0.1:5000". Borrowed. */
const char *server_url(const Server *server);

/* The store's URI, with passwords masked. Borrowed. */
const char *server_store(const Server *server);

/* Takes no new connections, lets requests that are being answered finish for
 * `patience_s`, closes everything. NULL is fine. */
void server_stop(Server *server, double patience_s);

#endif
