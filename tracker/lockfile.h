/* The file beside a database that writers take turns with.
 *
 * An open-file-description lock: the kernel drops it when its holder dies, and it is
 * independent of the locks that SQLite takes on the database itself (which closing any
 * descriptor of the database would drop, so nothing here opens that). The holder writes
 * who it is and since when into the file, for those who wait. */
#ifndef MUSTER_TRACKER_LOCKFILE_H
#define MUSTER_TRACKER_LOCKFILE_H

#include "base/status.h"

typedef struct LockFile LockFile;

/* Prepares a lock for `path`, the lock file itself; nothing is opened or created yet. */
LockFile *lockfile_open(const char *path);
void lockfile_close(LockFile *lock); /* releases too; NULL is fine */

/* Waits up to `timeout_ms` for the lock. STATUS_DENIED names the holder. Not recursive.
 */
Status lockfile_acquire(LockFile *lock, int timeout_ms);
void lockfile_release(LockFile *lock);

/* "process 4711 on n2 since 2024-05-01 13:07:45", from what the last holder wrote, or
 * "another process"; free with free(). */
char *lockfile_holder(const char *path);

/* "process 4711 (python3)" when the kernel's list of locks shows another process on the
 * file `path`, else NULL; free with free(). For writers that know nothing of lock files.
 */
char *file_lock_owner(const char *path);

#endif
