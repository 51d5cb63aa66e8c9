/* Copying a tree of files into another that may have parts of it already. */
#ifndef MUSTER_TRACKER_MIRROR_H
#define MUSTER_TRACKER_MIRROR_H

#include "base/status.h"

#include <stddef.h>

/* Copies every regular file below `from` to its place below `to`, unless one of the same
 * size and time of change is there; nothing is removed there and no link followed or
 * made, so the copies change no more. *n_copied counts on. A missing `from` is empty. */
Status tree_mirror(const char *from, const char *to, size_t *n_copied);

/* The same for a file or a tree; the folder that `to` lies in is made. */
Status file_or_tree_mirror(const char *from, const char *to, size_t *n_copied);

#endif
