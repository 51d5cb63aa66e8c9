/* What people read on stderr: errors, warnings and notes, from rank 0 alone.
 *
 * Tables and data go to stdout and never through here. */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include "base/status.h"

#include <stdbool.h>

/* Silences note and warning (not errors about this rank itself). Ranks other than 0 are
 * made quiet right after MPI is up. */
void log_set_quiet(bool quiet);

/* "muster: warning: ..." */
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "muster: ..." */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints this thread's status message as "muster: error: MESSAGE", then its hint as
 * "  hint: HINT" when there is one. */
void log_status(void);

/* True when the stream is a terminal and colour is wanted (NO_COLOR, TERM=dumb). */
bool log_colour(int fd);

#endif
