/* The rows that a model is evaluated on: a split of its own training data, made again
 * from what the checkpoint says, or a file. */
#ifndef MUSTER_PREDICT_EVALUATION_DATA_H
#define MUSTER_PREDICT_EVALUATION_DATA_H

#include "data/dataset.h"
#include "data/splits.h"
#include "predict/predictor.h"

typedef enum EvaluationSplit {
    EVALUATE_TRAIN,
    EVALUATE_VAL,
    EVALUATE_TEST
} EvaluationSplit;

typedef struct EvaluationData {
    Dataset *set;        /* of the two below */
    Splits splits;       /* of the checkpoint's data; empty for a file */
    TokenizedRows *file; /* NULL for a split */
} EvaluationData;

/* Reads the data that the checkpoint was trained on once more and splits it with the same
 * seed. STATUS_DATA when the files are not there, or their digests are not those of the
 * training (which one, both digests), or the split is empty. */
Status evaluation_data_split(const Predictor *predictor, EvaluationSplit split,
                             EvaluationData *out);

/* All rows of a CSV, TSV or JSON Lines file with the text and label columns that the
 * model was trained with. With `progress` stderr is told how far it came when reading
 * takes long. */
Status evaluation_data_file(const Predictor *predictor, const char *path, bool progress,
                            EvaluationData *out);

/* The digest of the rows and how they were split: the same on ranks that see the same
 * files. Borrowed from `data`. */
const char *evaluation_data_digest(const EvaluationData *data);

void evaluation_data_free(EvaluationData *data);

#endif
