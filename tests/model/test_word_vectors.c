/* Folders of word vectors: what is written is read, what is broken is named; and the rows
 * that a model starts with. */
#include "tests/model/shapes.h"
#include "model/init_vectors.h"
#include "model/word_vectors.h"

#include "base/files.h"
#include "base/manifest.h"
#include "base/safetensors.h"
#include "model/classifier_parts.h"
#include "tests/data/help.h"

#include <math.h>

enum { N = 3, DIM = 4 };

static const Text WORDS[N] = {{"red", 3}, {"gr\xc3\xbcn", 5}, {"blue", 4}};
static const float ROWS[N * DIM] = {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, 0.5f};
static const Section NO_SETTINGS = {"pretrain", "", NULL, 0, NULL};

static void save(void)
{
    WordVectors vectors = {.n = N,
                           .dim = DIM,
                           .words = (Text *)(uintptr_t)WORDS,
                           .rows = (float *)(uintptr_t)ROWS};
    VectorsInfo info = {&NO_SETTINGS, 42, "digest", "source", 2.5};
    assert_ok(word_vectors_save(&vectors, &info, "v"));
}

/* A file changed by somebody who knows how to write checksums. */
static void change(const char *name, const char *bytes)
{
    save();
    put(name, bytes);
    assert_ok(manifest_write("v"));
}

static void refused(Status code, const char *message)
{
    WordVectors vectors;
    assert_int_equal(word_vectors_load("v", &vectors), code);
    assert_contains(status_message(), message);
}

static void test_round_trip(void **state)
{
    (void)state;
    WordVectors vectors;
    save();
    assert_ok(word_vectors_load("v", &vectors));
    assert_int_equal(vectors.n, N);
    assert_int_equal(vectors.dim, DIM);
    assert_memory_equal(vectors.rows, ROWS, sizeof ROWS);
    for (size_t i = 0; i < N; i++) {
        assert_true(text_equal(vectors.words[i], WORDS[i]));
    }
    word_vectors_free(&vectors);
    assert_false(dir_exists("v.tmp"));
}

enum { BUCKETS = 5 };

/* n-gram vectors like no word's. */
static void fill_ngrams(float *ngrams)
{
    for (size_t i = 0; i < BUCKETS * DIM; i++) {
        ngrams[i] = sinf((float)i);
    }
}

static void save_with_ngrams(float *ngrams)
{
    fill_ngrams(ngrams);
    WordVectors vectors = {.n = N,
                           .dim = DIM,
                           .words = (Text *)(uintptr_t)WORDS,
                           .rows = (float *)(uintptr_t)ROWS,
                           .ngram_min = 3,
                           .ngram_max = 4,
                           .ngram_buckets = BUCKETS,
                           .ngrams = ngrams};
    VectorsInfo info = {&NO_SETTINGS, 42, "digest", "source", 2.5};
    assert_ok(word_vectors_save(&vectors, &info, "v"));
}

static void test_ngrams_go_along(void **state)
{
    (void)state;
    float ngrams[BUCKETS * DIM];
    WordVectors plain, vectors;
    save();
    assert_ok(word_vectors_load("v", &plain));
    save_with_ngrams(ngrams);
    assert_ok(word_vectors_load("v", &vectors));
    assert_int_equal(vectors.ngram_min, 3);
    assert_int_equal(vectors.ngram_max, 4);
    assert_int_equal(vectors.ngram_buckets, BUCKETS);
    assert_memory_equal(vectors.ngrams, ngrams, sizeof ngrams);
    assert_string_not_equal(plain.digest, vectors.digest);
    word_vectors_free(&plain);
    word_vectors_free(&vectors);
    put("v/config.json", "{\"model_type\": \"muster-skipgram\", \"vocab_size\": 3, "
                         "\"hidden_size\": 4, \"ngram_min\": 3, \"ngram_max\": 4, "
                         "\"ngram_buckets\": 6}");
    assert_ok(manifest_write("v"));
    refused(STATUS_DAMAGED, "has shape [5, 4], expected [6, 4]");
    put("v/config.json", "{\"model_type\": \"muster-skipgram\", \"vocab_size\": 3, "
                         "\"hidden_size\": 4, \"ngram_min\": 3, \"ngram_max\": 4, "
                         "\"ngram_buckets\": -1}");
    assert_ok(manifest_write("v"));
    refused(STATUS_DAMAGED, "ngram_buckets: expected a whole number");
}

