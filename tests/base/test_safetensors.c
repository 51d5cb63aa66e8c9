/* Safetensors: what is written is read back, and every damaged file is refused. */
#include "base/safetensors.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/muster-safetensors-XXXXXX";
static char *path;

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    path = path_join(folder, "model.safetensors");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    free(path);
    return tree_remove(folder) == STATUS_OK ? 0 : -1;
}

static void put_bytes(const char *header, const void *data, size_t n_data)
{
    StrBuf bytes = {0};
    uint64_t n = strlen(header);
    strbuf_add(&bytes, &n, sizeof n);
    strbuf_add_text(&bytes, header);
    strbuf_add(&bytes, data, n_data);
    assert_int_equal(file_write(path, bytes.p, bytes.n), STATUS_OK);
    strbuf_free(&bytes);
}

/* A file with this header and `n_data` bytes 0, 1, 2 ... of data. */
static void put_file(const char *header, size_t n_data)
{
    unsigned char data[16];
    assert_true(n_data <= sizeof data);
    for (size_t i = 0; i < n_data; i++) {
        data[i] = (unsigned char)i;
    }
    put_bytes(header, data, n_data);
}

static void expect_damaged(const char *words)
{
    Safetensors *file = NULL;
    assert_int_equal(safetensors_open(path, &file), STATUS_DAMAGED);
    assert_null(file);
    if (!strstr(status_message(), words) || !strstr(status_message(), path)) {
        fail_msg("message \"%s\" does not say \"%s\"", status_message(), words);
    }
}

static const float WEIGHTS[] = {1, 2, 3, -4, 5.5f, 6};
static const int64_t STEPS[] = {-7};

static void write_sample(void)
{
    Tensor tensors[] = {
        {"w", TENSOR_F32, 2, {2, 3}, WEIGHTS},
        {"a.step", TENSOR_I64, 0, {0}, STEPS},
        {"none", TENSOR_F32, 2, {0, 5}, WEIGHTS},
        {"bytes", TENSOR_U8, 1, {3}, "abc"},
    };
    const char *const metadata[][2] = {{"format", "pt"}};
    assert_int_equal(safetensors_write(path, tensors, 4, metadata, 1), STATUS_OK);
}

static void test_round_trip(void **state)
{
    (void)state;
    write_sample();
    Safetensors *file;
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    assert_int_equal(safetensors_size(file), 4);
    assert_string_equal(safetensors_at(file, 0)->name, "w");
    assert_string_equal(safetensors_at(file, 3)->name, "bytes");
    assert_null(safetensors_at(file, 4));
    assert_null(safetensors_find(file, "v"));
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    assert_null(safetensors_metadata(file, "other"));

    const float *w;
    size_t dims[] = {2, 3};
    assert_int_equal(safetensors_f32(file, "w", 2, dims, &w), STATUS_OK);
    assert_memory_equal(w, WEIGHTS, sizeof WEIGHTS);
    const void *step;
    assert_int_equal(safetensors_get(file, "a.step", TENSOR_I64, 0, NULL, &step),
                     STATUS_OK);
    assert_int_equal(*(const int64_t *)step, -7);
    assert_memory_equal(safetensors_find(file, "bytes")->data, "abc", 3);
    assert_int_equal(tensor_count(safetensors_find(file, "none")), 0);
    safetensors_close(file);
}

static void test_same_bytes_and_aligned(void **state)
{
    (void)state;
    StrBuf first = {0}, second = {0};
    write_sample();
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &first), STATUS_OK);
    write_sample();
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &second), STATUS_OK);
    assert_int_equal(first.n, second.n);
    assert_memory_equal(first.p, second.p, first.n);
    uint64_t n_header;
    memcpy(&n_header, first.p, sizeof n_header);
    assert_int_equal(n_header % 8, 0);
    assert_int_equal(first.p[8], '{');
    strbuf_free(&first);
    strbuf_free(&second);

    StrList names = {0};
    assert_int_equal(dir_list(folder, &names), STATUS_OK);
    assert_int_equal(names.n, 1);
    strlist_free(&names);
}

