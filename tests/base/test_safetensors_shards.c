/* A model in shards: read as one file, and refused by name when index and files differ.
 */
#include "base/safetensors.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INDEX "model.safetensors.index.json"

static const float NUMBERS[] = {1, 2, 3, 4, 5, 6};

typedef struct Folder {
    char path[64];
} Folder;

static void put_text(const Folder *f, const char *name, const char *text)
{
    char *path = path_join(f->path, name);
    assert_int_equal(file_write(path, text, strlen(text)), STATUS_OK);
    free(path);
}

static void put_shard(const Folder *f, const char *name, const Tensor *tensors, size_t n)
{
    char *path = path_join(f->path, name);
    const char *const metadata[][2] = {{"from", name}};
    assert_int_equal(safetensors_write(path, tensors, n, metadata, 1), STATUS_OK);
    free(path);
}

/* b and c in the first shard, a in the second; "extra" is in no index. */
static int make_model(void **state)
{
    Folder *f = mem_zalloc(1, sizeof *f);
    snprintf(f->path, sizeof f->path, "/tmp/muster-shards-XXXXXX");
    *state = f;
    if (!mkdtemp(f->path)) {
        return -1;
    }
    Tensor first[] = {{"b", TENSOR_F32, 2, {2, 1}, NUMBERS},
                      {"c", TENSOR_F32, 1, {3}, NUMBERS + 2}};
    Tensor second[] = {{"a", TENSOR_F32, 0, {0}, NUMBERS + 5},
                       {"extra", TENSOR_U8, 1, {2}, "xy"}};
    put_shard(f, "one.safetensors", first, 2);
    put_shard(f, "two.safetensors", second, 2);
    put_text(f, INDEX,
             "{\"metadata\": {\"total_size\": 99}, \"weight_map\": {"
             "\"a\": \"two.safetensors\", \"b\": \"one.safetensors\","
             "\"c\": \"one.safetensors\"}}");
    return 0;
}

static int remove_model(void **state)
{
    Folder *f = *state;
    int failed = tree_remove(f->path) == STATUS_OK ? 0 : -1;
    free(f);
    return failed;
}

static void expect_damaged(const Folder *f, const char *words)
{
    Safetensors *model = NULL;
    assert_int_equal(safetensors_open_shards(f->path, &model), STATUS_DAMAGED);
    assert_null(model);
    if (!strstr(status_message(), words) || !strstr(status_message(), f->path)) {
        fail_msg("message \"%s\" does not say \"%s\"", status_message(), words);
    }
}

static void test_one_view_over_all(void **state)
{
    const Folder *f = *state;
    Safetensors *model;
    float x[3];
    const float *borrowed;
    assert_int_equal(safetensors_open_model(f->path, &model), STATUS_OK);
    assert_int_equal(safetensors_size(model), 4);
    assert_string_equal(safetensors_at(model, 0)->name, "b");
    assert_string_equal(safetensors_at(model, 3)->name, "extra");
    assert_null(safetensors_at(model, 4));
    assert_string_equal(safetensors_metadata(model, "from"), "one.safetensors");
    assert_int_equal(safetensors_copy_f32(model, "a", 0, NULL, x), STATUS_OK);
    assert_true(x[0] == 6);
    assert_int_equal(safetensors_copy_f32(model, "c", 1, (size_t[]){3}, x), STATUS_OK);
    assert_memory_equal(x, NUMBERS + 2, sizeof x);
    assert_int_equal(safetensors_f32(model, "b", 2, (size_t[]){2, 1}, &borrowed),
                     STATUS_OK);
    assert_memory_equal(borrowed, NUMBERS, 2 * sizeof *borrowed);
    assert_int_equal(safetensors_copy_f32(model, "a", 1, (size_t[]){3}, x),
                     STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "two.safetensors: tensor \"a\""));
    safetensors_close(model);
}

static void test_a_single_file_comes_first(void **state)
{
    const Folder *f = *state;
    Safetensors *model;
    Tensor only = {"only", TENSOR_U8, 0, {0}, "x"};
    put_shard(f, "model.safetensors", &only, 1);
    assert_int_equal(safetensors_open_model(f->path, &model), STATUS_OK);
    assert_int_equal(safetensors_size(model), 1);
    safetensors_close(model);
}

