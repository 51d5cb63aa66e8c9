/* SHA256SUMS of a folder: what makes a checkpoint complete, and tells a damaged one.
 *
 * The file has the form that `sha256sum -c` reads, so people can check it without us. It
 * is written last: a folder without one is not complete. Subfolders are left alone. */
#ifndef MUSTER_BASE_MANIFEST_H
#define MUSTER_BASE_MANIFEST_H

#include "base/status.h"

#define MANIFEST_NAME "SHA256SUMS"

/* Syncs every regular file of `dir` and writes their digests, sorted by name, into
 * DIR/SHA256SUMS (written aside, synced, renamed). */
Status manifest_write(const char *dir);

/* Checks that every file the manifest lists is there and has its digest; files that are
 * not listed are ignored. STATUS_NOT_FOUND when `dir` is no folder; STATUS_DAMAGED naming
 * the file, the checksum expected and the one found, or the manifest's bad line. */
Status manifest_verify(const char *dir);

/* To be called after a STATUS_DAMAGED about the folder `dir`: keeps message and hint, and
 * adds which folders beside it, named like it up to the underscore, are undamaged. */
void manifest_hint_siblings(const char *dir);

#endif
