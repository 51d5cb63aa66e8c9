/* Keeps what this process and its children print in a file too, while it reaches the
 * terminal, pipe or file it was meant for.
 *
 * A small process of its own stands between: it gets to write on even when this one is
 * killed, and what was printed before is not lost. A terminal stays one, with its size
 * and without colours getting lost: the process prints to a pseudo-terminal then. What
 * could not be delivered (a full disk) is told at the end.
 *
 *     console_capture_begin()  before threads, MPI and the first line that counts
 *     console_capture_file()   once it is known where the file is to stand
 *     console_capture_end()    last of all
 */
#ifndef MUSTER_BASE_CONSOLE_CAPTURE_H
#define MUSTER_BASE_CONSOLE_CAPTURE_H

#include "base/status.h"

/* Where no process can be had, nothing is captured and all goes on. */
void console_capture_begin(void);

/* Lines go to the file at `path`, those that were printed so far first. Without a capture
 * this does nothing. */
void console_capture_file(const char *path);

/* stdout and stderr are what they were, and all that was printed has arrived. Returns 0,
 * or the errno with which stdout's part was lost. */
int console_capture_end(void);

#endif
