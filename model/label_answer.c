/* Log-odds, probabilities and thresholds. */
#include "model/label_answer.h"

#include <math.h>
#include <stdlib.h>

const Field predict_fields[] = {
    {"threshold", FIELD_DOUBLE, offsetof(PredictConfig, threshold), "0", 0, 1,
     .help = "multi-label: the probability from which on a label is given; 0: fitted on "
             "the validation split, a label each, for the best F1"},
};

const size_t n_predict_fields = sizeof predict_fields / sizeof predict_fields[0];

double label_probability(float log_odds)
{
    double z = (double)log_odds, e = exp(-fabs(z));
    return (z < 0 ? e : 1) / (1 + e);
}

size_t labels_above(const float *log_odds, const double *thresholds, size_t C,
                    int32_t *classes)
{
    size_t n = 0;
    for (size_t c = 0; c < C; c++) {
        classes[n] = (int32_t)c;
        n += label_probability(log_odds[c]) >= thresholds[c];
    }
    return n;
}

double labels_loss(const float *log_odds, ClassSet truth, size_t C)
{
    double sum = 0;
    for (size_t c = 0; c < C; c++) {
        double z = (double)log_odds[c];
        sum += fmax(z, 0) + log1p(exp(-fabs(z)));
    }
    for (size_t i = 0; i < truth.n; i++) {
        sum -= (double)log_odds[truth.classes[i]];
    }
    return sum / (double)C;
}

/* ---- fitting thresholds ---- */

static double threshold_of(int bin)
{
    return (double)bin / THRESHOLD_BINS;
}

void threshold_count(ThresholdCounts *counts, double probability, bool positive)
{
    int bin = (int)(probability * THRESHOLD_BINS);
    bin = bin < THRESHOLD_BINS ? bin : THRESHOLD_BINS - 1;
    /* A bin is what its threshold says, whatever the product was rounded to. */
    bin -= bin > 0 && probability < threshold_of(bin);
    bin += bin + 1 < THRESHOLD_BINS && probability >= threshold_of(bin + 1);
    counts->all[bin]++;
    counts->positive[bin] += positive;
}

double threshold_best(const ThresholdCounts *counts)
{
    enum { MIDDLE = THRESHOLD_BINS / 2 };
    uint64_t given = 0, correct = 0, support = 0;
    for (int b = 0; b < THRESHOLD_BINS; b++) {
        support += counts->positive[b];
    }
    int best = MIDDLE;
    double best_f1 = 0;
    for (int b = THRESHOLD_BINS - 1; b > 0; b--) {
        given += counts->all[b];
        correct += counts->positive[b];
        double f1 = correct > 0 ? 2 * (double)correct / (double)(given + support) : 0;
        bool nearer = abs(b - MIDDLE) <= abs(best - MIDDLE);
        if (f1 > best_f1 || (f1 == best_f1 && f1 > 0 && nearer)) {
            best = b;
            best_f1 = f1;
        }
    }
    return threshold_of(best);
}
