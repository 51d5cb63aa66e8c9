/* One question, one letter. */
#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

Status confirm_destruction(const char *what, bool yes)
{
    if (yes) {
        return STATUS_OK;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        status_set(STATUS_USAGE, "this would %s", what);
        status_hint("add --yes to do it");
        return STATUS_USAGE;
    }
    char answer[16] = "";
    fprintf(stderr, "%s? [y/N] ", what);
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y')) {
        return STATUS_OK;
    }
    return status_set(STATUS_INTERRUPTED, "nothing was changed");
}
