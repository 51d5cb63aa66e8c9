/* Which kind of stream begins so. */
#include "data/decompress.h"

#include <string.h>

const DecompressKind *decompress_kind(const void *head, size_t n)
{
    static const DecompressKind *const KINDS[] = {&decompress_gzip, &decompress_zstd};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (n >= KINDS[i]->n_magic &&
            memcmp(head, KINDS[i]->magic, KINDS[i]->n_magic) == 0) {
            return KINDS[i];
        }
    }
    return NULL;
}
