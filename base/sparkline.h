/* A curve in one line of text, eight heights high: "▁▃▅▇█▆". */
#ifndef MUSTER_BASE_SPARKLINE_H
#define MUSTER_BASE_SPARKLINE_H

#include "base/text.h"

#include <stddef.h>

/* Appends at most `width` characters for n values from left to right; more values are
 * averaged by groups. The lowest value is the lowest block, the highest the full one, all
 * the same value a line in the middle; what is not finite is a space. */
void sparkline(const double *values, size_t n, size_t width, StrBuf *out);

#endif
