/* The colours of curves, in images and on terminals. */
#ifndef MUSTER_BASE_PLOT_COLOURS_H
#define MUSTER_BASE_PLOT_COLOURS_H

#include <stddef.h>
#include <stdint.h>

/* 0xRRGGBB of the i-th curve; eight of them, again and again. */
uint32_t plot_colour(size_t i);

/* The terminal's sequence that is nearest to it. Static storage. */
const char *plot_colour_sequence(size_t i);

#endif
