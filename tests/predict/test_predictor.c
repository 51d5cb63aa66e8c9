/* A predictor's answers do not depend on company, and no damaged checkpoint opens. */
#include "predict/predictor.h"

#include "model/classifier.h"
#include "tests/predict/model_fixture.h"

#include <math.h>
#include <unistd.h>

static Predictor *open_good(void)
{
    Predictor *p = NULL;
    Status status = predictor_open(checkpoint_dir, &p);
    if (status != STATUS_OK) {
        fail_msg("%s", status_message());
    }
    return p;
}

static void assert_damaged(const char *words)
{
    Predictor *p = NULL;
    assert_int_equal(predictor_open(checkpoint_dir, &p), STATUS_DAMAGED);
    assert_null(p);
    if (!strstr(status_message(), words)) {
        fail_msg("expected \"%s\" in \"%s\"", words, status_message());
    }
}

static void test_describes_itself(void **state)
{
    (void)state;
    Predictor *p = open_good();
    assert_int_equal(predictor_n_classes(p), 4);
    assert_string_equal(predictor_label(p, 0), "account");
    assert_string_equal(predictor_dir(p), checkpoint_dir);
    assert_int_equal(json_int(json_get(predictor_description(p), "seed"), 0), 42);
    predictor_close(p);
}

