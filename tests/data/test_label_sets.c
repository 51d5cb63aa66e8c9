/* Rows of several labels: cells, the sets that rows share, in memory and mapped, and what
 * a data set makes of them. */
#include "tests/data/help.h"

#include "base/batch.h"
#include "data/dataset.h"
#include "data/label_cell.h"
#include "data/splits.h"
#include "data/tokenize.h"
#include "data/tokenized_file.h"

#include <fcntl.h>

static const char ROWS[] = "title,body,tags\n"
                           "red,apple,sweet|round\n"
                           "one,stone,round | hard|round\n"
                           "the,void,\n"
                           "dry,bread,hard| |round\n"
                           "a,plum,|sweet\n"
                           "the,air, | \n";

/* ---- cells ---- */

static void expect_cell(const char *cell, const char *separator, const char *expected)
{
    Text rest = text_of(cell), label;
    StrBuf found = {0};
    strbuf_add(&found, "", 0);
    while (label_cell_next(&rest, text_of(separator), &label)) {
        strbuf_printf(&found, "[%.*s]", (int)label.n, label.p);
    }
    assert_string_equal(found.p, expected);
    strbuf_free(&found);
}

static void test_cells(void **state)
{
    (void)state;
    expect_cell("", "|", "");
    expect_cell("a", "|", "[a]");
    expect_cell("a|b c|d", "|", "[a][b c][d]");
    expect_cell(" a | b\t", "|", "[a][b]");
    expect_cell("||a||", "|", "[a]");
    expect_cell(" | ", "|", "");
    expect_cell("a::b:c::", "::", "[a][b:c]");
    expect_cell("a  b c", " ", "[a][b][c]");
}

/* ---- rows ---- */

static char *text_columns[] = {(char *)"title", (char *)"body"};

static DataConfig config(void)
{
    return (DataConfig){.text = {.items = text_columns, .n = 2},
                        .label = (char *)"tags",
                        .label_separator = (char *)"|",
                        .max_words = 4,
                        .min_count = 1,
                        .vocab_size = 50,
                        .ngram_min = 3,
                        .ngram_max = 4,
                        .ngram_buckets = 64,
                        .wide_buckets = 64};
}

