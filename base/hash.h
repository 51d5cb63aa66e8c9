/* Digests for what must be recognised again, and a fast hash for tables. */
#ifndef MUSTER_BASE_HASH_H
#define MUSTER_BASE_HASH_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SHA256_HEX = 65, /* 64 digits and the terminator */
    MD5_HEX = 33     /* 32 digits and the terminator */
};

typedef struct Sha256 Sha256;

/* A running SHA-256. `sha256_end` writes the hex digest and frees. */
Sha256 *sha256_begin(void);
void sha256_add(Sha256 *sha, const void *bytes, size_t n);
void sha256_end(Sha256 *sha, char hex[SHA256_HEX]);

void sha256_bytes(const void *bytes, size_t n, char hex[SHA256_HEX]);
Status sha256_file(const char *path, char hex[SHA256_HEX]);

/* MD5, for names that other programs derive so; no secret may rest on it. */
void md5_bytes(const void *bytes, size_t n, char hex[MD5_HEX]);

/* FNV-1a over the bytes, then a finalising mix; the same on every machine and version,
 * since n-gram buckets are derived from it. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t n);

#endif
