/* What mpirun itself says, told apart from what ranks on other nodes say through it.
 * Private to trainer/launch.c. */
#ifndef MUSTER_TRAINER_LAUNCH_NOTICES_H
#define MUSTER_TRAINER_LAUNCH_NOTICES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* mpirun's notices stand between two lines of dashes, or on lines that begin with
 * "[host:pid]". They are moved aside; everything else passes at once. Zero-initialised is
 * empty. */
typedef struct LaunchNotices {
    int out;     /* where the rest goes */
    StrBuf line; /* the line being read */
    bool in_block;
    StrBuf held; /* what was moved aside, up to a limit */
} LaunchNotices;

void launch_notices_add(LaunchNotices *notices, const char *bytes, size_t n);

/* Passes what is left of an unfinished line. */
void launch_notices_end(LaunchNotices *notices);
void launch_notices_free(LaunchNotices *notices);

/* Writes all of it, whatever interrupts; gives up silently when `fd` takes no more. */
void launch_write(int fd, const char *bytes, size_t n);

#endif
