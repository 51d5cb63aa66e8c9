/* How good predictions are: precision, recall, F1 per class and together, accuracy, log
 * loss, confusion counts.
 *
 * Definitions are scikit-learn's (precision_recall_fscore_support and log_loss with their
 * defaults, zero_division = 0): a score whose denominator is zero is 0, and the macro
 * mean runs over the classes that stand among the labels or the predictions. Of several
 * labels a text they are those of multi-label indicators: macro runs over all labels,
 * accuracy is that of whole label sets. */
#ifndef MUSTER_MODEL_METRICS_H
#define MUSTER_MODEL_METRICS_H

#include "base/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Scores {
    double precision, recall, f1;
} Scores;

typedef struct ClassMetrics {
    uint64_t support;   /* samples of this class */
    uint64_t predicted; /* samples predicted to be it */
    uint64_t correct;   /* both */
    Scores scores;      /* set by classifier_metrics_finish */
} ClassMetrics;

/* Counts are added up by classifier_metrics_add, on one rank or (being whole numbers, in
 * any order) summed over many; everything else is derived from them by
 * classifier_metrics_finish. */
typedef struct ClassifierMetrics {
    size_t n_classes;
    ClassMetrics *classes; /* [n_classes] */
    uint64_t n_samples;
    double accuracy;
    Scores weighted; /* by support; what val_f1 and test_f1 mean */
    Scores macro;
    Scores micro; /* of a single-label task: all three equal the accuracy */

    /* Of several labels a text alone. */
    bool multi_label;
    Scores samples; /* mean over the texts */
    double hamming_loss;
    uint64_t n_exact, n_wrong; /* texts with all labels right; labels wrong */
    Scores sample_sums;
} ClassifierMetrics;

/* Zero counts for `n_classes`. */
void classifier_metrics_init(ClassifierMetrics *metrics, size_t n_classes);
void classifier_metrics_free(ClassifierMetrics *metrics);

/* Counts `n` samples. A label of -1 (unknown) is left out; others and all predictions are
 * in 0 .. n_classes-1. */
void classifier_metrics_add(ClassifierMetrics *metrics, const int32_t *labels,
                            const int32_t *predictions, size_t n);

/* What is counted of one text with several labels. */
typedef struct SetCounts {
    uint32_t n_true, n_predicted, n_correct;
} SetCounts;

/* Counts the labels of one text. What it returns is for classifier_metrics_add_counts,
 * which one rank may do for the texts of all. */
SetCounts classifier_metrics_add_sets(ClassifierMetrics *metrics, ClassSet truth,
                                      ClassSet predicted);

/* Adds up `n` texts, in their order; makes the metrics those of several labels. */
void classifier_metrics_add_counts(ClassifierMetrics *metrics, const SetCounts *counts,
                                   size_t n);

/* Derives the scores from the counts of `classes`; may be called again after more
 * counts. */
void classifier_metrics_finish(ClassifierMetrics *metrics);

/* The class of the largest score of each row of scores [n, n_classes]; the first one
 * among equals. */
void classifier_metrics_argmax(const float *scores, size_t n, size_t n_classes,
                               int32_t *predictions);

/* The mean of -log_probs[i, labels[i]] over the samples whose label is known, added in
 * the order of the samples; 0 when there are none. */
double classifier_metrics_log_loss(const float *log_probs, const int32_t *labels,
                                   size_t n, size_t n_classes);

/* confusion [n_classes, n_classes] += 1 at (label, prediction); zeroed by the caller. */
void classifier_metrics_confusion(const int32_t *labels, const int32_t *predictions,
                                  size_t n, size_t n_classes, uint64_t *confusion);

#endif
