/* Validation of several labels a text. Thresholds come first, from counts that all ranks
 * add up; then each rank says which labels its texts get. What is exchanged is counts for
 * each label and a few numbers for each text, never the answers themselves. */
#include "base/mem.h"
#include "model/label_answer.h"
#include "model/metrics.h"
#include "trainer/validate_parts.h"

#include <stdlib.h>
#include <string.h>

typedef struct Answers {
    size_t C;
    float *log_odds[MAX_MEMBERS + 1]; /* [this rank's examples, C] */
} Answers;

static void keep_answers(void *context, size_t list, const PackedBatch *batch,
                         const float *log_odds, size_t at)
{
    Answers *a = context;
    memcpy(a->log_odds[list] + at * a->C, log_odds,
           batch->n_texts * a->C * sizeof *log_odds);
}

/* Every rank's `size` bytes, rank by rank. Free with free(). */
static void *gather_equal(const Ranks *ranks, const void *mine, size_t size)
{
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    for (int r = 0; r < ranks->size; r++) {
        counts[r] = size;
    }
    void *all = mem_alloc((size_t)ranks->size, size);
    ranks->gather(ranks->self, mine, all, counts);
    free(counts);
    return all;
}

/* ---- thresholds ---- */

static void count_answers(const Validation *v, const float *log_odds,
                          ThresholdCounts *counts)
{
    for (size_t i = 0; i < v->end - v->begin; i++) {
        ClassSet truth = dataset_classes(v->request->set, v->begin + i);
        for (size_t c = 0, next = 0; c < v->C; c++) {
            bool positive = next < truth.n && (size_t)truth.classes[next] == c;
            next += positive;
            threshold_count(&counts[c], label_probability(log_odds[i * v->C + c]),
                            positive);
        }
    }
}

static void add_thresholds(ThresholdCounts *sum, const ThresholdCounts *x)
{
    for (size_t b = 0; b < THRESHOLD_BINS; b++) {
        sum->all[b] += x->all[b];
        sum->positive[b] += x->positive[b];
    }
}

static void fit_thresholds(const Validation *v, const float *log_odds, double *out)
{
    size_t C = v->C;
    ThresholdCounts *counts = mem_zalloc(C, sizeof *counts);
    count_answers(v, log_odds, counts);
    ThresholdCounts *all = gather_equal(v->ranks, counts, C * sizeof *counts);
    for (size_t c = 0; c < C; c++) {
        ThresholdCounts sum = {{0}, {0}};
        for (size_t r = 0; r < (size_t)v->ranks->size; r++) {
            add_thresholds(&sum, &all[r * C + c]);
        }
        out[c] = threshold_best(&sum);
    }
    free(all);
    free(counts);
}

static void choose_thresholds(const Validation *v, const float *log_odds, double *out)
{
    double fixed = v->request->threshold;
    if (fixed == 0) {
        fit_thresholds(v, log_odds, out);
        return;
    }
    for (size_t c = 0; c < v->C; c++) {
        out[c] = fixed;
    }
}

/* ---- metrics ---- */

/* All that the metrics need of one example. */
typedef struct LabelAnswer {
    double loss;
    SetCounts counts;
    uint32_t unused; /* so that every byte that is sent is set */
} LabelAnswer;

/* Counts each label in `metrics`, which are this rank's. */
static void answer(const Validation *v, const float *log_odds, const double *thresholds,
                   ClassifierMetrics *metrics, LabelAnswer *out)
{
    int32_t *given = mem_alloc(v->C, sizeof *given);
    for (size_t i = 0; i < v->end - v->begin; i++) {
        const float *row = log_odds + i * v->C;
        ClassSet truth = dataset_classes(v->request->set, v->begin + i);
        ClassSet predicted = {given, labels_above(row, thresholds, v->C, given)};
        out[i] = (LabelAnswer){
            .loss = labels_loss(row, truth, v->C),
            .counts = classifier_metrics_add_sets(metrics, truth, predicted)};
    }
    free(given);
}

/* The counts of each label, of all ranks. */
static void sum_classes(const Validation *v, ClassifierMetrics *metrics)
{
    size_t C = v->C;
    ClassMetrics *all =
        gather_equal(v->ranks, metrics->classes, C * sizeof *metrics->classes);
    memset(metrics->classes, 0, C * sizeof *metrics->classes);
    for (size_t i = 0; i < (size_t)v->ranks->size * C; i++) {
        ClassMetrics *sum = &metrics->classes[i % C];
        sum->support += all[i].support;
        sum->predicted += all[i].predicted;
        sum->correct += all[i].correct;
    }
    free(all);
}

static void summarise(const Validation *v, const float *log_odds,
                      const double *thresholds, ValidationResult *out)
{
    ClassifierMetrics metrics;
    classifier_metrics_init(&metrics, v->C);
    LabelAnswer *mine = mem_alloc(v->end - v->begin, sizeof *mine);
    LabelAnswer *all = mem_alloc(v->n, sizeof *all);
    answer(v, log_odds, thresholds, &metrics, mine);
    sum_classes(v, &metrics);
    validation_gather(v, mine, all, sizeof *all);
    double loss = 0;
    for (size_t i = 0; i < v->n; i++) {
        classifier_metrics_add_counts(&metrics, &all[i].counts, 1);
        loss += all[i].loss;
    }
    classifier_metrics_finish(&metrics);
    *out = (ValidationResult){.loss = loss / (double)v->n,
                              .accuracy = metrics.accuracy,
                              .f1 = metrics.weighted.f1,
                              .f1_micro = metrics.micro.f1,
                              .f1_macro = metrics.macro.f1,
                              .f1_samples = metrics.samples.f1,
                              .hamming_loss = metrics.hamming_loss};
    classifier_metrics_free(&metrics);
    free(mine);
    free(all);
}

void validate_labels(const Validation *v, double *thresholds, ValidationResult *out)
{
    Answers mine = {.C = v->C};
    for (size_t k = 0; k < v->n_lists; k++) {
        mine.log_odds[k] =
            mem_alloc((v->end - v->begin) * v->C, sizeof *mine.log_odds[k]);
    }
    validation_predict(v, keep_answers, &mine);
    double *own = mem_alloc(v->C, sizeof *own);
    for (size_t k = 0; k < v->n_lists; k++) {
        double *chosen = k == 0 ? thresholds : own;
        choose_thresholds(v, mine.log_odds[k], chosen);
        summarise(v, mine.log_odds[k], chosen, &out[k]);
        free(mine.log_odds[k]);
    }
    free(own);
}
