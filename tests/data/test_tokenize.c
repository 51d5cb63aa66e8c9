/* Rows of files as words: joined columns, places, digests, policies; the same from any
 * number of threads, in memory and in a file. */
#include "data/tokenize.h"

#include "base/checksum.h"
#include "data/tokenized_file.h"
#include "tests/data/help.h"

#include <fcntl.h>

static WordSplitter *splitter;

static TokenizeRequest request_of(const StrList *files, const StrList *columns,
                                  const char *label)
{
    return (TokenizeRequest){.files = files,
                             .text_columns = columns,
                             .label = label,
                             .splitter = splitter,
                             .fd = -1};
}

static Status read_files(const char *first, const char *second, const char *label,
                         InvalidUtf8 policy, TokenizedRows **out)
{
    StrList files = list_of(first, second, NULL);
    StrList columns = list_of("title", "body", NULL);
    TokenizeRequest request = request_of(&files, &columns, label);
    request.policy = policy;
    Status status = tokenize_files(&request, out);
    strlist_free(&files);
    strlist_free(&columns);
    return status;
}

/* The words of a row, a space behind each; free with free(). */
static char *words_of(const TokenizedRows *rows, size_t row)
{
    uint32_t words[64];
    size_t n = tokenized_read(rows, row, words, 64);
    StrBuf text = {0};
    strbuf_add_text(&text, "");
    for (size_t i = 0; i < n; i++) {
        Text word = lexicon_get(tokenized_words(rows), words[i]);
        strbuf_add(&text, word.p, word.n);
        strbuf_add_char(&text, ' ');
    }
    return strbuf_take(&text);
}

static void expect_words(const TokenizedRows *rows, size_t row, const char *expected)
{
    char *words = words_of(rows, row);
    assert_string_equal(words, expected);
    free(words);
}

static const char *label_of(const TokenizedRows *rows, size_t row)
{
    return tokenized_labels(rows)->items[tokenized_row(rows, row)->label];
}

static void test_several_files_of_different_formats(void **state)
{
    (void)state;
    put("a.csv", "tag,title,body\nx,one,\"two\nlines\"\ny,,Empty title\n");
    put("b.jsonl", "{\"tag\":7,\"title\":\"three two\",\"body\":null}\n");
    TokenizedRows *rows;
    assert_ok(read_files("a.csv", "b.jsonl", "tag", UTF8_ERROR, &rows));
    assert_int_equal(tokenized_size(rows), 3);
    expect_words(rows, 0, "one two lines ");
    expect_words(rows, 1, "empty title ");
    expect_words(rows, 2, "three two ");
    assert_int_equal(tokenized_words(rows)->n, 6);
    assert_string_equal(label_of(rows, 0), "x");
    assert_string_equal(label_of(rows, 2), "7");
    assert_int_equal(tokenized_row(rows, 1)->text_sum,
                     checksum_bytes(" Empty title", strlen(" Empty title")));
    static const char *const PLACES[] = {"a.csv:2:1", "a.csv:4:1", "b.jsonl:1:1"};
    for (size_t i = 0; i < 3; i++) {
        char *place = tokenized_place(rows, i);
        assert_string_equal(place, PLACES[i]);
        free(place);
    }
    assert_int_equal(strlen(tokenized_digest(rows)), 64);
    tokenized_close(rows);
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
    TokenizedRows *rows;
    for (size_t i = 0; i < N_FILES; i++) {
        put("d.csv", FILES[i]);
        assert_ok(read_files("d.csv", NULL, "tag", UTF8_ERROR, &rows));
        strcpy(digests[i], tokenized_digest(rows));
        tokenized_close(rows);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(digests[i], digests[j]);
        }
    }
    put("d.tsv", "id\tbody\ttitle\ttag\n1\tb\ta\tx\n");
    assert_ok(read_files("d.tsv", NULL, "tag", UTF8_ERROR, &rows));
    assert_string_equal(tokenized_digest(rows), digests[0]);
    tokenized_close(rows);
}

