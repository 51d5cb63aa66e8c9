/* Files below a folder, under names that strangers choose.
 *
 * A name is a relative path; it is walked component by component, never through a link,
 * so that nothing outside of the folder can be reached, whatever is in it. Only regular
 * files and folders are seen: links, pipes and devices are not there. */
#ifndef MUSTER_TRACKER_BENEATH_H
#define MUSTER_TRACKER_BENEATH_H

#include "base/status.h"
#include "tracker/artifacts.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Whether `name` may be one: relative, no empty component, none of dots alone, no
 * backslash, '#', drive letter, scheme, control character or dots and slashes in other
 * clothes, not even behind several layers of percent signs. */
bool beneath_name_is_fine(const char *name);

typedef struct BeneathFile {
    int fd; /* read-only; the caller's to close */
    uint64_t size;
    struct timespec modified;
} BeneathFile;

/* STATUS_NOT_FOUND for what is no file; STATUS_USAGE for a name that is not fine. */
Status beneath_open(const char *root, const char *name, BeneathFile *out);

/* What lies directly in the folder `name` ("" = the root), by name, with paths relative
 * to it. What is no folder lists nothing. */
Status beneath_list(const char *root, const char *name, Artifacts *out);

/* A file or a whole tree; a missing one is fine. */
Status beneath_remove(const char *root, const char *name);

/* A file that is being received, under a name of its own until it is complete. */
typedef struct Upload {
    int dir;     /* the folder it goes to */
    int fd;      /* for writing */
    char *aside; /* in `dir` */
    char *name;  /* likewise */
} Upload;

/* Makes the root and the folders that `name` needs. */
Status upload_begin(const char *root, const char *name, Upload **out);

/* Syncs the file and gives it its name; what had the name is replaced, unless it is a
 * folder: STATUS_USAGE. Frees. */
Status upload_finish(Upload *upload);

/* Removes what there is; NULL is fine. Frees. */
void upload_abort(Upload *upload);

#endif
