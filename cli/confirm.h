/* Asking before something is destroyed. */
#ifndef MUSTER_CLI_CONFIRM_H
#define MUSTER_CLI_CONFIRM_H

#include "base/status.h"

#include <stdbool.h>

/* Leaves in *go_on whether a destructive command may go on: `yes` was given, or a
 * person on the terminal answers y. STATUS_USAGE with "add --yes" where nobody can be
 * asked. The question says what would go: "delete model x and its 3 versions". */
Status confirm(const char *question, bool yes, bool *go_on);

/* The option that a destructive command has. */
#define YES_OPTION(at)                                                                   \
    {                                                                                    \
        .name = "yes", .alias = 'y', .kind = OPTION_FLAG, .offset = (at),                \
        .help = "do not ask"                                                             \
    }

#endif