static void test_without_labels(void **state)
{
    (void)state;
    put("n.csv", "title,body\na,b\n");
    TokenizedRows *rows;
    assert_ok(read_files("n.csv", NULL, NULL, UTF8_ERROR, &rows));
    assert_int_equal(tokenized_row(rows, 0)->label, -1);
    assert_int_equal(tokenized_n_groups(rows), 0);
    tokenized_close(rows);
}

static void test_groups(void **state)
{
    (void)state;
    put("g.csv", "tag,text,user\nx,a,u1\ny,b,u2\nx,c,u1\n");
    StrList files = list_of("g.csv", NULL), columns = list_of("text", NULL);
    TokenizeRequest request = request_of(&files, &columns, "tag");
    request.group = "user";
    TokenizedRows *rows;
    assert_ok(tokenize_files(&request, &rows));
    assert_int_equal(tokenized_n_groups(rows), 2);
    assert_int_equal(tokenized_row(rows, 0)->group, 0);
    assert_int_equal(tokenized_row(rows, 1)->group, 1);
    assert_int_equal(tokenized_row(rows, 2)->group, 0);
    tokenized_close(rows);
    strlist_free(&files);
    strlist_free(&columns);
}

static void test_errors(void **state)
{
    (void)state;
    TokenizedRows *rows;
    put("a.csv", "tag,title,body\nx,a,b\n");
    put("e.csv", "tag,title,body\nx,a,b\n,c,d\n");
    assert_fails(STATUS_DATA, "e.csv:3:1: column \"tag\", the label, is empty",
                 read_files("a.csv", "e.csv", "tag", UTF8_ERROR, &rows));
    assert_fails(STATUS_DATA, "f.csv: No such file or directory",
                 read_files("a.csv", "f.csv", "tag", UTF8_ERROR, &rows));
    put("f.csv", "tag,title,body\n");
    assert_fails(STATUS_DATA, "f.csv: holds a header only, no rows",
                 read_files("a.csv", "f.csv", "tag", UTF8_ERROR, &rows));
}

static void test_invalid_rows_are_counted(void **state)
{
    (void)state;
    put("u.csv", "tag,title,body\nx,a\xff,b\ny,c,d\nz,\xc3,\xc3\n");
    TokenizedRows *rows;
    assert_ok(read_files("u.csv", NULL, "tag", UTF8_SKIP, &rows));
    assert_int_equal(tokenized_size(rows), 1);
    assert_int_equal(tokenized_n_invalid(rows), 2);
    tokenized_close(rows);
    assert_ok(read_files("u.csv", NULL, "tag", UTF8_REPLACE, &rows));
    assert_int_equal(tokenized_size(rows), 3);
    assert_int_equal(tokenized_n_invalid(rows), 2);
    assert_int_equal(tokenized_row(rows, 0)->text_sum,
                     checksum_bytes("a\xef\xbf\xbd b", 6));
    tokenized_close(rows);
}

static void test_texts(void **state)
{
    (void)state;
    const Text texts[] = {TEXT("Two words"), TEXT(""), TEXT("words!")};
    TokenizedRows *rows;
    tokenize_texts(splitter, texts, 3, &rows);
    assert_int_equal(tokenized_size(rows), 3);
    expect_words(rows, 0, "two words ");
    expect_words(rows, 1, "");
    expect_words(rows, 2, "words ");
    char *place = tokenized_place(rows, 1);
    assert_string_equal(place, "text 2");
    free(place);
    tokenized_close(rows);
}

/* A few megabytes, so that many pieces are on their way at once: word `i * i % 70001` and
 * others, three files. */
static void put_many(const char *path, size_t from, size_t to)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "title,body,tag\n");
    for (size_t i = from; i < to; i++) {
        strbuf_printf(&out, "w%zu the,the Of %zu w%zu %.*s,c%zu\n", i * i % 70001, i,
                      i * 7 % 301, (int)(i % 60),
                      "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d",
                      i % 5);
    }
    put_bytes(path, out.p, out.n);
    strbuf_free(&out);
}