static void test_nothing_there(void **state)
{
    const Folder *f = *state;
    Safetensors *model = NULL;
    char *path = path_join(f->path, INDEX);
    unlink(path);
    free(path);
    assert_int_equal(safetensors_open_model(f->path, &model), STATUS_NOT_FOUND);
    assert_int_equal(safetensors_open_shards(f->path, &model), STATUS_NOT_FOUND);
    assert_null(model);
}

static void test_names_stay_in_the_folder(void **state)
{
    static const char *const BAD[] = {"\"../one.safetensors\"",
                                      "\"/etc/passwd\"",
                                      "\"sub/one.safetensors\"",
                                      "\"..\"",
                                      "\".\"",
                                      "\"\"",
                                      "\"a\\\\b\"",
                                      "\".hidden\"",
                                      "\"one.safetensors\\u0000x\"",
                                      "7",
                                      "null",
                                      "[\"one.safetensors\"]"};
    const Folder *f = *state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        char *text = mem_printf("{\"weight_map\": {\"b\": %s}}", BAD[i]);
        put_text(f, INDEX, text);
        free(text);
        expect_damaged(f, "tensor \"b\": ");
        expect_damaged(f, "is no name of a file beside it");
    }
}

static void test_indexes_that_say_nothing(void **state)
{
    static const char *const BAD[] = {"[]", "{}", "{\"weight_map\": {}}",
                                      "{\"weight_map\": [\"b\"]}", "7"};
    const Folder *f = *state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        put_text(f, INDEX, BAD[i]);
        expect_damaged(f, "holds no weight_map");
    }
    put_text(f, INDEX, "{\"weight_map\": ");
    expect_damaged(f, INDEX ":1:");
    put_text(
        f, INDEX,
        "{\"weight_map\": {\"b\": \"one.safetensors\", \"b\": \"two.safetensors\"}}");
    expect_damaged(f, INDEX ":1:");
}

static void test_index_and_shards_differ(void **state)
{
    const Folder *f = *state;
    put_text(f, INDEX, "{\"weight_map\": {\"b\": \"three.safetensors\"}}");
    expect_damaged(f, "shard three.safetensors is missing");
    put_text(f, INDEX, "{\"weight_map\": {\"d\": \"one.safetensors\"}}");
    expect_damaged(f, "tensor \"d\" is not in one.safetensors");
    put_text(
        f, INDEX,
        "{\"weight_map\": {\"a\": \"one.safetensors\", \"b\": \"two.safetensors\"}}");
    expect_damaged(f, "tensor \"a\" is not in one.safetensors");
}

static void test_a_tensor_in_two_shards(void **state)
{
    const Folder *f = *state;
    Tensor again[] = {{"a", TENSOR_U8, 0, {0}, "x"}, {"c", TENSOR_U8, 0, {0}, "x"}};
    put_shard(f, "two.safetensors", again, 2);
    expect_damaged(f, "tensor \"c\" is also in");
}

static void test_damaged_shards(void **state)
{
    const Folder *f = *state;
    put_text(f, "two.safetensors", "short");
    expect_damaged(f, "two.safetensors: 5 bytes, too short");
    put_text(f, "two.safetensors", "PK\3\4 and more of it");
    expect_damaged(f, "two.safetensors: a zip archive");
}

static void test_too_many_shards(void **state)
{
    const Folder *f = *state;
    StrBuf text = {0};
    strbuf_add_text(&text, "{\"weight_map\": {");
    for (int i = 0; i < 513; i++) {
        strbuf_printf(&text, "%s\"t%d\": \"%d.safetensors\"", i ? "," : "", i, i);
    }
    strbuf_add_text(&text, "}}");
    strbuf_add_char(&text, '\0');
    put_text(f, INDEX, text.p);
    strbuf_free(&text);
    expect_damaged(f, "more than 512 shards");
}

#define IN_A_MODEL(test) cmocka_unit_test_setup_teardown(test, make_model, remove_model)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_MODEL(test_one_view_over_all),
        IN_A_MODEL(test_a_single_file_comes_first),
        IN_A_MODEL(test_nothing_there),
        IN_A_MODEL(test_names_stay_in_the_folder),
        IN_A_MODEL(test_indexes_that_say_nothing),
        IN_A_MODEL(test_index_and_shards_differ),
        IN_A_MODEL(test_a_tensor_in_two_shards),
        IN_A_MODEL(test_damaged_shards),
        IN_A_MODEL(test_too_many_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
