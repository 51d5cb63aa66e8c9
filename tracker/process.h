/* Which process a run belongs to, and whether it still lives. */
#ifndef MUSTER_TRACKER_PROCESS_H
#define MUSTER_TRACKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* The name of this host; `out` is always terminated. */
void process_host(char out[256]);
bool process_is_this_host(const char *host);

/* When the process started, in clock ticks since boot: pids are used again, this tells
 * their bearers apart. 0 when there is no such process, or no /proc. */
uint64_t process_start_ticks(long pid);

/* False when no process `pid` lives, or one that started at another time than
 * `start_ticks` (0 = not known). */
bool process_is_alive(long pid, uint64_t start_ticks);

#endif
