/* Answers of a multi-label model: log-odds of each label, the probabilities that they
 * are, and from which probability on a label is given. */
#ifndef MUSTER_MODEL_LABEL_ANSWER_H
#define MUSTER_MODEL_LABEL_ANSWER_H

#include "base/batch.h"
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The `predict:` section. */
typedef struct PredictConfig {
    double threshold; /* of all labels; 0: fitted on the validation split */
} PredictConfig;

extern const Field predict_fields[];
extern const size_t n_predict_fields;

/* The threshold of labels that none was fitted for. */
#define DEFAULT_THRESHOLD 0.5

/* The sigmoid. */
double label_probability(float log_odds);

/* The classes, ascending, whose probability is at least their threshold [C]; `classes`
 * has room for C. Returns how many. */
size_t labels_above(const float *log_odds, const double *thresholds, size_t C,
                    int32_t *classes);

/* Binary cross-entropy of one text's answer [C], the mean over the labels. */
double labels_loss(const float *log_odds, ClassSet truth, size_t C);

/* ---- fitting thresholds ---- */

enum { THRESHOLD_BINS = 100 };

/* Answers for one label, counted by probability: bin b has those from b / 100 up to the
 * next. Whole numbers: counts of many ranks add up in any order. */
typedef struct ThresholdCounts {
    uint32_t all[THRESHOLD_BINS], positive[THRESHOLD_BINS];
} ThresholdCounts;

void threshold_count(ThresholdCounts *counts, double probability, bool positive);

/* Of 0.01, 0.02 ... 0.99 the threshold with the largest F1 (of equal ones that nearest
 * to 0.5, then the smaller); DEFAULT_THRESHOLD where nothing is positive. */
double threshold_best(const ThresholdCounts *counts);

#endif
