/* What a process printed, kept in a file of bounded size: the beginning and the end.
 *
 * Lines that were rewritten with carriage returns (a progress display) count as the text
 * they ended with, and escape sequences that steer a terminal are left out. */
#ifndef MUSTER_BASE_CONSOLE_LOG_H
#define MUSTER_BASE_CONSOLE_LOG_H

#include "base/status.h"

#include <stddef.h>

typedef struct ConsoleLog ConsoleLog;

/* Keeps up to `cap` bytes: half from the beginning, half from the end, and between them
 * a line that says how many were left out. It has no file yet. */
ConsoleLog *console_log_open(size_t cap);

/* From now on lines reach this file as they are printed; what was printed before comes
 * first. A file that is there is continued. Folders are made. */
Status console_log_set_file(ConsoleLog *log, const char *path);

void console_log_add(ConsoleLog *log, const char *bytes, size_t n);

/* Writes what is still in memory, and frees; NULL is fine. */
Status console_log_close(ConsoleLog *log);

#endif
