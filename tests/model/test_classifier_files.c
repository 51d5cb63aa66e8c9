/* A model folder: what is written is read back bit by bit; every kind of damage is
 * refused with the file and the place. */
#include "tests/model/shapes.h"
#include "model/classifier_parts.h"
#include "tests/model/compare.h"

#include "base/files.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const ModelConfig CONFIG = LITE(8, 1, 2, 6, 0.1, 0.2, 0.15, 0.25, 0.6);
static const ModelSizes SMALL = SIZES(3, 9, 5, 4, 10);
static const char *const LABELS[] = {"a \"quoted\" one", "b\xc3\xa4", "c"};

typedef struct Folder {
    char dir[64];
    char *weights, *config;
} Folder;

static Folder folder_open(void)
{
    Folder f = {.dir = "/tmp/test_classifier_files_XXXXXX"};
    assert_non_null(mkdtemp(f.dir));
    f.weights = path_join(f.dir, "model.safetensors");
    f.config = path_join(f.dir, "config.json");
    Classifier *model = classifier_create(&CONFIG, &SMALL, 3);
    assert_int_equal(classifier_save(model, f.dir, LABELS), STATUS_OK);
    classifier_close(model);
    return f;
}

static void folder_close(Folder *f)
{
    assert_int_equal(tree_remove(f->dir), STATUS_OK);
    free(f->weights);
    free(f->config);
}

static StrBuf read_all(const char *path)
{
    StrBuf bytes = {0};
    assert_int_equal(file_read(path, 1 << 24, STATUS_NOT_FOUND, &bytes), STATUS_OK);
    return bytes;
}

static void write_all(const char *path, const void *bytes, size_t n)
{
    assert_int_equal(file_write(path, bytes, n), STATUS_OK);
}

/* Loading fails as damaged; every one of the words is in the message. */
static void refuses(const Folder *f, const char *const *words, size_t n)
{
    Classifier *model = (Classifier *)f; /* untouched on failure */
    assert_int_equal(classifier_load(f->dir, &model), STATUS_DAMAGED);
    assert_ptr_equal(model, f);
    for (size_t i = 0; i < n; i++) {
        if (!strstr(status_message(), words[i])) {
            fail_msg("\"%s\" is not in: %s", words[i], status_message());
        }
    }
}

#define REFUSES(f, ...)                                                                  \
    do {                                                                                 \
        const char *const words_[] = {__VA_ARGS__};                                      \
        refuses(f, words_, COUNT_OF(words_));                                            \
    } while (0)

static void test_round_trip(void **state)
{
    (void)state;
    Folder f = folder_open();
    Classifier *saved = classifier_create(&CONFIG, &SMALL, 3), *loaded = NULL;
    assert_int_equal(classifier_load(f.dir, &loaded), STATUS_OK);
    assert_memory_equal(classifier_sizes(loaded), &SMALL, sizeof SMALL);
    assert_memory_equal(classifier_config(loaded), &CONFIG, sizeof CONFIG);
    assert_same_bits("dense", loaded->dense, saved->dense, saved->table.n_dense);
    assert_same_bits("words", loaded->words, saved->words, saved->table.n_words);
    assert_same_bits("ngrams", loaded->ngrams, saved->ngrams, saved->table.n_ngrams);
    assert_same_bits("wide", loaded->wide, saved->wide, saved->table.n_wide);

    StrBuf weights = read_all(f.weights), config = read_all(f.config);
    assert_int_equal(classifier_save(loaded, f.dir, LABELS), STATUS_OK);
    StrBuf weights2 = read_all(f.weights), config2 = read_all(f.config);
    assert_int_equal(weights.n, weights2.n);
    assert_memory_equal(weights.p, weights2.p, weights.n);
    assert_string_equal(config.p, config2.p);
    strbuf_free(&weights);
    strbuf_free(&weights2);
    strbuf_free(&config);
    strbuf_free(&config2);
    classifier_close(saved);
    classifier_close(loaded);
    folder_close(&f);
}

static void test_truncated_weights(void **state)
{
    (void)state;
    Folder f = folder_open();
    StrBuf bytes = read_all(f.weights);
    for (size_t n = 0; n < bytes.n; n += 1 + n / 3) {
        write_all(f.weights, bytes.p, n);
        REFUSES(&f, f.weights);
    }
    write_all(f.weights, bytes.p, 0);
    REFUSES(&f, f.weights, "0 bytes");
    write_all(f.weights, bytes.p, bytes.n - 1);
    REFUSES(&f, f.weights, "bytes");
    strbuf_free(&bytes);
    folder_close(&f);
}

