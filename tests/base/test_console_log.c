/* What the log of a console keeps: lines as they ended up, the beginning and the end. */
#include "base/console_log.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_console_log_XXXXXX");
    if (!mkdtemp(dir)) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/logs/rank-0.log", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return tree_remove(dir) == STATUS_OK ? 0 : 1;
}

/* The file's text; free with free(). */
static char *kept(void)
{
    StrBuf text = {0};
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &text), STATUS_OK);
    return strbuf_take(&text);
}

static void assert_kept(const char *expected)
{
    char *text = kept();
    assert_string_equal(text, expected);
    free(text);
}

static ConsoleLog *opened(size_t cap)
{
    ConsoleLog *log = console_log_open(cap);
    assert_int_equal(console_log_set_file(log, path), STATUS_OK);
    return log;
}

static void add(ConsoleLog *log, const char *text)
{
    console_log_add(log, text, strlen(text));
}

static void test_lines_are_there_at_once(void **state)
{
    (void)state;
    ConsoleLog *log = opened(1000);
    add(log, "one\ntw");
    assert_kept("one\n");
    add(log, "o\n");
    assert_kept("one\ntwo\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
}

static void test_what_came_before_the_file_comes_first(void **state)
{
    (void)state;
    ConsoleLog *log = console_log_open(1000);
    add(log, "early\nlate");
    assert_int_equal(console_log_set_file(log, path), STATUS_OK);
    assert_kept("early\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
    assert_kept("early\nlate");
}

static void test_a_rewritten_line_is_what_it_ended_as(void **state)
{
    (void)state;
    ConsoleLog *log = opened(1000);
    add(log, "\r 10 %\033[K\r 20 %\033[K");
    add(log, "\r\033[Kdone\r\n\033]0;title\a\033[1;31mred\033[0m\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
    assert_kept("done\nred\n");
}

static void test_beginning_and_end_are_kept(void **state)
{
    (void)state;
    ConsoleLog *log = opened(100);
    StrBuf last = {0};
    for (int i = 0; i < 1000; i++) {
        char line[24];
        snprintf(line, sizeof line, "line %04d\n", i);
        add(log, line);
        if (i >= 995) {
            strbuf_add_text(&last, line);
        }
    }
    assert_int_equal(console_log_close(log), STATUS_OK);
    char *expected = mem_printf("line 0000\nline 0001\nline 0002\nline 0003\nline 0004\n"
                                "\n[... 9900 bytes left out ...]\n%s",
                                last.p);
    assert_kept(expected);
    free(expected);
    strbuf_free(&last);
}

static void test_nothing_is_left_out_up_to_the_bound(void **state)
{
    (void)state;
    ConsoleLog *log = opened(60);
    add(log, "0123456789abcde\nsecond that is long\nend\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
    assert_kept("0123456789abcde\nsecond that is long\nend\n");
}

static void test_an_older_file_is_continued(void **state)
{
    (void)state;
    ConsoleLog *log = opened(1000);
    add(log, "first\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
    log = opened(1000);
    add(log, "second\n");
    assert_int_equal(console_log_close(log), STATUS_OK);
    assert_kept("first\nsecond\n");
}

static void test_a_file_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    ConsoleLog *log = console_log_open(100);
    assert_int_not_equal(console_log_set_file(log, "/proc/none/x.log"), STATUS_OK);
    add(log, "on it goes\n");
    console_log_close(log);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lines_are_there_at_once),
        CASE(test_what_came_before_the_file_comes_first),
        CASE(test_a_rewritten_line_is_what_it_ended_as),
        CASE(test_beginning_and_end_are_kept),
        CASE(test_nothing_is_left_out_up_to_the_bound),
        CASE(test_an_older_file_is_continued),
        CASE(test_a_file_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