static void test_wrong_shape_and_type(void **state)
{
    (void)state;
    write_sample();
    Safetensors *file;
    const float *w = NULL;
    const void *any;
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    size_t dims[] = {3, 2};
    assert_int_equal(safetensors_f32(file, "w", 2, dims, &w), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"w\" has shape [2, 3], expected [3, 2]"));
    assert_int_equal(safetensors_f32(file, "w", 1, dims, &w), STATUS_DAMAGED);
    assert_int_equal(safetensors_f32(file, "a.step", 0, NULL, &w), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"a.step\" is I64, expected F32"));
    assert_int_equal(safetensors_get(file, "x", TENSOR_F32, 0, NULL, &any),
                     STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"x\" is missing"));
    assert_null(w);
    safetensors_close(file);
}

static void test_nan_is_named(void **state)
{
    (void)state;
    float x[] = {0, 1, NAN, INFINITY};
    Tensor tensor = {"head.bias", TENSOR_F32, 1, {4}, x};
    assert_int_equal(safetensors_write(path, &tensor, 1, NULL, 0), STATUS_OK);
    Safetensors *file;
    const float *out;
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    assert_int_equal(safetensors_f32(file, "head.bias", 1, tensor.dims, &out),
                     STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"head.bias\" holds NaN at index 2"));
    safetensors_close(file);
}

/* Older writers do not pad, so numbers may lie at odd places: here at each of four. */
static void test_unaligned_data_is_readable(void **state)
{
    (void)state;
    int odd = 0;
    for (int pad = 0; pad < 4; pad++) {
        char *header = mem_printf(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            "\"b\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[1,5]}}%*s",
            pad, "");
        put_file(header, 5);
        free(header);
        Safetensors *file;
        const void *b, *again;
        size_t dims[] = {1};
        assert_int_equal(safetensors_open(path, &file), STATUS_OK);
        odd += (uintptr_t)safetensors_find(file, "b")->data % 4 != 0;
        assert_int_equal(safetensors_get(file, "b", TENSOR_I32, 1, dims, &b), STATUS_OK);
        assert_int_equal((uintptr_t)b % 4, 0);
        assert_int_equal(*(const int32_t *)b, 0x04030201);
        assert_int_equal(safetensors_get(file, "b", TENSOR_I32, 1, dims, &again),
                         STATUS_OK);
        assert_ptr_equal(b, again);
        safetensors_close(file);
    }
    assert_int_equal(odd, 3);
}

/* 1 + 2^-7 in the four types, all at odd places: F32 3f810000, BF16 3f81, F16 3c08, F64
 * 3ff0200000000000. */
static void test_copy_of_any_float_type(void **state)
{
    (void)state;
    static const char DATA[] = "x\x00\x00\x81\x3f\x81\x3f\x08\x3c\0\0\0\0\0\x20\xf0\x3f";
    put_bytes("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
              "\"f32\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]},"
              "\"bf16\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[5,7]},"
              "\"f16\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[7,9]},"
              "\"f64\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[9,17]}}",
              DATA, sizeof DATA - 1);
    Safetensors *file;
    static const char *const NAMES[] = {"f16", "f32", "bf16", "f64"};
    static const int RANKS[] = {0, 1, 2, 1};
    size_t one[] = {1, 1}, two[] = {1, 2};
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    for (int i = 0; i < 4; i++) {
        float x[2] = {0, 77};
        const char *name = NAMES[i];
        assert_int_equal(safetensors_check_f32(file, name, RANKS[i], one), STATUS_OK);
        assert_int_equal(safetensors_copy_f32(file, name, RANKS[i], one, x), STATUS_OK);
        assert_true(x[0] == 1.0078125f && x[1] == 77);
        assert_int_equal(safetensors_copy_f32(file, name, 2, two, x), STATUS_DAMAGED);
        assert_non_null(strstr(status_message(), "expected [1, 2]"));
    }
    float x;
    assert_int_equal(safetensors_copy_f32(file, "a", 1, one, &x), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"a\" is U8, expected F32, F16, BF16"));
    assert_int_equal(safetensors_copy_f32(file, "b", 1, one, &x), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "\"b\" is missing"));
    safetensors_close(file);
}

static void expect_copy_refused(TensorType type, const void *data, const char *words)
{
    Tensor tensor = {"w", type, 1, {3}, data};
    Safetensors *file;
    float out[3];
    assert_int_equal(safetensors_write(path, &tensor, 1, NULL, 0), STATUS_OK);
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    assert_int_equal(safetensors_copy_f32(file, "w", 1, tensor.dims, out),
                     STATUS_DAMAGED);
    if (!strstr(status_message(), words) || !strstr(status_message(), path)) {
        fail_msg("message \"%s\" does not say \"%s\"", status_message(), words);
    }
    assert_int_equal(safetensors_check_f32(file, "w", 1, tensor.dims), STATUS_OK);
    safetensors_close(file);
}

