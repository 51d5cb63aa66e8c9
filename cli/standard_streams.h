/* stdin, stdout and stderr as a program needs them: there, and not lost unnoticed. */
#ifndef MUSTER_CLI_STANDARD_STREAMS_H
#define MUSTER_CLI_STANDARD_STREAMS_H

#include "base/status.h"

/* Fills descriptors 0, 1 and 2 that the caller closed, so that no file we open later
 * takes their place. What is written to such a stdout is lost, and standard_streams_close
 * says so. Call first. */
void standard_streams_open(void);

/* Flushes and closes stdout. STATUS_FAILED with the reason when anything written to it
 * did not arrive. Call last. */
Status standard_streams_close(void);

#endif
