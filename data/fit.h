/* The pass over the training texts that a preprocessor is fitted on; for data/ alone. */
#ifndef MUSTER_DATA_FIT_H
#define MUSTER_DATA_FIT_H

#include "data/tokenized_rows.h"
#include "data/wide.h"

/* What it counts. */
typedef struct FitCounts {
    uint32_t *word; /* [words of the rows] how often each was seen */
    size_t n_empty; /* texts without words */
} FitCounts;

/* Counts rows index[0..n-1] (NULL: all n) into `out`, and into wide's df and n_docs, on
 * all cores; the sums do not depend on how many there are. */
void fit_count(const TokenizedRows *rows, const uint32_t *index, size_t n, Wide *wide,
               FitCounts *out);
void fit_counts_free(FitCounts *counts);

#endif