static void test_copy_refuses_what_is_not_finite(void **state)
{
    (void)state;
    expect_copy_refused(TENSOR_F32, (float[]){0, INFINITY, NAN}, "infinity at index 1");
    expect_copy_refused(TENSOR_F64, (double[]){0, 1, NAN}, "NaN at index 2");
    expect_copy_refused(TENSOR_F64, (double[]){0, -1e39, 0},
                        "-1e+39 at index 1, too large");
    expect_copy_refused(TENSOR_F16, (uint16_t[]){0x7bff, 0x7c00, 0},
                        "infinity at index 1");
    expect_copy_refused(TENSOR_F16, (uint16_t[]){0xfe00, 0, 0}, "NaN at index 0");
    expect_copy_refused(TENSOR_BF16, (uint16_t[]){0x7f7f, 0x7f81, 0}, "NaN at index 1");
    expect_copy_refused(TENSOR_BF16, (uint16_t[]){0, 0, 0xff80}, "infinity at index 2");
}

/* Cut off, grown, or other bytes of the same size: an error, and no signal. */
static void test_a_file_changed_while_open(void **state)
{
    (void)state;
    static float large[1 << 16];
    Tensor tensor = {"w", TENSOR_F32, 1, {1 << 16}, large};
    for (int how = 0; how < 3; how++) {
        Safetensors *file;
        const float *borrowed;
        assert_int_equal(safetensors_write(path, &tensor, 1, NULL, 0), STATUS_OK);
        assert_int_equal(safetensors_open(path, &file), STATUS_OK);
        assert_int_equal(safetensors_f32(file, "w", 1, tensor.dims, &borrowed),
                         STATUS_OK);
        struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
        assert_int_equal(how == 0   ? truncate(path, 100)
                         : how == 1 ? truncate(path, 1 << 20)
                                    : utimensat(AT_FDCWD, path, times, 0),
                         0);
        borrowed = NULL;
        assert_int_equal(safetensors_f32(file, "w", 1, tensor.dims, &borrowed),
                         STATUS_DAMAGED);
        assert_null(borrowed);
        assert_non_null(strstr(status_message(), "changed while it was open"));
        assert_int_equal(safetensors_copy_f32(file, "w", 1, tensor.dims, large),
                         STATUS_DAMAGED);
        safetensors_close(file);
    }
}

/* Renaming a new file over the old one leaves the old one to whoever has it open. */
static void test_a_file_replaced_while_open(void **state)
{
    (void)state;
    Safetensors *file;
    size_t dims[] = {2, 3};
    float out[6];
    write_sample();
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    Tensor other = {"v", TENSOR_F32, 1, {1}, WEIGHTS};
    assert_int_equal(safetensors_write(path, &other, 1, NULL, 0), STATUS_OK);
    assert_int_equal(safetensors_copy_f32(file, "w", 2, dims, out), STATUS_OK);
    assert_memory_equal(out, WEIGHTS, sizeof WEIGHTS);
    safetensors_close(file);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    write_sample();
    StrBuf bytes = {0};
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &bytes), STATUS_OK);
    for (size_t n = 0; n < bytes.n; n++) {
        assert_int_equal(file_write(path, bytes.p, n), STATUS_OK);
        expect_damaged("");
    }
    strbuf_add_char(&bytes, 'x');
    assert_int_equal(file_write(path, bytes.p, bytes.n), STATUS_OK);
    expect_damaged("bytes of data");
    strbuf_free(&bytes);
}

/* Whatever bit flips in length and header, the file opens as a sound one or is refused.
 */
static void test_flipped_bits_do_no_harm(void **state)
{
    (void)state;
    write_sample();
    StrBuf bytes = {0};
    assert_int_equal(file_read(path, 1 << 20, STATUS_FAILED, &bytes), STATUS_OK);
    size_t n_header = 8 + (unsigned char)bytes.p[0] + 256u * (unsigned char)bytes.p[1];
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * n_header; bit++) {
        bytes.p[bit / 8] ^= (char)(1 << bit % 8);
        FILE *out = fopen(path, "wb");
        assert_int_equal(fwrite(bytes.p, 1, bytes.n, out), bytes.n);
        assert_int_equal(fclose(out), 0);
        Safetensors *file = NULL;
        Status status = safetensors_open(path, &file);
        assert_true(status == STATUS_OK || status == STATUS_DAMAGED);
        refused += status != STATUS_OK;
        for (size_t i = 0; file && i < safetensors_size(file); i++) {
            const Tensor *tensor = safetensors_at(file, i);
            assert_non_null(safetensors_find(file, tensor->name));
            assert_true(tensor_count(tensor) * tensor_type_size(tensor->type) <= bytes.n);
        }
        safetensors_close(file);
        bytes.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(refused > 4 * n_header);
    strbuf_free(&bytes);
}

