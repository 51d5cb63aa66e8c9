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

typedef enum LogLevel { LOG_NOTE = 1, LOG_WARNING = 2 } LogLevel;
typedef void (*LogSink)(LogLevel level, const char *text, void *user);

/* Warnings and notes go to `sink` in place of stderr, one at a time; NULL restores that.
 * When it returns, the sink before is not being called any more. */
void log_set_sink(LogSink sink, void *user);

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