static void test_where_they_come_from(void **state)
{
    (void)state;
    char source[SHA256_HEX];
    save();
    assert_ok(word_vectors_source("v", source));
    assert_string_equal(source, "source");
    change("v/config.json", "{\"model_type\": \"bert\"}");
    assert_int_equal(word_vectors_source("v", source), STATUS_DAMAGED);
    assert_int_equal(word_vectors_source("gone", source), STATUS_NOT_FOUND);
}

static void put_tensor(const float *rows, size_t n, size_t dim)
{
    Tensor tensor = {"embeddings.word_embeddings.weight", TENSOR_F32, 2, {n, dim}, rows};
    save();
    assert_ok(safetensors_write("v/model.safetensors", &tensor, 1, NULL, 0));
    assert_ok(manifest_write("v"));
}

static void test_what_is_broken_is_named(void **state)
{
    (void)state;
    assert_ok(tree_remove("v"));
    refused(STATUS_NOT_FOUND, "v");
    save();
    put("v/vocab.txt", "red\n");
    refused(STATUS_DAMAGED, "v/vocab.txt");
    save();
    assert_ok(tree_remove("v/SHA256SUMS"));
    refused(STATUS_DAMAGED, "SHA256SUMS");
    change("v/vocab.txt", "red\ngreen\n");
    refused(STATUS_DAMAGED, "v/vocab.txt: 2 words, but 3 vectors");
    change("v/vocab.txt", "red\n\nblue\n");
    refused(STATUS_DAMAGED, "v/vocab.txt:2:1: an empty word");
    change("v/vocab.txt", "red\ngreen\nblue");
    refused(STATUS_DAMAGED, "v/vocab.txt:3:1: the line is cut off");
    change("v/vocab.txt", "red\ngreen\nred\n");
    refused(STATUS_DAMAGED, "the word \"red\" stands there twice");
    change("v/vocab.txt", "red\n\xff\nblue\n");
    refused(STATUS_DAMAGED, "v/vocab.txt:2:1: is not UTF-8");
    change("v/config.json", "{\"model_type\": \"bert\"}");
    refused(STATUS_DAMAGED, "model_type: expected \"muster-skipgram\", found \"bert\"");
    change("v/config.json",
           "{\"model_type\": \"muster-skipgram\", \"vocab_size\": 1e18}");
    refused(STATUS_DAMAGED, "v/config.json: vocab_size");
    change("v/model.safetensors", "");
    refused(STATUS_DAMAGED, "v/model.safetensors");
}

static void test_tensors_that_do_not_fit(void **state)
{
    (void)state;
    float rows[N * DIM];
    memcpy(rows, ROWS, sizeof rows);
    put_tensor(rows, 2, DIM);
    refused(STATUS_DAMAGED, "has shape [2, 4], expected [3, 4]");
    put_tensor(rows, N, 3);
    refused(STATUS_DAMAGED, "has shape [3, 3], expected [3, 4]");
    rows[7] = NAN;
    put_tensor(rows, N, DIM);
    refused(STATUS_DAMAGED, "7");
}

