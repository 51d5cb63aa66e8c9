/* Compares with what rank 0 has. */
#include "cli/same_everywhere.h"

#include <string.h>

Status same_everywhere(const Ranks *ranks, const char digest[SHA256_HEX], Status code,
                       const char *what)
{
    char root[SHA256_HEX];
    memcpy(root, digest, sizeof root);
    ranks->broadcast(ranks->self, root, sizeof root);
    Status status = STATUS_OK;
    if (memcmp(root, digest, sizeof root) != 0) {
        status = status_set(code, "%s differs from rank 0's (digest %.12s, there %.12s)",
                            what, digest, root);
        status_hint("all ranks must see the same files");
    }
    return ranks_agree(ranks, status);
}
