/* Names to runs. */
#include "cli/run_find.h"

#include "base/mem.h"
#include "tracker/reference.h"

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
