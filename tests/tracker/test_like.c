/* LIKE by hand, and against SQLite's own on random texts. */
#include "tests/tracker/support.h"

#include "base/rng.h"
#include "tracker/db.h"
#include "tracker/like.h"

static void known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool like, ilike;
    } CASES[] = {
        {"", "", true, true},
        {"", "a", false, false},
        {"a", "", false, false},
        {"%", "", true, true},
        {"%%", "abc", true, true},
        {"_", "", false, false},
        {"_", "a", true, true},
        {"__", "a", false, false},
        {"a%", "abc", true, true},
        {"%c", "abc", true, true},
        {"%b%", "abc", true, true},
        {"A%", "abc", false, true},
        {"a%b%c", "aXbYc", true, true},
        {"a%b%c", "aXbY", false, false},
        {"%aab", "aaaab", true, true},
        {"_", "\xc3\xa4", true, true},
        {"__", "\xc3\xa4", false, false},
        {"%_", "x\xc3\xa4", true, true},
        {"\xc3\x84", "\xc3\xa4", false, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_int_equal(text_like(CASES[i].pattern, CASES[i].text, false),
                         CASES[i].like);
        assert_int_equal(text_like(CASES[i].pattern, CASES[i].text, true),
                         CASES[i].ilike);
    }
}

static void many_percents_take_no_time(void **state)
{
    (void)state;
    char *text = mem_zalloc(20001, 1);
    memset(text, 'a', 20000);
    assert_false(text_like("%a%a%a%a%a%a%a%a%a%a%a%a%b", text, false));
    free(text);
}

static void draw_text(Rng *rng, const char *const *parts, uint32_t n_parts, char out[64])
{
    *out = 0;
    for (uint32_t n = rng_below(rng, 8); n > 0; n--) {
        strcat(out, parts[rng_below(rng, n_parts)]);
    }
}

static void as_sqlite_has_it(void **state)
{
    static const char *const PARTS[] = {"a", "B", "b", "A", "\xc3\xa4", "%", "_", "1"};
    char *path = path_join(*state, "like.db");
    DbOptions options = {.mode = DB_CREATE};
    Db *db;
    Stmt *stmt;
    assert_ok(db_open(path, &options, &db));
    assert_ok(db_prepare(db, "SELECT ?2 LIKE ?1, lower(?2) LIKE lower(?1)", &stmt));
    Rng rng = rng_stream(1, 1000, 0, 0);
    for (int i = 0; i < 20000; i++) {
        char pattern[64], text[64];
        bool row;
        draw_text(&rng, PARTS, 8, pattern);
        draw_text(&rng, PARTS, 5, text);
        stmt_reset(stmt);
        stmt_bind_text(stmt, 1, pattern);
        stmt_bind_text(stmt, 2, text);
        assert_ok(stmt_step(stmt, &row));
        if (text_like(pattern, text, false) != stmt_int(stmt, 0) ||
            text_like(pattern, text, true) != stmt_int(stmt, 1)) {
            fail_msg("'%s' LIKE '%s' differs", text, pattern);
        }
    }
    stmt_free(stmt);
    db_close(db);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(many_percents_take_no_time),
        with_folder(as_sqlite_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
