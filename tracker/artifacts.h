/* The artifact store of a run: a local folder that its artifact_uri names.
 *
 * Names inside it are relative paths with slashes; what is absolute, has a ".." or an
 * empty component is STATUS_USAGE, and so is what leads through a link. Other kinds of
 * artifact_uri are STATUS_USAGE too. */
#ifndef MUSTER_TRACKER_ARTIFACTS_H
#define MUSTER_TRACKER_ARTIFACTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Artifact {
    char *path; /* relative to the run's artifacts */
    bool is_dir;
    int64_t size; /* bytes; 0 for a folder */
} Artifact;

typedef struct Artifacts {
    Artifact *items;
    size_t n, cap;
} Artifacts;

/* The folder of "/x/y", "file:///x/y" or "file://localhost/x/y" (percent signs decoded),
 * to be freed with free(); NULL for every other kind. */
char *artifact_local_path(const char *artifact_uri);

/* "file:///x/y" of an absolute path, its odd bytes as percent signs and digits; free with
 * free(). */
char *artifact_uri_of_path(const char *path);

/* The path of one artifact; free with free(). */
Status artifact_path(const char *artifact_uri, const char *name, char **out);

/* What lies directly in `name` ("" or NULL: at the top), by path. A missing folder, or a
 * file, lists nothing. */
Status artifacts_list(const char *artifact_uri, const char *name, Artifacts *out);
void artifacts_free(Artifacts *list);

/* Copies a file or a tree to the artifact `name`, complete or not at all; nothing is done
 * when it lies there already. */
Status artifact_put(const char *artifact_uri, const char *local, const char *name);

/* Copies an artifact, a file or a tree, to `local`, as files of their own, each complete
 * or not at all; what `local` has besides stays. STATUS_NOT_FOUND when missing. */
Status artifact_get(const char *artifact_uri, const char *name, const char *local);

/* Opens an artifact, which must be a file, to be read; close(*fd). */
Status artifact_open(const char *artifact_uri, const char *name, int *fd);

/* The way back of artifact_get: the artifact changes no more when `local` does. */
Status artifact_upload(const char *artifact_uri, const char *local, const char *name);

/* Removes an artifact; a missing one is fine. */
Status artifact_remove(const char *artifact_uri, const char *name);

#endif
