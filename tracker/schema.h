/* The tables of the run store: MLflow's, of one release, name for name, so that MLflow
 * opens and later migrates what we wrote, and we open what it wrote. */
#ifndef MUSTER_TRACKER_SCHEMA_H
#define MUSTER_TRACKER_SCHEMA_H

#include "base/status.h"
#include "tracker/db.h"

#include <stdbool.h>
#include <stddef.h>

/* The alembic revision that stands for this schema. */
#define SCHEMA_REVISION "bf29a5ff90ea"

/* CREATE TABLE and CREATE INDEX, in an order in which they can run. */
extern const char *const schema_statements[];
extern const size_t n_schema_statements;

/* The revision before ours: it lacks tables that nothing here reads (evaluation data sets
 * and jobs) and is otherwise the same. */
#define SCHEMA_REVISION_BEFORE "534353b11cbc"

/* The revision that the database names, to be freed; STATUS_DAMAGED when it is no run
 * store. */
Status schema_revision(Db *db, char **out);

/* Inside a write transaction: makes a store of the revision before ours one of ours. */
Status schema_upgrade(Db *db);

/* Looks at an open database. *empty = true: it has no tables at all. Otherwise it is a
 * run store of our revision (for reading, also of the one before, whose tables we read
 * are the same) or the call fails with STATUS_DAMAGED: not ours, older, newer. */
Status schema_check(Db *db, bool for_writing, bool *empty);

/* Creates every table, our indexes, and the default experiment "0", whose artifacts go
 * below `artifact_root`, unless somebody else just did; makes up the indexes and the
 * default experiment when they are missing. */
Status schema_create(Db *db, const char *artifact_root);

#endif
