/* Zeroed memory that takes no room until it is written. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void test_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        void *block;
        char *p = mem_zalloc_untouched(n, 3, &block);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < 3 * n; i++) {
            assert_int_equal(p[i], 0);
            p[i] = 1;
        }
        free(block);
    }
}

static size_t resident_pages(void)
{
    size_t all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident;
}

static void test_takes_what_is_written(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 16384, before = resident_pages();
    void *block;
    char *p = mem_zalloc_untouched(pages, page, &block);
    assert_true(resident_pages() < before + pages / 16);
    for (size_t i = 0; i < pages; i++) {
        p[i * page] = 1;
    }
    assert_true(resident_pages() >= before + pages);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_and_aligned),
        cmocka_unit_test(test_takes_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
