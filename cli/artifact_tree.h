/* Everything below a run's artifacts, or below one of them, with sizes. */
#ifndef MUSTER_CLI_ARTIFACT_TREE_H
#define MUSTER_CLI_ARTIFACT_TREE_H

#include "base/status.h"
#include "tracker/artifacts.h"

/* Adds every entry below `name` (NULL or "": all), a folder before what is in it, by
 * name; a folder's size is that of all that is in it. Free with artifacts_free. */
Status artifact_tree_read(const char *artifact_uri, const char *name, Artifacts *out);

/* How many folders stand above an entry: 0 for "a", 1 for "a/b". */
size_t artifact_depth(const char *path);

#endif
