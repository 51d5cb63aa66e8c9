/* Page tokens: MLflow's, and what is none. */
#include "tests/tracker/support.h"

#include "tracker/page_token.h"

static void tokens_are_mlflows(void **state)
{
    (void)state;
    char *token = page_token_make(100);
    assert_string_equal(token, "eyJvZmZzZXQiOiAxMDB9");
    free(token);
    for (int64_t offset = 1; offset > 0 && offset < INT64_MAX / 7; offset *= 7) {
        int64_t back = -1;
        token = page_token_make(offset);
        assert_ok(page_token_read(token, &back));
        assert_true(back == offset);
        free(token);
    }
}

static void none_is_the_first_page(void **state)
{
    (void)state;
    int64_t offset = 7;
    assert_ok(page_token_read(NULL, &offset));
    assert_int_equal(offset, 0);
    assert_ok(page_token_read("", &offset));
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "x",
        "====",
        "!!!!",
        "AAAA",
        "eyJvZmZzZXQiOiAxMDB",
        "e30=",
        "W10=",
        "a===",
        "bnVsbA==",                 /* null */
        "eyJvZmZzZXQiOiAtMX0=",     /* {"offset": -1} */
        "eyJvZmZzZXQiOiAieCJ9",     /* {"offset": "x"} */
        "eyJv=mZzZXQiOiAxMDB9AAAA", /* padding within */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t offset = 7;
        assert_status(STATUS_USAGE, page_token_read(CASES[i], &offset));
        assert_contains(status_message(), "Invalid page token");
        assert_int_equal(offset, 7);
    }
}

static void pages_follow_one_another(void **state)
{
    Store *store = open_store_in(*state, STORE_CREATE);
    for (int i = 0; i < 7; i++) {
        free(make_run(store, "run", i));
    }
    RunQuery query = {.max_results = 3};
    Runs page = {0};
    int64_t start = 6;
    for (int i = 0; i < 3; i++) {
        char *token = page.next_page_token;
        page.next_page_token = NULL;
        runs_free(&page);
        query.page_token = token;
        assert_ok(store_search_runs(store, &query, &page));
        free(token);
        assert_int_equal(page.n, i < 2 ? 3 : 1);
        for (size_t k = 0; k < page.n; k++) {
            assert_int_equal(page.items[k].start_time, start--);
        }
    }
    assert_null(page.next_page_token);
    runs_free(&page);
    query.page_token = "none";
    assert_status(STATUS_USAGE, store_search_runs(store, &query, &page));
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_mlflows),
        cmocka_unit_test(none_is_the_first_page),
        cmocka_unit_test(what_is_no_token_is_refused),
        with_folder(pages_follow_one_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
