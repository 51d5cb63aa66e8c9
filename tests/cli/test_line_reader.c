/* Lines from a pipe: as they come, with positions for what is no text. */
#include "cli/line_reader.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Input {
    int ends[2];
    LineReader *reader;
} Input;

static void open_input(Input *input)
{
    assert_int_equal(pipe(input->ends), 0);
    input->reader = line_reader_open(input->ends[0], "<stdin>");
}

static void feed(Input *input, const char *bytes, size_t n)
{
    assert_int_equal(write(input->ends[1], bytes, n), n);
}

static void end_input(Input *input)
{
    close(input->ends[1]);
    input->ends[1] = -1;
}

static void close_input(Input *input)
{
    line_reader_close(input->reader);
    close(input->ends[0]);
    if (input->ends[1] >= 0) {
        close(input->ends[1]);
    }
}

static void assert_line(Input *input, const char *expected)
{
    Text line;
    bool more = false;
    assert_int_equal(line_reader_next(input->reader, &line, &more), STATUS_OK);
    assert_true(more);
    assert_int_equal(line.n, strlen(expected));
    assert_memory_equal(line.p, expected, line.n);
}

static void assert_end(Input *input)
{
    Text line;
    bool more = true;
    assert_int_equal(line_reader_next(input->reader, &line, &more), STATUS_OK);
    assert_false(more);
}

static void test_line_ends_and_the_last_line(void **state)
{
    (void)state;
    Input input;
    open_input(&input);
    feed(&input, "\xEF\xBB\xBFone\r\n\ntwo\nlast", 17);
    end_input(&input);
    assert_line(&input, "one");
    assert_line(&input, "");
    assert_line(&input, "two");
    assert_line(&input, "last");
    assert_end(&input);
    assert_end(&input);
    close_input(&input);
}

static void test_empty_input(void **state)
{
    (void)state;
    Input input;
    open_input(&input);
    end_input(&input);
    assert_end(&input);
    close_input(&input);
}

static void test_ready_says_what_will_not_wait(void **state)
{
    (void)state;
    Input input;
    open_input(&input);
    assert_false(line_reader_ready(input.reader));
    feed(&input, "one\ntwo\nthr", 11);
    assert_line(&input, "one");
    assert_true(line_reader_ready(input.reader));
    assert_line(&input, "two");
    assert_false(line_reader_ready(input.reader));
    feed(&input, "ee\n", 3);
    assert_line(&input, "three");
    end_input(&input);
    assert_end(&input);
    close_input(&input);
}

static void test_a_line_larger_than_a_block(void **state)
{
    (void)state;
    char *text = mem_alloc(150000, 1);
    memset(text, 'x', 150000);
    char path[] = "/tmp/test_lines_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, 150000), 150000);
    assert_int_equal(write(fd, "\nnext\n", 6), 6);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    LineReader *reader = line_reader_open(fd, "file");
    Text line;
    bool more;
    assert_int_equal(line_reader_next(reader, &line, &more), STATUS_OK);
    assert_int_equal(line.n, 150000);
    assert_int_equal(line_reader_next(reader, &line, &more), STATUS_OK);
    assert_int_equal(line.n, 4);
    line_reader_close(reader);
    close(fd);
    free(text);
}

static void assert_bad(const char *bytes, size_t n, const char *message)
{
    Input input;
    Text line;
    bool more;
    open_input(&input);
    feed(&input, bytes, n);
    end_input(&input);
    assert_line(&input, "fine");
    assert_int_equal(line_reader_next(input.reader, &line, &more), STATUS_DATA);
    assert_string_equal(status_message(), message);
    close_input(&input);
}

static void test_bad_bytes_have_their_place(void **state)
{
    (void)state;
    assert_bad("fine\n\xC3\xA4 \xFF\n", 10, "<stdin>:2:3: invalid UTF-8 (byte 0xff)");
    assert_bad("fine\na\0b\n", 9, "<stdin>:2:2: NUL in a text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_ends_and_the_last_line),
        cmocka_unit_test(test_empty_input),
        cmocka_unit_test(test_ready_says_what_will_not_wait),
        cmocka_unit_test(test_a_line_larger_than_a_block),
        cmocka_unit_test(test_bad_bytes_have_their_place),
    };
    return cmocka_run_group_tests_name("line reader", tests, NULL, NULL);
}
