/* What defaults are chosen by: how many rows, classes and words there are. */
#ifndef MUSTER_DATA_FACTS_H
#define MUSTER_DATA_FACTS_H

#include "base/config_auto.h"
#include "data/splits.h"

/* Of rows that are split. Words are averaged over the first 10,000 training rows. */
DataFacts data_facts(const Splits *splits);

/* Reads and splits the rows for it, as a training would; from the cache where they are
 * kept. STATUS_DATA and other errors of splits_read; STATUS_FAILED for standard input,
 * which could not be read again. Local. */
Status data_facts_read(const DataConfig *config, uint64_t seed, DataFacts *out);

#endif
