/* Which ranks train which model: the rounds for every number of models and ranks. */
#include "tests/base/check.h"

#include "trainer/seed_groups.h"

static void expect(size_t n, int n_ranks, int64_t most, const char *want)
{
    SeedPlace places[MAX_MEMBERS];
    char got[256] = "";
    size_t at = 0;
    seed_places(n, n_ranks, most, places);
    for (size_t m = 0; m < n; m++) {
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%d/%d", m ? " " : "",
                               places[m].group, places[m].n_groups);
    }
    assert_string_equal(got, want);
}

static void as_many_groups_as_models_are_left(void **state)
{
    (void)state;
    expect(1, 8, 0, "0/1");
    expect(4, 4, 0, "0/4 1/4 2/4 3/4");
    expect(2, 8, 0, "0/2 1/2");
    expect(5, 2, 0, "0/2 1/2 0/2 1/2 0/1");
    expect(7, 4, 0, "0/4 1/4 2/4 3/4 0/2 1/2 0/1");
    expect(3, 1, 0, "0/1 0/1 0/1");
}

static void groups_are_equal_on_other_numbers_of_ranks(void **state)
{
    (void)state;
    expect(4, 6, 0, "0/3 1/3 2/3 0/1");
    expect(3, 5, 0, "0/1 0/1 0/1");
}

static void no_more_groups_than_allowed(void **state)
{
    (void)state;
    expect(4, 4, 1, "0/1 0/1 0/1 0/1");
    expect(4, 8, 2, "0/2 1/2 0/2 1/2");
    expect(3, 4, 3, "0/2 1/2 0/1");
}

/* A training on one rank has no others to wait for. */
static void one_rank_trains_all(void **state)
{
    (void)state;
    SeedGroups groups;
    seed_groups_open(&ranks_single, 3, 0, &groups);
    assert_false(groups.side_by_side);
    for (size_t m = 0; m < 3; m++) {
        assert_true(groups.mine[m]);
        assert_ptr_equal(groups.ranks[m], &ranks_single);
    }
    seed_groups_close(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_groups_as_models_are_left),
        cmocka_unit_test(groups_are_equal_on_other_numbers_of_ranks),
        cmocka_unit_test(no_more_groups_than_allowed),
        cmocka_unit_test(one_rank_trains_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
