/* Which checkpoints stay: the best ones and the last; the same after a resume. */
#include "trainer/checkpointer.h"

#include "base/mem.h"
#include "tests/trainer/report_fixture.h"
#include "trainer/result_files.h"

#include <math.h>

static char attribute[] = "val_loss";

static CheckpointConfig config_of(int64_t num_to_keep)
{
    return (CheckpointConfig){.num_to_keep = num_to_keep,
                              .checkpoint_score_attribute = attribute,
                              .checkpoint_frequency = 1};
}

/* Adds checkpoints "0", "1"... with these scores and says what was removed: "1 0 ". */
static char *removed(Checkpointer *ck, const double *scores, size_t n)
{
    StrList gone = {0};
    for (size_t i = 0; i < n; i++) {
        char dir[24];
        snprintf(dir, sizeof dir, "%zu", i);
        checkpointer_added(ck, dir, scores[i], &gone);
    }
    char *list = strlist_join(&gone, " ");
    strlist_free(&gone);
    return list;
}

static void assert_removed(int64_t num_to_keep, int order, const double *scores, size_t n,
                           const char *expected, const char *best)
{
    CheckpointConfig config = config_of(num_to_keep);
    config.checkpoint_score_order = order;
    Checkpointer *ck = checkpointer_open(&config);
    char *list = removed(ck, scores, n);
    assert_string_equal(list, expected);
    assert_string_equal(checkpointer_best(ck), best);
    char last[24];
    snprintf(last, sizeof last, "%zu", n - 1);
    assert_string_equal(checkpointer_last(ck), last);
    free(list);
    checkpointer_close(ck);
}

static void test_keeps_the_best_and_the_last(void **state)
{
    (void)state;
    const double scores[] = {3, 1, 2, 4, 0.5};
    assert_removed(1, SCORE_MIN, scores, 5, "0 2 3 1", "4");
    assert_removed(2, SCORE_MIN, scores, 5, "0 3 2", "4");
    assert_removed(0, SCORE_MIN, scores, 5, "", "4");
    assert_removed(1, SCORE_MAX, scores, 5, "1 2 0", "3");
    assert_removed(1, SCORE_AUTO, scores, 5, "0 2 3 1", "4");
}

static void test_equal_scores_keep_the_earlier_and_nan_is_worst(void **state)
{
    (void)state;
    const double scores[] = {NAN, 1, 1, NAN};
    assert_removed(1, SCORE_MIN, scores, 4, "0 2", "1");
    const double none[] = {NAN, NAN, NAN};
    assert_removed(1, SCORE_MAX, none, 3, "0 1", "2");
}

static void test_nothing_saved(void **state)
{
    (void)state;
    CheckpointConfig config = config_of(1);
    Checkpointer *ck = checkpointer_open(&config);
    assert_null(checkpointer_best(ck));
    assert_null(checkpointer_last(ck));
    checkpointer_close(ck);
}

static void test_due(void **state)
{
    (void)state;
    CheckpointConfig config = config_of(1);
    config.checkpoint_frequency = 3;
    Checkpointer *ck = checkpointer_open(&config);
    assert_false(checkpointer_due(ck, 2, false));
    assert_true(checkpointer_due(ck, 3, false));
    assert_true(checkpointer_due(ck, 4, true));
    config.checkpoint_frequency = 0;
    assert_false(checkpointer_due(ck, 3, false));
    checkpointer_close(ck);
}

/* A result folder with iterations 1.. and these losses; a checkpoint each. */
static void make_history(const double *losses, size_t n)
{
    Callback files;
    TrialStart start = fixture_start(0);
    result_files_open(&files);
    assert_int_equal(files.on_start(files.self, &start), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "checkpoint_%06zu", i);
        char *dir = path_join(fixture_dir, name);
        assert_int_equal(dir_make(dir), STATUS_OK);
        fixture_report(&files, (int64_t)i + 1, losses[i], dir);
        free(dir);
    }
    files.close(files.self);
}

