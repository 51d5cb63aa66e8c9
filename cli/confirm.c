/* One question, one letter. */
#include "cli/confirm.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
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
    char *shown = utf8_printable(question);
    fprintf(stderr, "%s? [y/N] ", shown);
    free(shown);
    fflush(stderr);
    *go_on =
        fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return STATUS_OK;
}
