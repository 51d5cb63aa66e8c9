/* Asking before something is destroyed. */
#ifndef MUSTER_CLI_CONFIRM_H
#define MUSTER_CLI_CONFIRM_H

#include "base/status.h"

#include <stdbool.h>

/* Fine when `yes` was given, or a person at the terminal answers y. STATUS_USAGE, with
 * what would go ("delete model x and its 3 versions") and what to add, where nobody can
 * be asked; STATUS_INTERRUPTED when the answer is another. */
Status confirm_destruction(const char *what, bool yes);

/* The option that a destructive command has. */
#define YES_OPTION(at)                                                                   \
    {                                                                                    \
        .name = "yes", .kind = OPTION_FLAG, .offset = (at),                              \
        .help = "do it without asking"                                                   \
    }

#endif