static void remove_folder(const char *name)
{
    char *dir = path_join(fixture_dir, name);
    assert_int_equal(tree_remove(dir), STATUS_OK);
    free(dir);
}

static void test_restore_goes_on_as_before(void **state)
{
    (void)state;
    const double losses[] = {3, 1, 2, 0.5};
    make_history(losses, 4);
    remove_folder("checkpoint_000000"); /* as retention had done */
    char *aside = path_join(fixture_dir, "checkpoint_000009.tmp.12");
    assert_int_equal(dir_make(aside), STATUS_OK);

    CheckpointConfig config = config_of(1);
    Checkpointer *ck = checkpointer_open(&config);
    StrList gone = {0};
    assert_int_equal(checkpointer_restore(ck, fixture_dir, 3, &gone), STATUS_OK);
    assert_int_equal(gone.n, 2); /* iteration 4's, and the half-written one */
    assert_string_equal(path_base(gone.items[0]), "checkpoint_000003");
    assert_string_equal(gone.items[1], aside);
    assert_string_equal(path_base(checkpointer_best(ck)), "checkpoint_000001");
    assert_string_equal(path_base(checkpointer_last(ck)), "checkpoint_000002");
    char name[CHECKPOINT_NAME];
    checkpointer_next_name(ck, name);
    assert_string_equal(name, "checkpoint_000003");
    checkpointer_close(ck);
    strlist_free(&gone);
    free(aside);
}

static void test_restore_counts_removed_folders_names(void **state)
{
    (void)state;
    const double losses[] = {1, 2};
    make_history(losses, 2);
    remove_folder("checkpoint_000001");
    CheckpointConfig config = config_of(1);
    Checkpointer *ck = checkpointer_open(&config);
    StrList gone = {0};
    char name[CHECKPOINT_NAME];
    checkpointer_next_name(ck, name);
    assert_string_equal(name, "checkpoint_000000");
    assert_int_equal(checkpointer_restore(ck, fixture_dir, 2, &gone), STATUS_OK);
    checkpointer_next_name(ck, name);
    assert_string_equal(name, "checkpoint_000002");
    assert_int_equal(gone.n, 0);
    checkpointer_close(ck);
}

static void test_restore_of_nothing(void **state)
{
    (void)state;
    CheckpointConfig config = config_of(1);
    Checkpointer *ck = checkpointer_open(&config);
    StrList gone = {0};
    assert_int_equal(checkpointer_restore(ck, fixture_dir, 2, &gone), STATUS_NOT_FOUND);
    checkpointer_close(ck);
}

static void test_section_parses(void **state)
{
    (void)state;
    CheckpointConfig found = {0};
    Section section = {"checkpoint", "", checkpoint_fields, n_checkpoint_fields, &found};
    Config *config;
    assert_int_equal(config_open(NULL, &config), STATUS_OK);
    assert_int_equal(config_override(config, "checkpoint.checkpoint_score_order=max"),
                     STATUS_OK);
    assert_int_equal(config_apply(config, &section, 1), STATUS_OK);
    assert_int_equal(found.num_to_keep, 1);
    assert_int_equal(found.checkpoint_score_order, SCORE_MAX);
    assert_string_equal(found.checkpoint_score_attribute, "val_loss");
    config_free(&section, 1);
    config_close(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_the_best_and_the_last),
        cmocka_unit_test(test_equal_scores_keep_the_earlier_and_nan_is_worst),
        cmocka_unit_test(test_nothing_saved),
        cmocka_unit_test(test_due),
        FIXTURE_CASE(test_restore_goes_on_as_before),
        FIXTURE_CASE(test_restore_counts_removed_folders_names),
        FIXTURE_CASE(test_restore_of_nothing),
        cmocka_unit_test(test_section_parses),
    };
    return cmocka_run_group_tests_name("checkpointer", tests, NULL, NULL);
}
