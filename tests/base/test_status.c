#include "tests/base/check.h"

#include <pthread.h>

static void keeps_message_and_hint(void **state)
{
    (void)state;
    assert_int_equal(status_set(STATUS_DATA, "%s:%d: bad", "x.csv", 3), STATUS_DATA);
    status_hint("look at %s", "line 3");
    assert_string_equal(status_message(), "x.csv:3: bad");
    assert_string_equal(status_hint_text(), "look at line 3");
}

static void a_new_failure_clears_the_hint(void **state)
{
    (void)state;
    status_set(STATUS_DATA, "one");
    status_hint("old");
    status_set(STATUS_DATA, "two");
    assert_string_equal(status_hint_text(), "");
}

static void arguments_may_be_the_old_message(void **state)
{
    (void)state;
    status_set(STATUS_FAILED, "inner");
    status_set(STATUS_FAILED, "outer (%s)", status_message());
    assert_string_equal(status_message(), "outer (inner)");
}

static void prefix_stands_before(void **state)
{
    (void)state;
    status_set(STATUS_FAILED, "no space");
    status_prefix("%s", "saving");
    assert_string_equal(status_message(), "saving: no space");
}

static void overlong_messages_are_cut(void **state)
{
    (void)state;
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    status_set(STATUS_FAILED, "%s", longer);
    assert_int_equal(strlen(status_message()), 2047);
    status_prefix("%s", "p");
    assert_int_equal(status_message()[0], 'x');
}

static void details_belong_to_one_failure(void **state)
{
    (void)state;
    status_set(STATUS_USAGE, "a");
    status_set_detail(7);
    status_prefix("b");
    assert_int_equal(status_detail(), 7);
    status_set(STATUS_USAGE, "c");
    assert_int_equal(status_detail(), 0);
}

static void *fail_elsewhere(void *unused)
{
    status_set(STATUS_FAILED, "elsewhere");
    return unused;
}

static void threads_do_not_share(void **state)
{
    (void)state;
    status_set(STATUS_FAILED, "here");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(status_message(), "here");
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(status_name(STATUS_CONFIG), "config");
    assert_string_equal(status_name(STATUS_INTERRUPTED), "interrupted");
    assert_string_equal(status_name((Status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_message_and_hint),
        cmocka_unit_test(a_new_failure_clears_the_hint),
        cmocka_unit_test(arguments_may_be_the_old_message),
        cmocka_unit_test(prefix_stands_before),
        cmocka_unit_test(overlong_messages_are_cut),
        cmocka_unit_test(details_belong_to_one_failure),
        cmocka_unit_test(threads_do_not_share),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
