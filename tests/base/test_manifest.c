/* A manifest names every file, coreutils agree with it, and every damage is told. */
#include "base/manifest.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static void put(const char *name, const char *text)
{
    char *path = path_join(dir, name);
    assert_int_equal(file_write(path, text, strlen(text)), STATUS_OK);
    free(path);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_manifest_XXXXXX");
    if (!mkdtemp(dir)) {
        return 1;
    }
    put("b.bin", "bytes");
    put("a.json", "{}\n");
    return manifest_write(dir) == STATUS_OK ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    return tree_remove(dir) == STATUS_OK ? 0 : 1;
}

static void test_lists_all_files_sorted_but_itself(void **state)
{
    (void)state;
    put("sub-not-listed", "x");
    char *sub = path_join(dir, "folder");
    assert_int_equal(mkdir(sub, 0755), 0);
    free(sub);
    assert_int_equal(manifest_write(dir), STATUS_OK);
    char *path = path_join(dir, MANIFEST_NAME);
    StrBuf text = {0};
    assert_int_equal(file_read(path, 4096, STATUS_FAILED, &text), STATUS_OK);
    assert_string_equal(
        text.p,
        "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356  a.json\n"
        "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9  b.bin\n"
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  "
        "sub-not-listed\n");
    strbuf_free(&text);
    free(path);
}

static void test_coreutils_agree(void **state)
{
    (void)state;
    char *command = mem_printf("cd %s && sha256sum --status --strict -c SHA256SUMS", dir);
    assert_int_equal(system(command), 0);
    free(command);
}

static void test_good_and_unlisted_files_pass(void **state)
{
    (void)state;
    assert_int_equal(manifest_verify(dir), STATUS_OK);
    put("later.txt", "not listed");
    assert_int_equal(manifest_verify(dir), STATUS_OK);
}

static void test_changed_file_names_both_checksums(void **state)
{
    (void)state;
    put("b.bin", "bytez");
    assert_int_equal(manifest_verify(dir), STATUS_DAMAGED);
    char *expected = mem_printf(
        "%s/b.bin: checksum "
        "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9 expected, "
        "2663091cf3bb93b54c6b030948eef39ff2a5bf4282275da0d64cb41efc648c16 found",
        dir);
    assert_string_equal(status_message(), expected);
    free(expected);
}

static void test_missing_file(void **state)
{
    (void)state;
    char *path = path_join(dir, "a.json");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(manifest_verify(dir), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "a.json: missing"));
    free(path);
}

static void test_bad_manifests(void **state)
{
    (void)state;
#define DIGEST "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
    const char *const bad[][2] = {
        {"", "SHA256SUMS: is empty"},
        {DIGEST "  b.bin", "SHA256SUMS:1:72: cut off"},
        {DIGEST "  b.bin\nnonsense\n", "SHA256SUMS:2:1: expected a SHA-256"},
        {DIGEST "  ../b.bin\n", "SHA256SUMS:1:1: expected a SHA-256"},
        {DIGEST "  \n", "SHA256SUMS:1:1: expected a SHA-256"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put(MANIFEST_NAME, bad[i][0]);
        assert_int_equal(manifest_verify(dir), STATUS_DAMAGED);
        assert_non_null(strstr(status_message(), bad[i][1]));
    }
}

static void test_no_manifest_and_no_folder(void **state)
{
    (void)state;
    char *path = path_join(dir, MANIFEST_NAME);
    assert_int_equal(unlink(path), 0);
    free(path);
    assert_int_equal(manifest_verify(dir), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "has no SHA256SUMS"));
    assert_int_equal(manifest_verify("/nonexistent/folder"), STATUS_NOT_FOUND);
}

static void test_fifo_in_place_of_a_file(void **state)
{
    (void)state;
    char *path = path_join(dir, "b.bin");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(manifest_verify(dir), STATUS_DAMAGED);
    free(path);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(test_lists_all_files_sorted_but_itself),
        CASE(test_coreutils_agree),
        CASE(test_good_and_unlisted_files_pass),
        CASE(test_changed_file_names_both_checksums),
        CASE(test_missing_file),
        CASE(test_bad_manifests),
        CASE(test_no_manifest_and_no_folder),
        CASE(test_fifo_in_place_of_a_file),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
