/* MLflow's names for what went wrong: finer than a Status, for those who answer clients
 * that match on them. */
#ifndef MUSTER_TRACKER_STORE_ERROR_H
#define MUSTER_TRACKER_STORE_ERROR_H

#include "base/status.h"

typedef enum StoreError {
    STORE_NO_ERROR,
    STORE_INVALID_PARAMETER_VALUE,
    STORE_RESOURCE_ALREADY_EXISTS,
    STORE_RESOURCE_DOES_NOT_EXIST,
    STORE_BAD_REQUEST,
    STORE_INVALID_STATE,
    STORE_TEMPORARILY_UNAVAILABLE, /* locked */
    STORE_INTERNAL_ERROR           /* damaged, disk full, not writable */
} StoreError;

/* Sets the message and the status that goes with `error`, and returns it. */
Status store_fail(StoreError error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the store call that just returned `status` on this thread failed with. */
StoreError store_error(Status status);

/* "RESOURCE_DOES_NOT_EXIST"... Static storage. */
const char *store_error_name(StoreError error);

#endif