static void test_probabilities_sum_to_one(void **state)
{
    (void)state;
    const Text texts[] = {TEXT("The parcel has not arrived"), TEXT(""), TEXT("!!! ???"),
                          TEXT("\xC3\x9C"
                               "bergr\xC3\xB6\xC3\x9F"
                               "e \xF0\x9F\x93\xA6")};
    float log_probs[4 * 4];
    Predictor *p = open_good();
    assert_int_equal(predictor_predict(p, texts, 4, log_probs), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        for (size_t c = 0; c < 4; c++) {
            sum += exp((double)log_probs[i * 4 + c]);
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    predictor_close(p);
}

/* 100 texts at once, and each alone. The last bits may differ: BLAS sums short and tall
 * matrices in different ways. */
static void test_answers_do_not_depend_on_company(void **state)
{
    (void)state;
    enum { N = 100 };
    char words[N][64];
    Text texts[N];
    for (size_t i = 0; i < N; i++) {
        int n = snprintf(words[i], sizeof words[i], "order %zu: the kettle %s late", i,
                         i % 3 ? "is broken and" : "came");
        texts[i] = (Text){words[i], (size_t)n};
    }
    float together[N * 4], alone[4];
    Predictor *p = open_good();
    assert_int_equal(predictor_predict(p, texts, N, together), STATUS_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(predictor_predict(p, &texts[i], 1, alone), STATUS_OK);
        for (size_t c = 0; c < 4; c++) {
            assert_true(fabs((double)alone[c] - (double)together[i * 4 + c]) < 1e-5);
        }
    }
    assert_int_equal(predictor_predict(p, texts, 0, NULL), STATUS_OK);
    predictor_close(p);
}

/* Parts of whole batches are cut as the whole is: the same bits. */
static void test_parts_of_whole_batches_give_the_same_bits(void **state)
{
    (void)state;
    Predictor *p = open_good();
    size_t n = 2 * predictor_batch_size(p) + 5;
    Text *texts = mem_alloc(n, sizeof *texts);
    float *whole = mem_alloc(n * 4, sizeof *whole),
          *parts = mem_alloc(n * 4, sizeof *parts);
    for (size_t i = 0; i < n; i++) {
        texts[i] = i % 2 ? TEXT("my card was declined") : TEXT("where is the parcel");
    }
    size_t cut = predictor_batch_size(p);
    assert_int_equal(predictor_predict(p, texts, n, whole), STATUS_OK);
    assert_int_equal(predictor_predict(p, texts, cut, parts), STATUS_OK);
    assert_int_equal(predictor_predict(p, texts + cut, n - cut, parts + cut * 4),
                     STATUS_OK);
    assert_memory_equal(whole, parts, n * 4 * sizeof *whole);
    free(texts);
    free(whole);
    free(parts);
    predictor_close(p);
}

static void test_every_flipped_file_is_named(void **state)
{
    (void)state;
    StrList names = {0};
    assert_int_equal(dir_list(checkpoint_dir, &names), STATUS_OK);
    for (size_t i = 0; i < names.n; i++) {
        if (strcmp(names.items[i], MANIFEST_NAME) == 0) {
            continue;
        }
        assert_int_equal(fixture_copy(NULL), 0);
        char *path = path_join(checkpoint_dir, names.items[i]);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        int c = fgetc(file);
        rewind(file);
        fputc(c ^ 1, file);
        fclose(file);
        assert_damaged(names.items[i]);
        assert_non_null(strstr(status_message(), "checksum"));
        char *good = path_join(result_dir, "checkpoint_000000");
        assert_non_null(strstr(status_hint_text(), good));
        free(good);
        free(path);
    }
    strlist_free(&names);
}

static void test_truncated_and_missing_files(void **state)
{
    (void)state;
    char *path = path_join(checkpoint_dir, "model.safetensors");
    assert_int_equal(truncate(path, 1000), 0);
    assert_damaged("model.safetensors: checksum");
    assert_int_equal(truncate(path, 0), 0);
    assert_damaged("model.safetensors: checksum");
    assert_int_equal(unlink(path), 0);
    assert_damaged("model.safetensors: missing");
    free(path);
    path = path_join(checkpoint_dir, MANIFEST_NAME);
    assert_int_equal(unlink(path), 0);
    free(path);
    assert_int_equal(fixture_copy(NULL), 0);
    path = path_join(checkpoint_dir, MANIFEST_NAME);
    assert_int_equal(unlink(path), 0);
    assert_damaged("has no SHA256SUMS");
    free(path);
}

static void test_truncated_weights_behind_fitting_checksums(void **state)
{
    (void)state;
    char *path = path_join(checkpoint_dir, "model.safetensors");
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(manifest_write(checkpoint_dir), STATUS_OK);
    assert_damaged("model.safetensors");
    free(path);
}

static void test_newer_format_is_refused(void **state)
{
    (void)state;
    fixture_edit("muster.json", "\"format_version\": 1", "\"format_version\": 2");
    assert_damaged("muster.json: format_version 2, this program reads 1");
    assert_non_null(strstr(status_hint_text(), "newer version"));
}

static void test_halves_of_two_models_are_refused(void **state)
{
    (void)state;
    Classifier *model;
    assert_int_equal(classifier_load(checkpoint_dir, &model), STATUS_OK);
    ModelSizes sizes = *classifier_sizes(model);
    ModelConfig config = *classifier_config(model);
    classifier_close(model);
    sizes.n_classes = 5;
    model = classifier_create(&config, &sizes, 1);
    const char *const labels[] = {"a", "b", "c", "d", "e"};
    assert_int_equal(classifier_save(model, checkpoint_dir, labels), STATUS_OK);
    classifier_close(model);
    assert_int_equal(manifest_write(checkpoint_dir), STATUS_OK);
    assert_damaged("not of one training: 5 classes in config.json, 4 in muster.json");
}

static void test_pickles_are_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(tree_remove(checkpoint_dir), STATUS_OK);
    assert_int_equal(dir_make(checkpoint_dir), STATUS_OK);
    char *path = path_join(checkpoint_dir, "pytorch_model.bin");
    assert_int_equal(file_write(path, "\x80\x02", 2), STATUS_OK);
    assert_damaged("pytorch_model.bin: pickle-based weights are not loaded");
    free(path);
}

static void test_no_such_folder(void **state)
{
    (void)state;
    Predictor *p = NULL;
    assert_int_equal(predictor_open("/nonexistent/checkpoint", &p), STATUS_NOT_FOUND);
    predictor_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL_CASE(test_describes_itself),
        MODEL_CASE(test_probabilities_sum_to_one),
        MODEL_CASE(test_answers_do_not_depend_on_company),
        MODEL_CASE(test_parts_of_whole_batches_give_the_same_bits),
        MODEL_CASE(test_every_flipped_file_is_named),
        MODEL_CASE(test_truncated_and_missing_files),
        MODEL_CASE(test_truncated_weights_behind_fitting_checksums),
        MODEL_CASE(test_newer_format_is_refused),
        MODEL_CASE(test_halves_of_two_models_are_refused),
        MODEL_CASE(test_pickles_are_refused_by_name),
        MODEL_CASE(test_no_such_folder),
    };
    return cmocka_run_group_tests_name("predictor", tests, fixture_train, fixture_remove);
}
