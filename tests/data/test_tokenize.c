/* Rows in memory: joined columns, places, digests, policies. */
#include "data/corpus.h"

#include "tests/data/help.h"

static Status read_files(const char *first, const char *second, const char *label,
                         InvalidUtf8 policy, Corpus *out)
{
    StrList files = list_of(first, second, NULL);
    StrList columns = list_of("title", "body", NULL);
    Status status = corpus_read(&files, &columns, label, policy, out);
    strlist_free(&files);
    strlist_free(&columns);
    return status;
}

static void test_several_files_of_different_formats(void **state)
{
    (void)state;
    put("a.csv", "tag,title,body\nx,one,\"two\nlines\"\ny,,empty title\n");
    put("b.jsonl", "{\"tag\":7,\"title\":\"three\",\"body\":null}\n");
    Corpus corpus;
    assert_ok(read_files("a.csv", "b.jsonl", "tag", UTF8_ERROR, &corpus));
    assert_int_equal(corpus.n, 3);
    assert_text(corpus.text[0], "one two\nlines");
    assert_text(corpus.text[1], " empty title");
    assert_text(corpus.text[2], "three ");
    assert_text(corpus.label[0], "x");
    assert_text(corpus.label[2], "7");
    static const char *const PLACES[] = {"a.csv:2:1", "a.csv:4:1", "b.jsonl:1:1"};
    for (size_t i = 0; i < 3; i++) {
        char *place = corpus_place(&corpus, i);
        assert_string_equal(place, PLACES[i]);
        free(place);
    }
    assert_int_equal(strlen(corpus.digest), 64);
    corpus_free(&corpus);
}

static void test_digest_tells_rows_apart(void **state)
{
    (void)state;
    static const char *const FILES[] = {
        "tag,title,body\nx,a,b\n",  "tag,title,body\nx,a b,\n",
        "tag,title,body\nxa,,b\n",  "tag,title,body\nx,a,b\nx,a,b\n",
        "tag,title,body\ny,a,b\n",  "tag,title,body\ncx,a,b\n",
        "tag,title,body\nx,a,bc\n",
    };
    enum { N_FILES = sizeof FILES / sizeof FILES[0] };
    char digests[N_FILES][SHA256_HEX];
    for (size_t i = 0; i < N_FILES; i++) {
        put("d.csv", FILES[i]);
        Corpus corpus;
        assert_ok(read_files("d.csv", NULL, "tag", UTF8_ERROR, &corpus));
        strcpy(digests[i], corpus.digest);
        corpus_free(&corpus);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
    }
    put("d.tsv", "id\tbody\ttitle\ttag\n1\tb\ta\tx\n");
    Corpus corpus;
    assert_ok(read_files("d.tsv", NULL, "tag", UTF8_ERROR, &corpus));
    assert_string_equal(corpus.digest, digests[0]);
    corpus_free(&corpus);
}

static void test_without_labels(void **state)
{
    (void)state;
    put("n.csv", "title,body\na,b\n");
    Corpus corpus;
    assert_ok(read_files("n.csv", NULL, NULL, UTF8_ERROR, &corpus));
    assert_text(corpus.label[0], "");
    corpus_free(&corpus);
}

static void test_errors(void **state)
{
    (void)state;
    Corpus corpus;
    put("a.csv", "tag,title,body\nx,a,b\n");
    put("e.csv", "tag,title,body\nx,a,b\n,c,d\n");
    assert_fails(STATUS_DATA, "e.csv:3:1: column \"tag\", the label, is empty",
                 read_files("a.csv", "e.csv", "tag", UTF8_ERROR, &corpus));
    assert_fails(STATUS_DATA, "f.csv: No such file or directory",
                 read_files("a.csv", "f.csv", "tag", UTF8_ERROR, &corpus));
    put("f.csv", "tag,title,body\n");
    assert_fails(STATUS_DATA, "f.csv: holds a header only, no rows",
                 read_files("a.csv", "f.csv", "tag", UTF8_ERROR, &corpus));
}

static void test_invalid_rows_are_counted(void **state)
{
    (void)state;
    put("u.csv", "tag,title,body\nx,a\xff,b\ny,c,d\nz,\xc3,\xc3\n");
    Corpus corpus;
    assert_ok(read_files("u.csv", NULL, "tag", UTF8_SKIP, &corpus));
    assert_int_equal(corpus.n, 1);
    assert_int_equal(corpus.n_invalid, 2);
    corpus_free(&corpus);
    assert_ok(read_files("u.csv", NULL, "tag", UTF8_REPLACE, &corpus));
    assert_int_equal(corpus.n, 3);
    assert_int_equal(corpus.n_invalid, 2);
    assert_text(corpus.text[0], "a\xef\xbf\xbd b");
    corpus_free(&corpus);
}

static void test_built_by_hand(void **state)
{
    (void)state;
    CorpusBuilder *builder = corpus_begin();
    const Text fields[] = {TEXT("a"), TEXT("b")};
    corpus_add(builder, fields, 2, TEXT("x"), 0);
    corpus_add(builder, fields, 1, TEXT(""), 0);
    Corpus corpus;
    corpus_end(builder, &corpus);
    assert_int_equal(corpus.n, 2);
    assert_text(corpus.text[0], "a b");
    assert_text(corpus.text[1], "a");
    char *place = corpus_place(&corpus, 1);
    assert_string_equal(place, "text 2");
    free(place);
    corpus_free(&corpus);
    builder = corpus_begin();
    corpus_add(builder, fields, 2, TEXT("x"), 0);
    corpus_end(builder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_files_of_different_formats),
        cmocka_unit_test(test_digest_tells_rows_apart),
        cmocka_unit_test(test_without_labels),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_invalid_rows_are_counted),
        cmocka_unit_test(test_built_by_hand),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
