/* What the tests of data/ share: cmocka, a folder of their own, files in it, and
 * comparisons that print both sides. */
#ifndef MUSTER_TESTS_DATA_HELP_H
#define MUSTER_TESTS_DATA_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "tests/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char help_dir[64];

static inline int help_make_folder(void **state)
{
    (void)state;
    strcpy(help_dir, "/tmp/muster-test-XXXXXX");
    return mkdtemp(help_dir) && chdir(help_dir) == 0 ? 0 : 1;
}

static inline int help_remove_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 && tree_remove(help_dir) == STATUS_OK ? 0 : 1;
}

/* The call fails with this code and exactly this message. */
#define assert_fails(code, message, call)                                                \
    do {                                                                                 \
        assert_int_equal((call), (code));                                                \
        assert_string_equal(status_message(), (message));                                \
    } while (0)

/* A view holds exactly these bytes. */
#define assert_text(text, expected)                                                      \
    do {                                                                                 \
        Text assert_text_ = (text);                                                      \
        if (!text_is(assert_text_, (expected))) {                                        \
            fail_msg("\"%.*s\" is not \"%s\"", (int)assert_text_.n, assert_text_.p,      \
                     (expected));                                                        \
        }                                                                                \
    } while (0)

/* Writes a file into the test's folder, which is the working folder. */
static inline void put_bytes(const char *name, const void *bytes, size_t n)
{
    assert_ok(file_write(name, bytes, n));
}

static inline void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

/* A list of the texts up to NULL. */
static inline StrList list_of(const char *first, ...)
{
    StrList list = {0};
    va_list args;
    va_start(args, first);
    for (const char *item = first; item; item = va_arg(args, const char *)) {
        strlist_add(&list, item);
    }
    va_end(args);
    return list;
}

#endif
