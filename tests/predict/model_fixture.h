/* Trains one small model for all tests of a program; each test works on a copy. */
#ifndef MUSTER_TESTS_MODEL_FIXTURE_H
#define MUSTER_TESTS_MODEL_FIXTURE_H

#include "base/files.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "tests/predict/trained_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TINY(name) MUSTER_SOURCE_DIR "/tests/data/tiny/" name

static char fixture_root[64];
static char *trained_dir; /* result folder, not to be changed */
static char *result_dir;  /* the test's own copy */
static char *checkpoint_dir;

static inline int fixture_train(void **state)
{
    (void)state;
    strcpy(fixture_root, "/tmp/test_predict_XXXXXX");
    if (!mkdtemp(fixture_root)) {
        return 1;
    }
    trained_dir = path_join(fixture_root, "trained");
    result_dir = path_join(fixture_root, "copy");
    checkpoint_dir = path_join(result_dir, "checkpoint_000001");
    trained_model_make(trained_dir, NULL, 0);
    return 0;
}

static inline int fixture_remove(void **state)
{
    (void)state;
    free(trained_dir);
    free(result_dir);
    free(checkpoint_dir);
    return tree_remove(fixture_root) == STATUS_OK ? 0 : 1;
}

/* Files are copied by content: a hard link would let a test damage the original. */
static inline void fixture_copy_file(const char *from, const char *to)
{
    StrBuf bytes = {0};
    assert_int_equal(file_read(from, 1 << 26, STATUS_FAILED, &bytes), STATUS_OK);
    assert_int_equal(file_write(to, bytes.p, bytes.n), STATUS_OK);
    strbuf_free(&bytes);
}

static inline void fixture_copy_folder(const char *from, const char *to)
{
    StrList names = {0};
    assert_int_equal(dir_make(to), STATUS_OK);
    assert_int_equal(dir_list(from, &names), STATUS_OK);
    for (size_t i = 0; i < names.n; i++) {
        char *source = path_join(from, names.items[i]);
        char *target = path_join(to, names.items[i]);
        if (dir_exists(source)) {
            fixture_copy_folder(source, target);
        } else {
            fixture_copy_file(source, target);
        }
        free(source);
        free(target);
    }
    strlist_free(&names);
}

static inline int fixture_copy(void **state)
{
    (void)state;
    if (tree_remove(result_dir) != STATUS_OK) {
        return 1;
    }
    fixture_copy_folder(trained_dir, result_dir);
    return 0;
}

/* Replaces the first `old` in a file of the checkpoint; the checksums are made to fit. */
static inline void fixture_edit(const char *name, const char *old, const char *new)
{
    char *path = path_join(checkpoint_dir, name);
    StrBuf bytes = {0}, out = {0};
    assert_int_equal(file_read(path, 1 << 26, STATUS_FAILED, &bytes), STATUS_OK);
    char *at = memmem(bytes.p, bytes.n, old, strlen(old));
    assert_non_null(at);
    strbuf_add(&out, bytes.p, (size_t)(at - bytes.p));
    strbuf_add_text(&out, new);
    at += strlen(old);
    strbuf_add(&out, at, bytes.n - (size_t)(at - bytes.p));
    assert_int_equal(file_write(path, out.p, out.n), STATUS_OK);
    assert_int_equal(manifest_write(checkpoint_dir), STATUS_OK);
    strbuf_free(&bytes);
    strbuf_free(&out);
    free(path);
}

#define MODEL_CASE(f) cmocka_unit_test_setup_teardown(f, fixture_copy, NULL)

#endif
