/* File lists as people write them: names and patterns. */
#ifndef MUSTER_DATA_GLOBS_H
#define MUSTER_DATA_GLOBS_H

#include "base/status.h"
#include "base/text.h"

/* Appends the files that `patterns` name to `out`: an item with * ? or [ stands for the
 * files it matches, sorted by bytes, unless a file has just that name; others stand for
 * themselves. STATUS_DATA for a pattern that matches nothing, and for a file that would
 * be read twice. */
Status globs_expand(const StrList *patterns, StrList *out);

#endif
