/* Cutting words, against a search that tries every end anew. */
#include "data/wordpiece.h"

#include "base/rng.h"
#include "tests/data/help.h"

static const WordPieceConfig CONFIG = {"[UNK]", "##", 10};

static WordPiece *open_model(const StrList *vocab)
{
    WordPiece *model;
    assert_ok(wordpiece_open(vocab, &CONFIG, &model));
    return model;
}

static void expect(const WordPiece *model, const char *word, const char *expected)
{
    uint32_t ids[64], ends[64];
    size_t n = wordpiece_split(model, text_of(word), ids, ends);
    StrBuf out = {0};
    strbuf_add_text(&out, "");
    for (size_t i = 0; i < n; i++) {
        Text token = wordpiece_token(model, ids[i]);
        strbuf_add(&out, token.p, token.n);
        strbuf_printf(&out, ":%u ", ends[i]);
    }
    assert_string_equal(out.p, expected);
    strbuf_free(&out);
}

static void test_longest_match_first(void **state)
{
    (void)state;
    StrList vocab = list_of("[UNK]", "un", "unaff", "##aff", "##able", "##abl", "##e",
                            "\xc3\xa9t\xc3\xa9", "##\xc3\xa9", NULL);
    WordPiece *model = open_model(&vocab);
    assert_int_equal(wordpiece_size(model), 9);
    assert_int_equal(wordpiece_unk(model), 0);
    assert_int_equal(wordpiece_find(model, TEXT("##able")), 4);
    assert_int_equal(wordpiece_find(model, TEXT("able")), PIECE_ABSENT);
    expect(model, "unaffable", "unaff:5 ##able:9 ");
    expect(model, "unable", "un:2 ##able:6 ");
    expect(model, "unx", "[UNK]:3 ");
    expect(model, "able", "[UNK]:4 ");
    expect(model, "", "");
    expect(model, "\xc3\xa9t\xc3\xa9\xc3\xa9", "\xc3\xa9t\xc3\xa9:5 ##\xc3\xa9:7 ");
    expect(model, "uneeeeeeee", "un:2 ##e:3 ##e:4 ##e:5 ##e:6 ##e:7 ##e:8 ##e:9 ##e:10 ");
    expect(model, "uneeeeeeeee", "[UNK]:11 "); /* 11 characters */
    expect(model, "un\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
           "un:2 ##\xc3\xa9:4 ##\xc3\xa9:6 ##\xc3\xa9:8 ##\xc3\xa9:10 ##\xc3\xa9:12 "
           "##\xc3\xa9:14 ");
    wordpiece_close(model);
    strlist_free(&vocab);
}

static bool has(const StrList *vocab, const char *prefix, Text piece)
{
    for (size_t i = 0; i < vocab->n; i++) {
        size_t n = strlen(prefix);
        if (strncmp(vocab->items[i], prefix, n) == 0 &&
            text_is(piece, vocab->items[i] + n)) {
            return true;
        }
    }
    return false;
}

/* The definition, word for word. False when the word cannot be cut. */
static bool cut_slowly(const StrList *vocab, Text word, uint32_t *ends, size_t *n)
{
    *n = 0;
    for (size_t start = 0; start < word.n;) {
        size_t end = word.n;
        while (end > start &&
               !has(vocab, start ? "##" : "", (Text){word.p + start, end - start})) {
            end--;
        }
        if (end == start) {
            return false;
        }
        ends[(*n)++] = (uint32_t)end;
        start = end;
    }
    return true;
}

static void test_random_words(void **state)
{
    (void)state;
    Rng rng = rng_stream(3, 0, 0, 0);
    StrList vocab = list_of("[UNK]", NULL);
    while (vocab.n < 60) {
        char token[8] = {0};
        size_t n = 0;
        if (rng_below(&rng, 2)) {
            token[n++] = '#';
            token[n++] = '#';
        }
        for (size_t i = 1 + rng_below(&rng, 4); i > 0; i--) {
            token[n++] = (char)('a' + rng_below(&rng, 3));
        }
        if (!strlist_has(&vocab, token)) {
            strlist_add(&vocab, token);
        }
    }
    WordPiece *model = open_model(&vocab);
    for (size_t round = 0; round < 20000; round++) {
        char word[11];
        size_t n = 1 + rng_below(&rng, 10), n_expected;
        for (size_t i = 0; i < n; i++) {
            word[i] = (char)('a' + rng_below(&rng, 3));
        }
        uint32_t ids[16], ends[16], expected[16];
        size_t found = wordpiece_split(model, (Text){word, n}, ids, ends);
        if (cut_slowly(&vocab, (Text){word, n}, expected, &n_expected)) {
            assert_int_equal(found, n_expected);
            assert_memory_equal(ends, expected, found * sizeof *ends);
        } else {
            assert_int_equal(found, 1);
            assert_int_equal(ids[0], 0);
        }
    }
    wordpiece_close(model);
    strlist_free(&vocab);
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    WordPiece *model;
    StrList twice = list_of("[UNK]", "a", "b", "a", NULL), without = list_of("a", NULL);
    assert_fails(STATUS_DAMAGED, "token \"a\" stands there twice, as 1 and as 3",
                 wordpiece_open(&twice, &CONFIG, &model));
    assert_fails(STATUS_DAMAGED, "the unknown token \"[UNK]\" is missing",
                 wordpiece_open(&without, &CONFIG, &model));
    strlist_free(&twice);
    strlist_free(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_match_first),
        cmocka_unit_test(test_random_words),
        cmocka_unit_test(test_bad_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
