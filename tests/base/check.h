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
#include "tests/asserts.h"

#include <stdio.h>
#include <string.h>

/* The call fails with this code and exactly this message. */
#define assert_fails(code, message, call)                                                \
    do {                                                                                 \
        assert_int_equal((call), (code));                                                \
        assert_string_equal(status_message(), (message));                                \
    } while (0)

#endif
