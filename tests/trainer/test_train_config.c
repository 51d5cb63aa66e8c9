/* What the train section leaves to the rows. */
#include "trainer/config.h"

#include "base/config_auto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static TrainConfig train;
static Config *defaults(Section *section)
{
    Config *config = NULL;
    *section = (Section){"train", "", train_fields, n_train_fields, &train};
    train = (TrainConfig){0};
    assert_int_equal(config_open(NULL, &config), STATUS_OK);
    assert_int_equal(config_apply(config, section, 1), STATUS_OK);
    return config;
}

static void test_by_rows_and_classes(void **state)
{
    (void)state;
    static const struct {
        DataFacts facts;
        int64_t epochs, batch_size;
        double wide_lr;
    } cases[] = {
        {{611, 4, 0}, 25, 32, 60},    {{1000, 90, 0}, 25, 32, 60},
        {{1001, 4, 0}, 10, 64, 60},   {{7500, 90, 0}, 10, 64, 60},
        {{10000, 77, 0}, 20, 64, 60}, {{10000, 49, 0}, 8, 64, 60},
        {{10001, 2, 0}, 8, 64, 100},  {{22265, 36, 0}, 6, 64, 100},
        {{22265, 77, 0}, 6, 64, 100},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Section section;
        Config *config = defaults(&section);
        config_resolve(config, &section, 1, &cases[i].facts);
        assert_int_equal(train.epochs, cases[i].epochs);
        assert_int_equal(train.batch_size, cases[i].batch_size);
        assert_true(train.wide_lr == cases[i].wide_lr);
        config_free(&section, 1);
        config_close(config);
    }
}

/* A batch that is not known yet cannot be too small; the one that was chosen can. */
static void test_checks_wait(void **state)
{
    (void)state;
    Section section;
    Config *config = defaults(&section);
    train.leaves = 64;
    assert_int_equal(train_config_check(&train, config, 33), STATUS_OK);
    config_resolve(config, &section, 1, &(DataFacts){.n_train = 100});
    assert_int_equal(train_config_check(&train, config, 33), STATUS_CONFIG);
    assert_non_null(strstr(status_message(), "train.batch_size: 32 texts, fewer than"));
    config_free(&section, 1);
    config_close(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_rows_and_classes),
        cmocka_unit_test(test_checks_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