/* Free with tokenized_close. `kept` is a file to keep them in, or NULL. */
static TokenizedRows *read_rows(const char *file, const char *separator, const char *kept)
{
    DataConfig settings = config();
    WordSplitter *splitter;
    assert_ok(word_splitter_open(&settings, &splitter));
    StrList files = list_of(file, NULL);
    TokenizeRequest request = {.files = &files,
                               .text_columns = &settings.text,
                               .label = settings.label,
                               .label_separator = separator,
                               .splitter = splitter,
                               .threads = 1,
                               .fd = -1,
                               .path = kept};
    if (kept) {
        request.fd = open(kept, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(request.fd >= 0);
    }
    TokenizedRows *rows;
    assert_ok(tokenize_files(&request, &rows));
    strlist_free(&files);
    word_splitter_close(splitter);
    return rows;
}

static void expect_labels(const TokenizedRows *rows, size_t row, const char *expected)
{
    LabelSet set = tokenized_row_labels(rows, row);
    StrBuf found = {0};
    strbuf_add(&found, "", 0);
    for (size_t i = 0; i < set.n; i++) {
        strbuf_printf(&found, "%s ", tokenized_labels(rows)->items[set.labels[i]]);
    }
    assert_string_equal(found.p, expected);
    strbuf_free(&found);
}

static void expect_rows(const TokenizedRows *rows)
{
    static const char *const EXPECTED[] = {"sweet round ", "round hard ", "",
                                           "round hard ",  "sweet ",      ""};
    assert_true(tokenized_multi_label(rows));
    assert_int_equal(tokenized_size(rows), 6);
    assert_int_equal(tokenized_labels(rows)->n, 3);
    assert_int_equal(tokenized_n_label_sets(rows), 4); /* equal ones are one */
    for (size_t i = 0; i < 6; i++) {
        expect_labels(rows, i, EXPECTED[i]);
    }
    assert_int_equal(tokenized_row(rows, 1)->label, tokenized_row(rows, 3)->label);
}

static void test_rows_share_their_sets(void **state)
{
    (void)state;
    put("rows.csv", ROWS);
    TokenizedRows *rows = read_rows("rows.csv", "|", NULL);
    expect_rows(rows);
    size_t counts[3];
    splits_count_labels(rows, counts);
    assert_int_equal(counts[0], 2); /* sweet */
    assert_int_equal(counts[1], 3); /* round */
    assert_int_equal(counts[2], 2); /* hard */
    tokenized_close(rows);
}

static void test_mapped_rows_are_the_same(void **state)
{
    (void)state;
    put("rows.csv", ROWS);
    TokenizedRows *here = read_rows("rows.csv", "|", NULL);
    TokenizedRows *kept = read_rows("rows.csv", "|", "kept");
    expect_rows(kept);
    assert_string_equal(tokenized_digest(here), tokenized_digest(kept));
    tokenized_close(here);
    tokenized_close(kept);
    TokenizedRows *mapped;
    assert_ok(tokenized_map(open("kept", O_RDONLY | O_CLOEXEC), "kept", &mapped));
    expect_rows(mapped);
    tokenized_close(mapped);
    unlink("kept");
}

/* Rows without any label, and rows without a separator, whose cells are labels. */
static void test_few_sets(void **state)
{
    (void)state;
    put("none.csv", "title,body,tags\na,b,\nc,d,\n");
    TokenizedRows *rows = read_rows("none.csv", "|", "kept");
    assert_true(tokenized_multi_label(rows));
    expect_labels(rows, 1, "");
    tokenized_close(rows);
    unlink("kept");
    put("one.csv", "title,body,tags\na,b,x|y\nc,d,z\n");
    rows = read_rows("one.csv", NULL, NULL);
    assert_false(tokenized_multi_label(rows));
    expect_labels(rows, 0, "x|y ");
    expect_labels(rows, 1, "z ");
    TokenizedRows *other = read_rows("one.csv", "|", NULL);
    assert_string_not_equal(tokenized_digest(rows), tokenized_digest(other));
    tokenized_close(rows);
    tokenized_close(other);
}

/* ---- data sets ---- */

static void expect_classes(const Targets *targets, size_t text, int n, int first,
                           int last)
{
    ClassSet classes = targets_of(targets, text);
    assert_int_equal(classes.n, n);
    if (n > 0) {
        assert_int_equal(classes.classes[0], first);
        assert_int_equal(classes.classes[n - 1], last);
    }
}

/* Classes are numbered by name: hard, round, sweet. */
static void test_batches_have_classes(void **state)
{
    (void)state;
    put("rows.csv", ROWS);
    DataConfig settings = config();
    TokenizedRows *rows = read_rows("rows.csv", "|", NULL);
    Preprocessor *pre;
    assert_ok(preprocessor_fit(&settings, rows, NULL, 6, &pre));
    assert_int_equal(preprocessor_n_classes(pre), 3);
    assert_string_equal(preprocessor_label(pre, 0), "hard");
    assert_string_equal(preprocessor_label_separator(pre), "|");
    DatasetSource source = {.rows = rows, .labelled = true};
    Dataset *set;
    assert_ok(dataset_open(pre, &source, &set));
    assert_true(dataset_multi_label(set));
    BatchPacker *packer = batch_packer_open(set);
    PackedBatch batch;
    batch_pack(packer, (const uint32_t[]){3, 2, 0, 4}, 4, &batch);
    expect_classes(&batch.targets, 0, 2, 0, 1);
    expect_classes(&batch.targets, 1, 0, 0, 0);
    expect_classes(&batch.targets, 2, 2, 1, 2);
    expect_classes(&batch.targets, 3, 1, 2, 2);
    batch_packer_close(packer);
    dataset_close(set);
    preprocessor_close(pre);
    tokenized_close(rows);
}

static void test_a_label_never_seen(void **state)
{
    (void)state;
    put("rows.csv", ROWS);
    DataConfig settings = config();
    TokenizedRows *rows = read_rows("rows.csv", "|", NULL);
    Preprocessor *pre;
    const uint32_t some[] = {1, 2};
    assert_ok(preprocessor_fit(&settings, rows, some, 2, &pre));
    assert_int_equal(preprocessor_n_classes(pre), 2);
    DatasetSource source = {.rows = rows, .index = some, .n = 2, .labelled = true};
    Dataset *set;
    assert_ok(dataset_open(pre, &source, &set));
    dataset_close(set);
    source.index = NULL;
    assert_fails(STATUS_DATA, "rows.csv:2:1: label \"sweet\" was never seen in training",
                 dataset_open(pre, &source, &set));
    source.labelled = false;
    assert_ok(dataset_open(pre, &source, &set));
    assert_int_equal(dataset_classes(set, 0).n, 0);
    dataset_close(set);
    preprocessor_close(pre);
    tokenized_close(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_rows_share_their_sets),
        cmocka_unit_test(test_mapped_rows_are_the_same),
        cmocka_unit_test(test_few_sets),
        cmocka_unit_test(test_batches_have_classes),
        cmocka_unit_test(test_a_label_never_seen),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
