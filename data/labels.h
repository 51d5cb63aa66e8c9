/* Classes: the distinct labels of a set, sorted by bytes, numbered from 0. */
#ifndef MUSTER_DATA_LABELS_H
#define MUSTER_DATA_LABELS_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
typedef struct Labels {
    StrList names; /* ascending */
} Labels;

/* The distinct ones among labels[index[0..n-1]] (index NULL: labels[0..n-1]). */
void labels_fit(Labels *labels, const Text *all, const uint32_t *index, size_t n);
void labels_free(Labels *labels);

/* The class of a label, or -1. */
int32_t labels_find(const Labels *labels, Text label);

#endif
