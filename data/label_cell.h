/* A label column's cell that holds several labels: "news | sport". */
#ifndef MUSTER_DATA_LABEL_CELL_H
#define MUSTER_DATA_LABEL_CELL_H

#include "base/text.h"

#include <stdbool.h>

/* Cuts the next label off *rest at `separator` (not empty); false when there is none.
 * Spaces and tabs around a label are no part of it, and what is empty is no label. The
 * label borrows from the cell. */
bool label_cell_next(Text *rest, Text separator, Text *label);

#endif
