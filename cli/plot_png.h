/* Plots as PNG images. */
#ifndef MUSTER_CLI_PLOT_PNG_H
#define MUSTER_CLI_PLOT_PNG_H

#include "base/plot.h"
#include "base/status.h"

/* Appends a PNG, two pixels for each unit of the plot. STATUS_NOT_FOUND where the library
 * that draws is not installed. */
Status plot_png(const Plot *plot, StrBuf *out);

#endif
