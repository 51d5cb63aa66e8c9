/* A copy of a database that is in use. */
#ifndef MUSTER_TRACKER_DB_BACKUP_H
#define MUSTER_TRACKER_DB_BACKUP_H

#include "base/status.h"

/* Copies the database at `from`, as it is at one moment, to `to`, which must not be
 * there: complete, checked and synced, or not at all. Writers go on meanwhile; only where
 * there is no write-ahead log do they wait. STATUS_NOT_FOUND without the database,
 * STATUS_DENIED when it stays locked, STATUS_DAMAGED when the copy is not whole. */
Status db_backup(const char *from, const char *to);

#endif
