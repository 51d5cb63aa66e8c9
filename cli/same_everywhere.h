/* Ranks that see different files would train a model of neither. */
#ifndef MUSTER_CLI_SAME_EVERYWHERE_H
#define MUSTER_CLI_SAME_EVERYWHERE_H

#include "base/hash.h"
#include "base/ranks.h"

/* `code` on all ranks when `digest` is not rank 0's on some; `what` names it. Collective.
 */
Status same_everywhere(const Ranks *ranks, const char digest[SHA256_HEX], Status code,
                       const char *what);

#endif
