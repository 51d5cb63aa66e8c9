/* Words that stand together get vectors that lie together; threads do not show; and what
 * of a config's rows is read. Ranks are tests/e2e/pretrain.bats'. */
#include "trainer/pretrain.h"

#include "tests/data/help.h"

#include <math.h>

enum { TOPICS = 8, TOPIC_WORDS = 12, TEXTS = 1500, TEXT_WORDS = 20 };

static StrList files;
static DataConfig data = {.invalid_utf8 = UTF8_ERROR};

/* Every text keeps to one topic's words; word w of topic t is "t<t>w<w>". */
static int make_text(void **state)
{
    int failed = help_make_folder(state);
    StrBuf out = {0};
    uint32_t draw = 1;
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t j = 0; j < TEXT_WORDS; j++) {
            draw = draw * 1664525u + 1013904223u;
            strbuf_printf(&out, "t%zuw%u ", i * 7 % TOPICS, (draw >> 16) % TOPIC_WORDS);
        }
        strbuf_add_char(&out, '\n');
    }
    put_bytes("text.txt", out.p, out.n);
    strbuf_free(&out);
    files = list_of("text.txt", NULL);
    return failed;
}

static int forget_text(void **state)
{
    strlist_free(&files);
    return help_remove_folder(state);
}

static Corpus *open_corpus(void)
{
    CorpusRequest request = {&data, 42, &files, 5, 1000};
    Corpus *corpus;
    assert_ok(corpus_open(&request, &corpus));
    return corpus;
}

static PretrainResult train(const Corpus *corpus, size_t threads, bool deterministic)
{
    PretrainConfig config = {.window = 5,
                             .epochs = 4,
                             .negatives = 5,
                             .noise_power = 0.5,
                             .subsample = 1,
                             .lr = 0.05,
                             .threads = (int64_t)threads,
                             .deterministic = deterministic,
                             .shards = 8,
                             .block = 200};
    PretrainJob job = {.ranks = &ranks_single,
                       .config = &config,
                       .dim = 20,
                       .seed = 42,
                       .corpus = corpus};
    PretrainResult result;
    assert_ok(pretrain_run(&job, &result));
    return result;
}

static double cosine(const WordVectors *v, size_t a, size_t b)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t d = 0; d < v->dim; d++) {
        double x = (double)v->rows[a * v->dim + d], y = (double)v->rows[b * v->dim + d];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

static void expect_topics(const WordVectors *v)
{
    double same = 0, other = 0, n_same = 0, n_other = 0;
    for (size_t a = 0; a < v->n; a++) {
        for (size_t b = 0; b < a; b++) {
            bool topic = v->words[a].p[1] == v->words[b].p[1];
            *(topic ? &same : &other) += cosine(v, a, b);
            *(topic ? &n_same : &n_other) += 1;
        }
    }
    assert_int_equal(v->n, TOPICS * TOPIC_WORDS);
    assert_true(same / n_same > 0.8);
    assert_true(other / n_other < 0.5);
}

static void test_neighbours_lie_together(void **state)
{
    (void)state;
    Corpus *corpus = open_corpus();
    PretrainResult rounds = train(corpus, 1, true), wild = train(corpus, 2, false);
    expect_topics(&rounds.vectors);
    expect_topics(&wild.vectors);
    assert_true(rounds.loss > 0 && rounds.loss < 6 * log(2));
    pretrain_result_free(&rounds);
    pretrain_result_free(&wild);
    corpus_close(corpus);
}

static void test_threads_do_not_show(void **state)
{
    (void)state;
    Corpus *corpus = open_corpus();
    PretrainResult one = train(corpus, 1, true);
    for (size_t threads = 2; threads <= 8; threads += 3) {
        PretrainResult many = train(corpus, threads, true);
        assert_memory_equal(one.vectors.rows, many.vectors.rows,
                            one.vectors.n * one.vectors.dim * sizeof(float));
        assert_true(one.loss == many.loss);
        pretrain_result_free(&many);
    }
    pretrain_result_free(&one);
    corpus_close(corpus);
}

/* Words of held-out rows would come as often as all others. */
static void test_the_training_split_alone(void **state)
{
    (void)state;
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\n");
    for (size_t i = 0; i < 100; i++) {
        strbuf_printf(&out, "all row%zu row%zu,t%zu\n", i, i, i % 2);
    }
    put_bytes("rows.csv", out.p, out.n);
    strbuf_free(&out);
    StrList train_files = list_of("rows.csv", NULL), test = list_of("gone.csv", NULL);
    StrList columns = list_of("text", NULL), none = {0};
    char *off = (char *)"off", *tag = (char *)"tag";
    DataConfig rows = {.train = train_files,
                       .test = test,
                       .text = columns,
                       .label = tag,
                       .val_size = 0.2,
                       .shuffle = true,
                       .cache = off};
    CorpusRequest request = {&rows, 42, &none, 2, 1000};
    Corpus *corpus;
    assert_ok(corpus_open(&request, &corpus));
    assert_int_equal(corpus_n_texts(corpus), 80);
    assert_int_equal(corpus_n_words(corpus), 240);
    assert_int_equal(corpus_vocab_size(corpus), 81);
    assert_text(corpus_word(corpus, 0), "all");
    assert_int_equal(corpus_counts(corpus)[0], 80);
    corpus_close(corpus);
    strlist_free(&train_files);
    strlist_free(&test);
    strlist_free(&columns);
}

static void test_bad_text(void **state)
{
    (void)state;
    put("bad.txt", "fine\nalso f\xff\n");
    put("one.txt", "word word word\n");
    StrList bad = list_of("bad.txt", NULL), one = list_of("one.txt", NULL);
    Corpus *corpus;
    CorpusRequest request = {&data, 42, &bad, 1, 1000};
    assert_fails(STATUS_DATA, "bad.txt:2:7: invalid UTF-8",
                 corpus_open(&request, &corpus));
    request.text = &one;
    assert_fails(STATUS_DATA, "no two words stand in the text at least 1 times",
                 corpus_open(&request, &corpus));
    strlist_free(&bad);
    strlist_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_lie_together),
        cmocka_unit_test(test_threads_do_not_show),
        cmocka_unit_test(test_the_training_split_alone),
        cmocka_unit_test(test_bad_text),
    };
    return cmocka_run_group_tests(tests, make_text, forget_text);
}
