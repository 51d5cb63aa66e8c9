/* LIKE: % stands for any characters, _ for one. */
#ifndef MUSTER_TRACKER_LIKE_H
#define MUSTER_TRACKER_LIKE_H

#include <stdbool.h>

/* True when all of `text` (UTF-8) matches; `fold` takes ASCII letters of either case for
 * the same, as SQLite's lower() does. Time at most length times length. */
bool text_like(const char *pattern, const char *text, bool fold);

#endif
