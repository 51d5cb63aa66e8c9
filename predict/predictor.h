/* A trained model ready to answer: weights and preprocessor of one checkpoint folder. */
#ifndef MUSTER_PREDICT_PREDICTOR_H
#define MUSTER_PREDICT_PREDICTOR_H

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/preprocessor.h"

#include <stddef.h>
#include <stdint.h>

/* One predictor answers for one thread at a time: it holds the room for a batch. Threads
 * that want to answer at once open one each. */
typedef struct Predictor Predictor;

/* Opens a checkpoint folder: checksums, preprocessor, weights, and that they belong
 * together. STATUS_NOT_FOUND when there is no such folder; STATUS_DAMAGED for everything
 * that is wrong with it, other good checkpoints beside it named in the hint. */
Status predictor_open(const char *checkpoint_dir, Predictor **out);
void predictor_close(Predictor *predictor); /* NULL is fine */

/* answers [n, n_classes]: the log-probability of each class for each text; of a
 * multi-label model each label's log-odds (model/label_answer.h). The texts are raw, as
 * they stand in the data; cleaning is the model's own. Room grows with the largest `n`
 * seen; a caller with very many texts hands them over in parts. */
Status predictor_predict(Predictor *predictor, const Text *texts, size_t n,
                         float *answers);

/* The same for `n` examples of a data set that was opened with this predictor's
 * preprocessor, from `first` on. */
void predictor_predict_set(Predictor *predictor, const Dataset *set, size_t first,
                           size_t n, float *answers);

/* Texts per batch: as many as validation in training had. */
size_t predictor_batch_size(const Predictor *predictor);

/* What stands between a text's labels in files; NULL when each text has one class. */
const char *predictor_label_separator(const Predictor *predictor);

/* [n_classes] from which probability on a multi-label model gives each label: what was
 * fitted in training, unless set since. Borrowed. */
const double *predictor_thresholds(const Predictor *predictor);

/* The same threshold for all labels. STATUS_USAGE when the model chooses one class. */
Status predictor_set_threshold(Predictor *predictor, double threshold);

size_t predictor_n_classes(const Predictor *predictor);
const char *predictor_label(const Predictor *predictor,
                            size_t class_index);                        /* borrowed */
const Preprocessor *predictor_preprocessor(const Predictor *predictor); /* borrowed */

/* muster.json: what the checkpoint says of itself. Borrowed. */
const Json *predictor_description(const Predictor *predictor);
const char *predictor_dir(const Predictor *predictor);

#endif