/* A flipped bit anywhere in the header is refused or changes nothing that matters: it
 * never crashes, and never gives a model of another shape. (In the numbers, the folder's
 * SHA256SUMS tells.) */
static void test_flipped_header_bits(void **state)
{
    (void)state;
    Folder f = folder_open();
    StrBuf bytes = read_all(f.weights);
    uint64_t header = 0;
    memcpy(&header, bytes.p, sizeof header);
    size_t refused = 0;
    for (size_t at = 0; at < 8 + (size_t)header; at++) {
        char held = bytes.p[at];
        bytes.p[at] = (char)(held ^ (1 << at % 8));
        FILE *out = fopen(f.weights, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes.p, 1, bytes.n, out), bytes.n);
        assert_int_equal(fclose(out), 0);
        bytes.p[at] = held;
        Classifier *model = NULL;
        Status status = classifier_load(f.dir, &model);
        if (status == STATUS_OK) {
            assert_memory_equal(classifier_sizes(model), &SMALL, sizeof SMALL);
            classifier_close(model);
        } else {
            assert_int_equal(status, STATUS_DAMAGED);
            assert_non_null(strstr(status_message(), f.weights));
            refused++;
        }
    }
    assert_true(refused > (size_t)header * 9 / 10);
    strbuf_free(&bytes);
    folder_close(&f);
}

static void test_header_that_claims_too_much(void **state)
{
    (void)state;
    Folder f = folder_open();
    StrBuf bytes = read_all(f.weights);
    const uint64_t claims[] = {1ULL << 60, UINT64_MAX, bytes.n, bytes.n - 7};
    for (size_t i = 0; i < COUNT_OF(claims); i++) {
        memcpy(bytes.p, &claims[i], sizeof claims[i]);
        write_all(f.weights, bytes.p, bytes.n);
        char claim[32];
        snprintf(claim, sizeof claim, "%llu", (unsigned long long)claims[i]);
        REFUSES(&f, f.weights, "offset 0", "header claims", claim);
    }
    strbuf_free(&bytes);
    folder_close(&f);
}

/* The first tensor that differs, with both shapes. */
static void test_other_shape(void **state)
{
    (void)state;
    Folder f = folder_open();
    const struct {
        const char *label;
        ModelConfig config;
        ModelSizes sizes;
        const char *message;
    } cases[] = {
        {"vocabulary", CONFIG, SIZES(3, 10, 5, 4, 10),
         "tensor \"embedding.word.weight\" has shape [10, 8], expected [9, 8]"},
        {"classes", CONFIG, SIZES(4, 9, 5, 4, 10),
         "tensor \"head.weight\" has shape [4, 8], expected [3, 8]"},
        {"positions", CONFIG, SIZES(3, 9, 5, 6, 10),
         "tensor \"embedding.position.weight\" has shape [6, 8], expected [4, 8]"},
        {"no n-grams", CONFIG, SIZES(3, 9, 0, 4, 10),
         "tensor \"embedding.ngram.weight\" is missing"},
        {"feed-forward", LITE(8, 1, 2, 7, 0, 0, 0, 0, 0), SMALL,
         "tensor \"encoder.layer.0.ff.in.weight\" has shape [7, 8], expected [6, 8]"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        StrBuf config = read_all(f.config);
        Classifier *other = classifier_create(&cases[i].config, &cases[i].sizes, 1);
        const char *const labels[] = {"a", "b", "c", "d"};
        assert_int_equal(classifier_save(other, f.dir, labels), STATUS_OK);
        write_all(f.config, config.p, config.n);
        REFUSES(&f, f.weights, cases[i].message);
        classifier_close(other);
        strbuf_free(&config);
    }
    folder_close(&f);
}

static void test_numbers_that_are_none(void **state)
{
    (void)state;
    const struct {
        const char *tensor;
        size_t index;
        float value;
        const char *word;
    } cases[] = {
        {"embedding.word.weight", 17, NAN, "holds NaN at index 17"},
        {"encoder.layer.0.ff.in.weight", 47, INFINITY, "holds infinity at index 47"},
        {"wide.weight", 29, -NAN, "holds NaN at index 29"},
        {"head.bias", 0, -INFINITY, "holds infinity at index 0"},
    };
    Folder f = folder_open();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Classifier *model = classifier_create(&CONFIG, &SMALL, 3);
        for (size_t t = 0; t < model->table.n; t++) {
            if (strcmp(model->table.items[t].name, cases[i].tensor) == 0) {
                classifier_tensor(model, &model->table.items[t])[cases[i].index] =
                    cases[i].value;
            }
        }
        assert_int_equal(classifier_save(model, f.dir, LABELS), STATUS_OK);
        REFUSES(&f, f.weights, cases[i].tensor, cases[i].word);
        classifier_close(model);
    }
    folder_close(&f);
}

