/* include/muster/status.h: the public names of base/status.h and base/log.h. */
#include <muster/status.h>

#include "base/log.h"
#include "base/status.h"

#include <stddef.h>

_Static_assert((int)MUSTER_FAILED == STATUS_FAILED && (int)MUSTER_USAGE == STATUS_USAGE &&
                   (int)MUSTER_CONFIG == STATUS_CONFIG &&
                   (int)MUSTER_DATA == STATUS_DATA &&
                   (int)MUSTER_DAMAGED == STATUS_DAMAGED &&
                   (int)MUSTER_NOT_FOUND == STATUS_NOT_FOUND &&
                   (int)MUSTER_DENIED == STATUS_DENIED &&
                   (int)MUSTER_NETWORK == STATUS_NETWORK &&
                   (int)MUSTER_DIVERGED == STATUS_DIVERGED &&
                   (int)MUSTER_GATE == STATUS_GATE &&
                   (int)MUSTER_REQUEUE == STATUS_REQUEUE &&
                   (int)MUSTER_INTERRUPTED == STATUS_INTERRUPTED,
               "public codes are ours");

const char *muster_status_message(void)
{
    return status_message();
}

const char *muster_status_hint(void)
{
    return status_hint_text();
}

const char *muster_status_name(MusterStatus status)
{
    return status_name((Status)status);
}

const char *muster_version(void)
{
    return MUSTER_VERSION;
}

void muster_set_log(MusterLogFunction function, void *user)
{
    _Static_assert((int)MUSTER_LOG_NOTE == LOG_NOTE &&
                       (int)MUSTER_LOG_WARNING == LOG_WARNING,
                   "public levels are ours");
    log_set_sink((LogSink)function, user);
}
