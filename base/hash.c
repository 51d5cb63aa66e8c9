/* SHA-256 through libcrypto, and a small stable hash. */
#include "base/hash.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Sha256 {
    EVP_MD_CTX *context;
};

Sha256 *sha256_begin(void)
{
    Sha256 *sha = mem_zalloc(1, sizeof *sha);
    sha->context = EVP_MD_CTX_new();
    CHECK(sha->context && EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL));
    return sha;
}

void sha256_add(Sha256 *sha, const void *bytes, size_t n)
{
    CHECK(EVP_DigestUpdate(sha->context, bytes, n));
}

void sha256_end(Sha256 *sha, char hex[SHA256_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    CHECK(EVP_DigestFinal_ex(sha->context, digest, &n) && n == 32);
    for (unsigned int i = 0; i < n; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

void sha256_bytes(const void *bytes, size_t n, char hex[SHA256_HEX])
{
    Sha256 *sha = sha256_begin();
    sha256_add(sha, bytes, n);
    sha256_end(sha, hex);
}

void md5_bytes(const void *bytes, size_t n, char hex[MD5_HEX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    CHECK(EVP_Digest(bytes, n, digest, &length, EVP_md5(), NULL) == 1 && length == 16);
    for (unsigned i = 0; i < length; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

Status sha256_file(const char *path, char hex[SHA256_HEX])
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return status_set(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, "%s: %s",
                          path, strerror(errno));
    }
    Sha256 *sha = sha256_begin();
    unsigned char block[1 << 16];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0) {
        sha256_add(sha, block, n);
    }
    int failed = ferror(file);
    fclose(file);
    sha256_end(sha, hex);
    return failed ? status_set(STATUS_FAILED, "%s: cannot be read", path) : STATUS_OK;
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u ^ (seed * 0x9E3779B97F4A7C15u);
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    /* The finaliser of MurmurHash3 spreads FNV's weak low bits. */
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}
