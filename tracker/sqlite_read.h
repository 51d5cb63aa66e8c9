/* Reading whole runs out of the SQLite store. */
#ifndef MUSTER_TRACKER_SQLITE_READ_H
#define MUSTER_TRACKER_SQLITE_READ_H

#include "tracker/db.h"
#include "tracker/entities.h"

/* The statements that read a run, for as many runs as wanted. Zero-initialised is
 * closed. */
typedef struct RunReader {
    Stmt *info, *metrics, *params, *tags, *inputs, *input_tags, *models;
} RunReader;

/* Close it after a failure too. */
Status run_reader_open(Db *db, RunReader *out);
void run_reader_close(RunReader *reader);

/* Inside a transaction. STATUS_NOT_FOUND without such a run. Free with run_free. */
Status run_reader_read(RunReader *reader, const char *run_id, Run *out);

/* One run, by a reader of its own. Inside a transaction. */
Status sqlite_read_run(Db *db, const char *run_id, Run *out);

#endif
