/* One question, one letter. */
#include "cli/confirm.h"

#include <stdio.h>
#include <unistd.h>

Status confirm(const char *question, bool yes, bool *go_on)
{
    if (yes) {
        *go_on = true;
        return STATUS_OK;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        status_set(STATUS_USAGE, "%s: nobody is there to be asked", question);
        status_hint("add --yes");
        return STATUS_USAGE;
    }
    char answer[16] = "";
    fprintf(stderr, "%s? [y/N] ", question);
    fflush(stderr);
    *go_on =
        fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return STATUS_OK;
}
