/* A predictor's answers to labelled rows, and how good they are. */
#ifndef MUSTER_PREDICT_EVALUATE_H
#define MUSTER_PREDICT_EVALUATE_H

#include "base/json.h"
#include "base/ranks.h"
#include "model/metrics.h"
#include "predict/predictor.h"

typedef struct Evaluation {
    size_t n, n_classes;
    ClassifierMetrics metrics;
    double loss; /* mean of -log p(true class); of several labels binary cross-entropy */

    /* Of one class a text; NULL for several labels. */
    int32_t *labels, *predictions; /* [n] in the order of the rows */
    uint64_t *confusion;           /* [n_classes, n_classes] label, prediction */
} Evaluation;

/* Evaluates all examples of a labelled data set, part by part, in batches like those of
 * validation. The ranks share the batches of a part, whole ones, and every rank gets the
 * same evaluation, with the same bits for any number of them. STATUS_DATA when there are
 * no examples. Collective: the same model and data set on all ranks. */
Status evaluate_set(const Ranks *ranks, Predictor *predictor, const Dataset *set,
                    Evaluation *out);
void evaluation_free(Evaluation *evaluation);

/* Writes "overall" (weighted precision, recall, f1, accuracy, loss, num_samples),
 * "macro", "micro", "per_class" and "confusion_matrix" into the open object; of several
 * labels also "samples" and hamming_loss, and "multilabel_confusion_matrix" instead, a
 * label's [[tn, fp], [fn, tp]]. */
void evaluation_write(const Evaluation *evaluation, const Predictor *predictor,
                      JsonWriter *w);

/* One of the figures by name (precision, recall, f1, accuracy, loss, f1_macro, f1_micro,
 * precision_macro...; of several labels f1_samples, hamming_loss...). False when there is
 * none of that name. */
bool evaluation_value(const Evaluation *evaluation, const char *name, double *out);

/* The i-th name that evaluation_value knows, NULL past the end. */
const char *evaluation_value_name(size_t i);

#endif
