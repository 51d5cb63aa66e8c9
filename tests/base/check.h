/* What every test of base/ includes: cmocka and a few comparisons that print both sides.
 */
#ifndef MUSTER_TESTS_BASE_CHECK_H
#define MUSTER_TESTS_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"

#include <stdio.h>
#include <string.h>

/* The call fails with this code and exactly this message. */
#define assert_fails(code, message, call)                                                \
    do {                                                                                 \
        assert_int_equal((call), (code));                                                \
        assert_string_equal(status_message(), (message));                                \
    } while (0)

/* The call succeeds; its message is shown when it does not. */
#define assert_ok(call)                                                                  \
    do {                                                                                 \
        Status assert_status_ = (call);                                                  \
        if (assert_status_ != STATUS_OK) {                                               \
            fail_msg("%s: %s", #call, status_message());                                 \
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
