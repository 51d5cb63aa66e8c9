/* Small looks at the system: programs on PATH, first lines of pseudo files. */
#ifndef MUSTER_CLI_PROBE_H
#define MUSTER_CLI_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* The full name of a program found on PATH, or NULL. Free with free(). */
char *probe_find_program(const char *name);

/* Runs a program without a shell and keeps the first line it prints, on stdout or stderr.
 * False when it cannot be started or prints nothing within the time; it is killed then.
 */
bool probe_run(const char *const *argv, int timeout_ms, char *line, size_t cap);

/* The first line of a file, without its end. False when there is none. */
bool probe_line(const char *path, char *line, size_t cap);

/* What stands behind "KEY :" or "KEY:" in a file of such lines (/proc/cpuinfo). */
bool probe_value(const char *path, const char *key, char *value, size_t cap);

#endif
