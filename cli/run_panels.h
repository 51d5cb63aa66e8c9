/* Small charts side by side: the curves of one run at a glance. */
#ifndef MUSTER_CLI_RUN_PANELS_H
#define MUSTER_CLI_RUN_PANELS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Panel {
    const char *title;
    const double *x, *y; /* x ascending; points that are not finite are gaps */
    size_t n;
} Panel;

/* Lines that one row of panels takes. */
enum { PANEL_LINES = 7 };

/* How many stand side by side in `width` columns (0 = a pipe's). */
size_t panels_across(size_t width);

/* Appends the panels in braille, as many side by side as `width` has room for, with the
 * last value beside the title and the range of values on the left. */
void panels_add(const Panel *panels, size_t n, size_t width, bool colour, StrBuf *out);

#endif
