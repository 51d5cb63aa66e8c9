/* What mpirun itself says, told apart from what ranks on other nodes say through it.
 * Private to trainer/launch.c. */
#ifndef MUSTER_TRAINER_LAUNCH_NOTICES_H
#define MUSTER_TRAINER_LAUNCH_NOTICES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* mpirun's notices stand between two lines of dashes, or on lines that begin with
 * "[host:pid]"; MPICH's between two lines of equals signs, an empty line before and three
 * of set words behind. They are moved aside; everything else passes at once.
 * Zero-initialised is empty. */
typedef struct LaunchNotices {
    int out;     /* where the rest goes */
    StrBuf line; /* the line being read */
    bool in_block;
    bool line_begun; /* its beginning was passed */
    size_t n_empty;  /* lines that were not passed yet */
    StrBuf held;     /* what was moved aside, up to a limit */
} LaunchNotices;

void launch_notices_add(LaunchNotices *notices, const char *bytes, size_t n);

/* The signal that ended a rank as MPICH's words have it (its exit code says nothing), or
 * 0. */
int launch_notices_signal(const LaunchNotices *notices);

/* Passes what is left of an unfinished line. */
void launch_notices_end(LaunchNotices *notices);
void launch_notices_free(LaunchNotices *notices);

/* Writes all of it, whatever interrupts; gives up silently when `fd` takes no more. */
void launch_write(int fd, const char *bytes, size_t n);

#endif
