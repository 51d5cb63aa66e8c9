#include "tests/base/check.h"

#include "base/hash.h"

#include <stdlib.h>
#include <unistd.h>

/* The examples of FIPS 180-2, appendix B. */
static const char ABC[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char EMPTY[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char MILLION_A[] =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void sha256_known_answers(void **state)
{
    (void)state;
    char hex[SHA256_HEX];
    char md5[MD5_HEX];
    md5_bytes("abc", 3, md5);
    assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
    sha256_bytes("abc", 3, hex);
    assert_string_equal(hex, ABC);
    sha256_bytes("", 0, hex);
    assert_string_equal(hex, EMPTY);
}

static void sha256_in_pieces(void **state)
{
    (void)state;
    char block[1000], hex[SHA256_HEX];
    memset(block, 'a', sizeof block);
    Sha256 *sha = sha256_begin();
    for (int i = 0; i < 1000; i++) {
        sha256_add(sha, block, sizeof block);
    }
    sha256_end(sha, hex);
    assert_string_equal(hex, MILLION_A);
}

static void sha256_of_files(void **state)
{
    (void)state;
    char path[] = "/tmp/muster-hash-XXXXXX", hex[SHA256_HEX];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_ok(sha256_file(path, hex));
    assert_string_equal(hex, ABC);
    unlink(path);
    assert_int_equal(sha256_file(path, hex), STATUS_NOT_FOUND);
}

/* Buckets are derived from these numbers: they may never change. */
static void hash_bytes_is_pinned(void **state)
{
    (void)state;
    assert_true(hash_bytes(0, "", 0) == 0xEFD01F60BA992926u);
    assert_true(hash_bytes(0, "abc", 3) == 0x33EBAF9927CBC5BDu);
    assert_true(hash_bytes(1, "abc", 3) != hash_bytes(0, "abc", 3));
    assert_true(hash_bytes(0, "abd", 3) != hash_bytes(0, "abc", 3));
}

static void hash_bytes_spreads_low_bits(void **state)
{
    (void)state;
    size_t counts[64] = {0};
    for (uint32_t i = 0; i < 64000; i++) {
        counts[hash_bytes(0, &i, sizeof i) % 64]++;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_in_range(counts[i], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(sha256_in_pieces),
        cmocka_unit_test(sha256_of_files),
        cmocka_unit_test(hash_bytes_is_pinned),
        cmocka_unit_test(hash_bytes_spreads_low_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