/* Centred over the words, deviation 0.3 over all numbers; the others as drawn. */
static void test_the_rows_of_a_model(void **state)
{
    (void)state;
    ModelConfig config = {.hidden = DIM, .layers = 0, .heads = 1, .ff = 1};
    ModelSizes sizes = SIZES(2, 7, 5, 3, 0);
    Classifier *drawn = classifier_create(&config, &sizes, 9);
    Classifier *model = classifier_create(&config, &sizes, 9);
    WordVectors vectors = {.n = N, .dim = DIM, .rows = (float *)(uintptr_t)ROWS};
    const uint32_t row_of[N] = {6, UINT32_MAX, 2};
    double mean[DIM] = {0}, squares = 0;
    for (size_t i = 0; i < N * DIM; i++) {
        mean[i % DIM] += (double)ROWS[i] / N;
    }
    for (size_t i = 0; i < N * DIM; i++) {
        squares += pow((double)ROWS[i] - mean[i % DIM], 2) / (N * DIM);
    }
    WordPlaces places = {.row = row_of};
    classifier_init_words(model, &vectors, &places);
    for (size_t i = 0; i < 7 * DIM; i++) {
        size_t row = i / DIM, d = i % DIM, word = row == 6 ? 0 : 2;
        double want = row == 6 || row == 2
                          ? ((double)ROWS[word * DIM + d] - mean[d]) * 0.3 / sqrt(squares)
                          : (double)drawn->words[i];
        assert_true(fabs((double)model->words[i] - want) < 1e-6);
    }
    for (size_t i = 0; i < 5 * DIM; i++) {
        assert_true(fabsf(model->ngrams[i] - 0.1f * drawn->ngrams[i]) < 1e-7f);
    }
    classifier_close(drawn);
    classifier_close(model);
}

/* What a word is composed of is centred and has deviation 0.3, in the file's relations.
 */
static void test_composed_vectors_of_a_model(void **state)
{
    (void)state;
    ModelConfig config = {.hidden = DIM, .layers = 0, .heads = 1, .ff = 1};
    ModelSizes sizes = SIZES(2, 7, BUCKETS, 3, 0);
    Classifier *model = classifier_create(&config, &sizes, 9);
    float ngrams[BUCKETS * DIM];
    fill_ngrams(ngrams);
    WordVectors vectors = {.n = N,
                           .dim = DIM,
                           .rows = (float *)(uintptr_t)ROWS,
                           .ngram_buckets = BUCKETS,
                           .ngrams = ngrams};
    const uint32_t row_of[N] = {6, 3, 2}, bucket[] = {0, 4, 4, 1};
    const size_t begin[N + 1] = {0, 2, 3, 4};
    WordPlaces places = {row_of, begin, bucket};
    classifier_init_words(model, &vectors, &places);
    double sum[DIM] = {0}, squares = 0, file[N][DIM], mean[DIM] = {0}, own[N][DIM];
    for (size_t i = 0; i < N; i++) {
        for (size_t d = 0; d < DIM; d++) {
            double x = (double)model->words[row_of[i] * DIM + d];
            file[i][d] = (double)ROWS[i * DIM + d];
            for (size_t at = begin[i]; at < begin[i + 1]; at++) {
                double n = (double)(begin[i + 1] - begin[i]);
                x += (double)model->ngrams[bucket[at] * DIM + d] / n;
                file[i][d] += (double)ngrams[bucket[at] * DIM + d] / n;
            }
            own[i][d] = x;
            sum[d] += x;
            mean[d] += file[i][d] / N;
            squares += x * x / (N * DIM);
        }
    }
    double scale = own[0][0] / (file[0][0] - mean[0]);
    assert_true(fabs(sqrt(squares) - 0.3) < 1e-6);
    for (size_t i = 0; i < N * DIM; i++) {
        size_t word = i / DIM, d = i % DIM;
        assert_true(fabs(sum[d]) < 1e-6);
        assert_true(fabs(own[word][d] - scale * (file[word][d] - mean[d])) < 1e-5);
    }
    classifier_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_ngrams_go_along),
        cmocka_unit_test(test_where_they_come_from),
        cmocka_unit_test(test_composed_vectors_of_a_model),
        cmocka_unit_test(test_what_is_broken_is_named),
        cmocka_unit_test(test_tensors_that_do_not_fit),
        cmocka_unit_test(test_the_rows_of_a_model),
    };
    return cmocka_run_group_tests(tests, help_make_folder, help_remove_folder);
}