/* Puts `value` where config.json has `key`'s. */
static void set_key(const Folder *f, const char *key, const char *value)
{
    StrBuf bytes = read_all(f->config), out = {0};
    char *quoted = mem_printf("\"%s\": ", key);
    char *at = strstr(bytes.p, quoted);
    assert_non_null(at);
    at += strlen(quoted);
    strbuf_add(&out, bytes.p, (size_t)(at - bytes.p));
    strbuf_add_text(&out, value);
    strbuf_add_text(&out, at + strcspn(at, ",\n"));
    write_all(f->config, out.p, out.n);
    free(quoted);
    strbuf_free(&out);
    strbuf_free(&bytes);
}

static void test_config_out_of_bounds(void **state)
{
    (void)state;
    const struct {
        const char *key, *value;
    } cases[] = {
        {"hidden_size", "0"},
        {"hidden_size", "-8"},
        {"hidden_size", "1152921504606846976"},
        {"hidden_size", "\"8\""},
        {"hidden_size", "8.5"},
        {"num_hidden_layers", "-1"},
        {"num_hidden_layers", "65"},
        {"num_attention_heads", "0"},
        {"num_attention_heads", "3"},
        {"intermediate_size", "0"},
        {"vocab_size", "1"},
        {"vocab_size", "99999999999"},
        {"num_labels", "0"},
        {"max_position_embeddings", "null"},
        {"wide_buckets", "-1"},
        {"ngram_buckets", "268435457"},
        {"model_type", "\"roberta\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Folder f = folder_open();
        set_key(&f, cases[i].key, cases[i].value);
        REFUSES(&f, f.config, cases[i].key);
        folder_close(&f);
    }
}

/* Sizes that fit together but that no file could hold: refused before memory is asked
 * for. */
static void test_config_that_asks_for_much(void **state)
{
    (void)state;
    Folder f = folder_open();
    set_key(&f, "hidden_size", "8192");
    set_key(&f, "vocab_size", "268435456");
    REFUSES(&f, f.weights, "embedding.word.weight", "[9, 8]", "[268435456, 8192]");
    folder_close(&f);
}

static void test_damaged_config(void **state)
{
    (void)state;
    Folder f = folder_open();
    StrBuf bytes = read_all(f.config);
    write_all(f.config, bytes.p, bytes.n / 2);
    REFUSES(&f, f.config);
    write_all(f.config, "", 0);
    REFUSES(&f, f.config);
    write_all(f.config, "[]\n", 3);
    REFUSES(&f, f.config, "model_type");
    write_all(f.config, "{\n  \"hidden_size\": 8,,\n}", 25);
    REFUSES(&f, f.config, ":2:");
    assert_int_equal(unlink(f.config), 0);
    REFUSES(&f, f.config);
    strbuf_free(&bytes);
    folder_close(&f);
}

static void test_pickles_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {"pytorch_model.bin", "model.pt", "model.pth",
                                 "model.pkl"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        Folder f = folder_open();
        char *path = path_join(f.dir, names[i]);
        assert_int_equal(rename(f.weights, path), 0);
        REFUSES(&f, path, "pickle", "runs code");
        assert_non_null(strstr(status_hint_text(), "model.safetensors"));
        free(path);
        folder_close(&f);
    }
}

/* The same by its first bytes, whatever it is called. */
static void test_pickles_in_disguise(void **state)
{
    (void)state;
    Folder f = folder_open();
    const char zip[] = "PK\x03\x04 archive/data.pkl and more",
               pickle[] = "\x80\x02}q and more";
    write_all(f.weights, zip, sizeof zip);
    REFUSES(&f, f.weights, "zip archive");
    write_all(f.weights, pickle, sizeof pickle);
    REFUSES(&f, f.weights, "pickle");
    folder_close(&f);
}

static void test_no_weights(void **state)
{
    (void)state;
    Folder f = folder_open();
    assert_int_equal(unlink(f.weights), 0);
    Classifier *model = NULL;
    Status status = classifier_load(f.dir, &model);
    assert_true(status == STATUS_NOT_FOUND || status == STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), f.weights));
    folder_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncated_weights),
        cmocka_unit_test(test_flipped_header_bits),
        cmocka_unit_test(test_header_that_claims_too_much),
        cmocka_unit_test(test_other_shape),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_config_out_of_bounds),
        cmocka_unit_test(test_config_that_asks_for_much),
        cmocka_unit_test(test_damaged_config),
        cmocka_unit_test(test_pickles_are_refused),
        cmocka_unit_test(test_pickles_in_disguise),
        cmocka_unit_test(test_no_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
