/* Splits of rows that have several labels or none: iterative stratification (Sechidis,
 * Tsoumakas, Vlahavas 2011, "On the Stratification of Multi-Label Data"). */
#ifndef MUSTER_DATA_SPLIT_LABELS_H
#define MUSTER_DATA_SPLIT_LABELS_H

#include "data/split.h"

/* Deals rows (or whole groups) out, the test part first, then validation or folds: the
 * label with the fewest rows left is dealt next, each of its rows, as drawn, to the part
 * that misses the label most; among equals to the one that misses rows most, then to the
 * first. Rows without labels come last. A label that no training row got afterwards gets
 * its first row back: training has every label, however rare. `request` as for
 * split_make, which calls this; part [n_rows]. */
void split_labels_make(const SplitRequest *request, uint8_t *part);

#endif
