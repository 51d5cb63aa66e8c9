/* A fast checksum for bytes that stay on this kind of machine: blocks of cache files, and
 * texts that are compared. Not for what must be recognised by others: see hash.h. */
#ifndef MUSTER_BASE_CHECKSUM_H
#define MUSTER_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* XXH3 (xxHash's 64-bit variant), seed 0. */
uint64_t checksum_bytes(const void *bytes, size_t n);

#endif