static void test_lengths_are_bounded(void **state)
{
    (void)state;
    uint64_t n = (uint64_t)1 << 60;
    assert_int_equal(file_write(path, &n, sizeof n), STATUS_OK);
    expect_damaged("the header claims 1152921504606846976 bytes, the file has 8");
    n = UINT64_MAX;
    assert_int_equal(file_write(path, &n, sizeof n), STATUS_OK);
    expect_damaged("offset 0");
}

static void test_foreign_files_are_named(void **state)
{
    (void)state;
    assert_int_equal(file_write(path, "PK\3\4\x14\0\0\0\x08\0", 10), STATUS_OK);
    expect_damaged("zip archive (PyTorch's .pt and .bin)");
    assert_int_equal(file_write(path, "\x80\x02}q\0(X\1\0", 9), STATUS_OK);
    expect_damaged("pickle");
    assert_non_null(strstr(status_hint_text(), "execute code"));
}

static void test_missing_file(void **state)
{
    (void)state;
    Safetensors *file;
    assert_int_equal(safetensors_open("/nonexistent/x.safetensors", &file),
                     STATUS_NOT_FOUND);
    assert_int_equal(safetensors_open(folder, &file), STATUS_DAMAGED);
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        const char *words;
    } CASES[] = {
        {"[]", 0, "no JSON object"},
        {"{\"a\":1}", 0, "\"a\": its header entry is no object"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "dtype F33 is not known"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype (missing)"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
         "negative"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4,
         "no whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4,
         "shape is no list"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],"
         "\"data_offsets\":[0,4]}}",
         4, "at most 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
         "\"data_offsets\":[0,4]}}",
         4, "overflows"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8,
         "its shape takes 4 bytes, its offsets 0 to 8 hold 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
         "bytes 0 to 8, but the file has 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
         "data_offsets are no range"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4,
         "data_offsets are no range"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
         "data_offsets are no range"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
         7, "\"b\" begins at 3, inside the one before it, which ends at 4"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[5,9]}}",
         9, "\"b\" begins at 5, leaving a gap after 4"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
         8, ":1:"},
        {"{\"__metadata__\":{\"x\":1}}", 0, "__metadata__ holds"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
        {"{\"a\":", 0, ":1:"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        put_file(CASES[i].header, CASES[i].n_data);
        expect_damaged(CASES[i].words);
    }
}

static void test_failed_write_keeps_the_old_file(void **state)
{
    (void)state;
    write_sample();
    char *blocked = mem_printf("%s.tmp.%ld", path, (long)getpid());
    assert_int_equal(dir_make(blocked), STATUS_OK);
    Tensor tensor = {"w", TENSOR_U8, 1, {1}, "x"};
    assert_int_not_equal(safetensors_write(path, &tensor, 1, NULL, 0), STATUS_OK);
    Safetensors *file;
    assert_int_equal(safetensors_open(path, &file), STATUS_OK);
    assert_int_equal(safetensors_size(file), 4);
    safetensors_close(file);
    assert_int_equal(tree_remove(blocked), STATUS_OK);
    free(blocked);
    assert_int_equal(safetensors_write("/nonexistent/a", &tensor, 1, NULL, 0),
                     STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_same_bytes_and_aligned),
        cmocka_unit_test(test_wrong_shape_and_type),
        cmocka_unit_test(test_nan_is_named),
        cmocka_unit_test(test_unaligned_data_is_readable),
        cmocka_unit_test(test_copy_of_any_float_type),
        cmocka_unit_test(test_copy_refuses_what_is_not_finite),
        cmocka_unit_test(test_a_file_changed_while_open),
        cmocka_unit_test(test_a_file_replaced_while_open),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_flipped_bits_do_no_harm),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_foreign_files_are_named),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_failed_write_keeps_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
