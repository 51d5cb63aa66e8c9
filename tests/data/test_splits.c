/* The splits of a whole job, and rows that cannot be split. */
#include "data/splits.h"
#include "tests/data/help.h"

#include <fcntl.h>

static StrList columns, train_files, test_files;

static Status read_splits(const DataConfig *config, uint64_t seed, Splits *out)
{
    WordSplitter *splitter;
    assert_ok(word_splitter_open(config, &splitter));
    Status status = splits_read(config, splitter, seed, false, out);
    word_splitter_close(splitter);
    return status;
}

static DataConfig config_of(double val_size, double test_size, bool with_test)
{
    return (DataConfig){.train = train_files,
                        .test = with_test ? test_files : (StrList){0},
                        .text = columns,
                        .label = (char *)"tag",
                        .val_size = val_size,
                        .test_size = test_size,
                        .shuffle = true};
}

/* `n` rows, three of four "x", the others "y". */
static void put_rows(const char *path, const char *word, size_t n)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\n");
    for (size_t i = 0; i < n; i++) {
        strbuf_printf(&out, "%s %zu,%s\n", word, i, i % 4 ? "x" : "y");
    }
    put_bytes(path, out.p, out.n);
    strbuf_free(&out);
}

static void test_val_and_test_are_cut(void **state)
{
    (void)state;
    put_rows("train.csv", "a", 100);
    Splits splits, again;
    DataConfig config = config_of(0.25, 0.2, false);
    assert_ok(read_splits(&config, 3, &splits));
    assert_int_equal(splits.n_test, 20);
    assert_int_equal(splits.n_val, 20);
    assert_int_equal(splits.n_train, 60);
    assert_ptr_equal(splits_test_rows(&splits), splits.rows);
    size_t seen[100] = {0};
    for (size_t i = 0; i < 60; i++) {
        seen[splits.train[i]]++;
    }
    for (size_t i = 0; i < 20; i++) {
        seen[splits.val[i]]++;
        seen[splits.test[i]]++;
    }
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_ok(read_splits(&config, 3, &again));
    assert_string_equal(splits.digest, again.digest);
    splits_free(&again);
    assert_ok(read_splits(&config, 4, &again));
    assert_string_not_equal(splits.digest, again.digest);
    splits_free(&again);
    splits_free(&splits);
}

static void test_no_validation_when_wanted(void **state)
{
    (void)state;
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\na,x\nb,y\nc,x\n");
    put_bytes("train.csv", out.p, out.n);
    put_rows("test.csv", "t", 8);
    strbuf_free(&out);
    Splits splits;
    DataConfig config = config_of(0, 0, true);
    assert_ok(read_splits(&config, 3, &splits));
    assert_int_equal(splits.n_train, 3);
    assert_int_equal(splits.n_val, 0);
    assert_int_equal(splits.n_test, 8);
    assert_ptr_equal(splits_test_rows(&splits), splits.test_rows);
    splits_free(&splits);
}

static void expect_error(const char *train, double val_size, const char *message)
{
    Splits splits;
    DataConfig config = config_of(val_size, 0, false);
    put("train.csv", train);
    assert_fails(STATUS_DATA, message, read_splits(&config, 1, &splits));
}

static void test_classes_that_cannot_be_split(void **state)
{
    (void)state;
    expect_error("text,tag\na,x\nb,x\n", 0.5,
                 "train.csv: only one class, \"x\", in column \"tag\"");
    expect_error("text,tag\na,x\nb,y\n\"c\nd\",x\ne,z\nf,y\n", 0.2,
                 "train.csv:6:1: class \"z\" has this row only; a stratified split needs "
                 "2");
    expect_error("text,tag\na,x\nb,\n", 0.2,
                 "train.csv:3:1: column \"tag\", the label, is empty");
}

static void test_labels_of_test_rows_are_known(void **state)
{
    (void)state;
    put_rows("train.csv", "a", 20);
    put("test.csv", "text,tag\nb,x\nc,w\n");
    Splits splits;
    DataConfig config = config_of(0.2, 0, true);
    assert_fails(STATUS_DATA, "test.csv:3:1: label \"w\" stands in no training row",
                 read_splits(&config, 1, &splits));
}

/* Reads and splits and returns what it wrote on stderr; free with free(). */
static char *warnings_of(const DataConfig *config, Splits *splits)
{
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    int file = open("stderr", O_RDWR | O_CREAT | O_TRUNC, 0644);
    dup2(file, STDERR_FILENO);
    Status status = read_splits(config, 1, splits);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    assert_int_equal(status, STATUS_OK);
    StrBuf text = {0};
    assert_ok(file_read("stderr", 4096, STATUS_FAILED, &text));
    return strbuf_take(&text);
}

static void test_the_same_text_in_train_and_test(void **state)
{
    (void)state;
    put_rows("train.csv", "a", 20);
    put("test.csv", "text,tag\nb,x\na 3,x\na 4,y\n");
    Splits splits;
    DataConfig config = config_of(0.2, 0, true);
    char *warnings = warnings_of(&config, &splits);
    assert_string_equal(warnings, "muster: warning: 2 of 3 test rows have the text of a "
                                  "training row, first at test.csv:3:1\n");
    assert_int_equal(splits.n_shared, 2);
    free(warnings);
    splits_free(&splits);
    config.strict = true;
    assert_fails(
        STATUS_DATA,
        "test.csv:3:1: the same text stands in a training row (2 of 3 test rows)",
        read_splits(&config, 1, &splits));
}

static int set_up(void **state)
{
    columns = list_of("text", NULL);
    train_files = list_of("train.csv", NULL);
    test_files = list_of("test.csv", NULL);
    return help_make_folder(state);
}

static int tear_down(void **state)
{
    strlist_free(&columns);
    strlist_free(&train_files);
    strlist_free(&test_files);
    return help_remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_val_and_test_are_cut),
        cmocka_unit_test(test_no_validation_when_wanted),
        cmocka_unit_test(test_classes_that_cannot_be_split),
        cmocka_unit_test(test_labels_of_test_rows_are_known),
        cmocka_unit_test(test_the_same_text_in_train_and_test),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
