/* What a supervisor learns from its ranks, and from mpirun's notices. */
#include "trainer/launch_news.h"

#include "trainer/launch.h"
#include "trainer/launch_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void tell(int fd, LaunchWord word, const char *text)
{
    LaunchWordHead head = {(uint32_t)word, (uint32_t)strlen(text)};
    assert_int_equal(write(fd, &head, sizeof head), sizeof head);
    assert_int_equal(write(fd, text, head.n), head.n);
}

static void test_words(void **state)
{
    (void)state;
    int ends[2];
    bool goodbye = false;
    LaunchNews news = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(launch_news_read(&news, ends[0], &goodbye)); /* nothing yet */
    tell(ends[1], LAUNCH_POLICY, "3 2.5");
    tell(ends[1], LAUNCH_RUN, "0123\nsqlite:////a b/muster.db");
    tell(ends[1], LAUNCH_DIED, "rank 1 has died");
    tell(ends[1], LAUNCH_DIED, "rank 2 has died");
    for (int i = 0; i < 4; i++) {
        assert_true(launch_news_read(&news, ends[0], &goodbye));
    }
    assert_int_equal(news.max_failures, 3);
    assert_true(news.hang_timeout_s == 2.5);
    assert_string_equal(news.run_id, "0123");
    assert_string_equal(news.store_uri, "sqlite:////a b/muster.db");
    assert_string_equal(news.died, "rank 1 has died"); /* the first is to blame */
    assert_false(news.recorded || goodbye);
    tell(ends[1], LAUNCH_RECORDED, "");
    tell(ends[1], LAUNCH_GOODBYE, "");
    close(ends[1]);
    assert_true(launch_news_read(&news, ends[0], &goodbye));
    assert_true(launch_news_read(&news, ends[0], &goodbye));
    assert_true(news.recorded && goodbye);
    assert_false(launch_news_read(&news, ends[0], &goodbye));
    close(ends[0]);
    launch_news_free(&news);
}

/* A rank that died amid a word, or speaks another language. */
static void test_broken_words_end_the_stream(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        int ends[2];
        bool goodbye = false;
        LaunchNews news = {0};
        LaunchWordHead head = {LAUNCH_HUNG, kind == 0 ? 100 : UINT32_MAX};
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        size_t n = kind == 2 ? 3 : sizeof head;
        assert_int_equal(write(ends[1], &head, n), n);
        close(ends[1]);
        assert_false(launch_news_read(&news, ends[0], &goodbye));
        assert_string_equal(news.hung, "");
        close(ends[0]);
        launch_news_free(&news);
    }
}

static void test_who_was_killed(void **state)
{
    (void)state;
    char who[LAUNCH_REASON];
    assert_true(launch_news_find_killed(
        "-----\nmpirun noticed that process rank 3 with PID 4711 on node n2 exited\n"
        "on signal 9 (Killed).\n-----\n",
        who, sizeof who));
    assert_string_equal(who, "rank 3 on host n2");
    assert_false(launch_news_find_killed(
        "mpirun has exited due to process rank 1 with PID 0 on\nnode n2 exiting "
        "improperly.\n",
        who, sizeof who));
    assert_true(launch_news_find_killed("=   BAD TERMINATION OF ONE OF YOUR APPLICATION "
                                        "PROCESSES\n=   RANK 1 PID 7 RUNNING AT n1\n"
                                        "=   EXIT CODE: 9\n",
                                        who, sizeof who));
    assert_string_equal(who, "rank 1 on host n1");
    assert_false(launch_news_find_killed("", who, sizeof who));
    assert_false(launch_news_find_killed(NULL, who, sizeof who));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_broken_words_end_the_stream),
        cmocka_unit_test(test_who_was_killed),
    };
    return cmocka_run_group_tests_name("launch news", tests, NULL, NULL);
}
