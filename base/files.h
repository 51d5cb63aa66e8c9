/* Files and folders: read whole with a limit, written aside and renamed, every step
 * checked. */
#ifndef MUSTER_BASE_FILES_H
#define MUSTER_BASE_FILES_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "DIR/NAME" in a string of its own; free with free(). */
char *path_join(const char *dir, const char *name);

/* The part after the last '/'. Borrowed from `path`. */
const char *path_base(const char *path);

bool file_exists(const char *path);
bool dir_exists(const char *path);

/* Reads all of `path` into a fresh buffer, refusing more than `limit` bytes. Fails with
 * `missing` (STATUS_NOT_FOUND, STATUS_CONFIG...) when it is not there, is a directory or
 * may not be read; names the nearest file name in its folder when it is not there. */
Status file_read(const char *path, size_t limit, Status missing, StrBuf *out);

/* Replaces `path` by these bytes: written to a temporary name beside it, synced, renamed,
 * the folder synced. On failure the old file stands, and the message says why and, for a
 * full disk, how many bytes were needed and are free. */
Status file_write(const char *path, const void *bytes, size_t n);

/* Appends bytes in one write and syncs them when `sync`. */
Status file_append(const char *path, const void *bytes, size_t n, bool sync);

/* Creates `path` and its parents (mode 0755); existing ones are fine. */
Status dir_make(const char *path);

/* Removes a file or a whole tree; never follows links; a missing one is fine. */
Status tree_remove(const char *path);

/* Gives the folder `aside` the name `dir` and syncs the parent. An older `dir` is first
 * put aside as well, as DIR.old.tmp, and then removed: whenever the process dies, what
 * has the name is whole. On failure the older one stands. */
Status tree_replace(const char *aside, const char *dir);

/* Names in `path` except "." and "..", sorted by bytes; `out` must be empty. */
Status dir_list(const char *path, StrList *out);

/* Makes the entries of a folder durable. */
Status dir_sync(const char *path);

/* Copies the regular files of the tree at `from` to `to` (hard links where the file
 * system allows it), written aside and renamed, so that `to` is complete or absent. An
 * existing `to` is replaced. */
Status tree_copy(const char *from, const char *to);

/* The same with files of its own: what is written into those at `from` later does not
 * reach them. */
Status tree_copy_apart(const char *from, const char *to);

/* Bytes free for us on the file system that holds `path` (or its nearest parent). */
uint64_t disk_free(const char *path);

/* True when statfs's f_type belongs to a file system that other hosts may write to. */
bool file_system_is_network(long f_type);

/* `path` made absolute against the working folder, "." and ".." resolved by text alone.
 * Free with free(). */
char *path_absolute(const char *path);

#endif