static void expect_same(const TokenizedRows *a, const TokenizedRows *b)
{
    assert_int_equal(tokenized_size(a), tokenized_size(b));
    assert_string_equal(tokenized_digest(a), tokenized_digest(b));
    const Lexicon *words = tokenized_words(a), *others = tokenized_words(b);
    assert_int_equal(words->n, others->n);
    assert_memory_equal(words->hash, others->hash, words->n * sizeof *words->hash);
    assert_memory_equal(words->bytes, others->bytes, words->begin[words->n]);
    uint32_t x[128], y[128];
    for (size_t i = 0; i < tokenized_size(a); i++) {
        assert_memory_equal(tokenized_row(a, i), tokenized_row(b, i), sizeof(RowInfo));
        size_t n = tokenized_read(a, i, x, 128);
        assert_int_equal(tokenized_read(b, i, y, 128), n);
        assert_memory_equal(x, y, n * sizeof *x);
    }
    char *last = tokenized_place(a, tokenized_size(a) - 1);
    char *other = tokenized_place(b, tokenized_size(b) - 1);
    assert_string_equal(last, other);
    free(last);
    free(other);
}

static void test_threads_and_files_change_nothing(void **state)
{
    (void)state;
    put_many("1.csv", 0, 30000);
    put_many("2.csv", 30000, 30010);
    put_many("3.csv", 30010, 60000);
    StrList files = list_of("1.csv", "2.csv", "3.csv", NULL);
    StrList columns = list_of("title", "body", NULL);
    TokenizeRequest request = request_of(&files, &columns, "tag");
    TokenizedRows *one, *other;
    request.threads = 1;
    assert_ok(tokenize_files(&request, &one));
    assert_int_equal(tokenized_size(one), 60000);
    expect_words(one, 2, "w4 the the of 2 w14 a ");
    char *place = tokenized_place(one, 30010);
    assert_string_equal(place, "3.csv:2:1");
    free(place);
    for (size_t threads = 2; threads <= 7; threads += 5) {
        request.threads = threads;
        assert_ok(tokenize_files(&request, &other));
        expect_same(one, other);
        tokenized_close(other);
    }
    request.path = "rows";
    request.fd = open("rows", O_RDWR | O_CREAT, 0600);
    assert_ok(tokenize_files(&request, &other));
    expect_same(one, other);
    tokenized_close(other);
    assert_ok(tokenized_map(open("rows", O_RDONLY), "rows", &other));
    expect_same(one, other);
    tokenized_close(other);
    tokenized_close(one);
    strlist_free(&files);
    strlist_free(&columns);
}

/* Numbers of one to five bytes: what the stream holds must come back. */
static void test_numbers_of_every_size(void **state)
{
    (void)state;
    static uint32_t numbers[70000];
    TokenizedWriter *writer = tokenized_writer_open(-1, NULL);
    for (uint32_t i = 0; i < 70000; i++) {
        char word[16];
        int n = snprintf(word, sizeof word, "w%u", i);
        Text text = {word, (size_t)n};
        assert_int_equal(
            tokenized_writer_word(writer, text, hash_bytes(0, text.p, text.n)), i);
        numbers[i] = i;
    }
    NewRow row = {.text = TEXT("t"), .words = numbers, .n_words = 70000};
    tokenized_writer_add(writer, &row);
    row.words = numbers + 69999;
    row.n_words = 1;
    tokenized_writer_add(writer, &row);
    TokenizedRows *rows;
    assert_ok(tokenized_writer_end(writer, 0, false, &rows));
    static uint32_t back[70000];
    assert_int_equal(tokenized_read(rows, 0, back, 70000), 70000);
    assert_memory_equal(back, numbers, sizeof numbers);
    assert_int_equal(tokenized_read(rows, 0, back, 3), 3);
    assert_int_equal(tokenized_read(rows, 1, back, 3), 1);
    assert_int_equal(back[0], 69999);
    tokenized_close(rows);
}

static int set_up(void **state)
{
    DataConfig config = {0};
    return word_splitter_open(&config, &splitter) != STATUS_OK || help_make_folder(state);
}

static int tear_down(void **state)
{
    word_splitter_close(splitter);
    return help_remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_files_of_different_formats),
        cmocka_unit_test(test_digest_tells_rows_apart),
        cmocka_unit_test(test_without_labels),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_invalid_rows_are_counted),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_threads_and_files_change_nothing),
        cmocka_unit_test(test_numbers_of_every_size),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
