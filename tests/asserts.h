/* Checks that every folder's tests make. */
#ifndef MUSTER_TESTS_ASSERTS_H
#define MUSTER_TESTS_ASSERTS_H

#include "base/status.h"

#include <string.h>

/* The call succeeds; its message and hint are shown when it does not. */
#define assert_ok(call)                                                                  \
    do {                                                                                 \
        Status assert_status_ = (call);                                                  \
        if (assert_status_ != STATUS_OK) {                                               \
            fail_msg("%s: %s (%s)", #call, status_message(), status_hint_text());        \
        }                                                                                \
    } while (0)

/* `text` holds `part`. */
#define assert_contains(text, part)                                                      \
    do {                                                                                 \
        if (!strstr((text), (part))) {                                                   \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                  \
        }                                                                                \
    } while (0)

#endif
