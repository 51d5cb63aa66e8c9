/* The runs that a command line names. */
#ifndef MUSTER_CLI_RUN_FIND_H
#define MUSTER_CLI_RUN_FIND_H

#include "tracker/store.h"

/* Adds each of them, in order (run_reference_find); a run that is named twice is there
 * twice. The first that is not found ends it. */
Status runs_find(Store *store, const char *const *references, size_t n, Runs *out);

#endif
