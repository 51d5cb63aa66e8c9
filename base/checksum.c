/* XXH3 from libxxhash. */
#include "base/checksum.h"

#include <xxhash.h>

uint64_t checksum_bytes(const void *bytes, size_t n)
{
    return XXH3_64bits(bytes, n);
}
