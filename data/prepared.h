/* All that a training needs of its data: rows, splits, the fitted preprocessor, and every
 * word looked up. Large data sets are prepared once and kept in the cache (row_cache.h):
 * the second start maps what the first one made. */
#ifndef MUSTER_DATA_PREPARED_H
#define MUSTER_DATA_PREPARED_H

#include "base/status.h"
#include "data/checked_map.h"
#include "data/dataset.h"
#include "data/encoded_words.h"
#include "data/facts.h"
#include "data/preprocessor.h"
#include "data/splits.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct PreparedData {
    Splits splits;
    Preprocessor *preprocessor; /* fitted on the training split */
    EncodedWords words;         /* of splits.rows */
    DataFacts facts;            /* what values that were `auto` were chosen by */
    const uint16_t *row_length; /* [rows] tokens that the deep branch sees */

    CheckedMap *map; /* holds lists and tables when they were kept, else NULL */
    uint16_t *owned_length;
} PreparedData;

/* Reads, splits, fits and looks up, or maps all of it. Values of `config` that are `auto`
 * are settled by the facts, here and by whoever asks config_resolve for the same. Errors
 * are those of splits_read. Local; whether anything is kept, and where, depends on
 * data.cache and the files alone.
 */
Status prepared_open(const DataConfig *config, uint64_t seed, bool progress,
                     PreparedData *out);
void prepared_close(PreparedData *data);

/* Whether the data is kept between jobs: then one process should open it first. */
bool prepared_is_kept(const DataConfig *config);

/* The training or validation set of it; borrows from `data`. */
Status prepared_dataset(const PreparedData *data, const uint32_t *index, size_t n,
                        Dataset **out);

#endif
