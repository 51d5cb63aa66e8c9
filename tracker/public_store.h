/* What the files behind include/muster/tracker.h share. */
#ifndef MUSTER_TRACKER_PUBLIC_STORE_H
#define MUSTER_TRACKER_PUBLIC_STORE_H

#include "base/status.h"

#include <stddef.h>

/* The store that a call means: what it was given, or what the process set, or NULL (then
 * store_open asks the environment). Free with free(). */
char *public_store_uri(const char *given);

/* Copies the caller's struct of options, whose first member is its size, over `out`,
 * which holds the defaults. One of an older, shorter layout leaves the rest as it is; of
 * a newer one what is unknown must be zero. NULL changes nothing. */
Status public_take(const void *given, void *out, size_t size, const char *type);

#define PUBLIC_TRY(call)                                                                 \
    do {                                                                                 \
        Status public_status_ = (call);                                                  \
        if (public_status_ != STATUS_OK) {                                               \
            return (MusterStatus)public_status_;                                         \
        }                                                                                \
    } while (0)

#endif
