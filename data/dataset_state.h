/* What a Dataset is made of; for data/dataset.c and data/packer.c. */
#ifndef MUSTER_DATA_DATASET_STATE_H
#define MUSTER_DATA_DATASET_STATE_H

#include "data/dataset.h"

struct Dataset {
    const Preprocessor *pre;
    const TokenizedRows *rows;
    const EncodedWords *words;
    const uint32_t *index; /* NULL: example i is row i */
    size_t n;
    /* The classes of label set s of the rows: classes[begin[s] .. begin[s + 1]), or
     * classes[s] alone (-1 for none) where begin is NULL: one label a row. */
    int32_t *classes;
    uint32_t *class_begin;
    uint16_t *length; /* [n] tokens */
    size_t n_tokens;

    TokenizedRows *own_rows; /* NULL when borrowed */
    EncodedWords own_words;
};

static inline size_t dataset_row(const Dataset *set, size_t example)
{
    return set->index ? set->index[example] : example;
}

#endif
