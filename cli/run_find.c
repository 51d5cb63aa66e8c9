/* Names to runs; questions to people. */
#include "cli/run_find.h"

#include "base/mem.h"
#include "tracker/reference.h"

#include <stdio.h>
#include <unistd.h>

Status runs_find(Store *store, const char *const *references, size_t n, Runs *out)
{
    for (size_t i = 0; i < n; i++) {
        Run run;
        TRY(run_reference_find(store, references[i], &run));
        out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
        out->items[out->n++] = run;
    }
    return STATUS_OK;
}

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
