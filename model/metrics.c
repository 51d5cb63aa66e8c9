/* Counting, and scores from counts. */
#include "model/metrics.h"

#include "base/mem.h"
#include "base/status.h"

#include <stdlib.h>

void classifier_metrics_init(ClassifierMetrics *metrics, size_t n_classes)
{
    *metrics = (ClassifierMetrics){
        .n_classes = n_classes, .classes = mem_zalloc(n_classes, sizeof(ClassMetrics))};
}

void classifier_metrics_free(ClassifierMetrics *metrics)
{
    free(metrics->classes);
    *metrics = (ClassifierMetrics){0};
}

static void check_class(int32_t class_index, size_t n_classes)
{
    CHECK(class_index >= 0 && (size_t)class_index < n_classes);
}

void classifier_metrics_add(ClassifierMetrics *metrics, const int32_t *labels,
                            const int32_t *predictions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] < 0) {
            continue;
        }
        check_class(labels[i], metrics->n_classes);
        check_class(predictions[i], metrics->n_classes);
        metrics->classes[labels[i]].support++;
        metrics->classes[predictions[i]].predicted++;
        metrics->classes[labels[i]].correct += labels[i] == predictions[i];
    }
}

SetCounts classifier_metrics_add_sets(ClassifierMetrics *metrics, ClassSet truth,
                                      ClassSet predicted)
{
    SetCounts counts = {(uint32_t)truth.n, (uint32_t)predicted.n, 0};
    for (size_t i = 0; i < truth.n; i++) {
        check_class(truth.classes[i], metrics->n_classes);
        metrics->classes[truth.classes[i]].support++;
    }
    for (size_t i = 0, j = 0; i < predicted.n; i++) {
        int32_t label = predicted.classes[i];
        check_class(label, metrics->n_classes);
        while (j < truth.n && truth.classes[j] < label) {
            j++;
        }
        bool correct = j < truth.n && truth.classes[j] == label;
        metrics->classes[label].predicted++;
        metrics->classes[label].correct += correct;
        counts.n_correct += correct;
    }
    return counts;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static Scores scores_of(const ClassMetrics *c)
{
    double precision = ratio((double)c->correct, (double)c->predicted);
    double recall = ratio((double)c->correct, (double)c->support);
    return (Scores){precision, recall, ratio(2 * precision * recall, precision + recall)};
}

static void add_scaled(Scores *sum, const Scores *x, double weight)
{
    sum->precision += weight * x->precision;
    sum->recall += weight * x->recall;
    sum->f1 += weight * x->f1;
}

static Scores scaled(Scores sum, double whole)
{
    return (Scores){ratio(sum.precision, whole), ratio(sum.recall, whole),
                    ratio(sum.f1, whole)};
}

void classifier_metrics_add_counts(ClassifierMetrics *metrics, const SetCounts *counts,
                                   size_t n)
{
    metrics->multi_label = true;
    metrics->n_samples += n;
    for (size_t i = 0; i < n; i++) {
        const SetCounts *c = &counts[i];
        uint32_t wrong = c->n_true + c->n_predicted - 2 * c->n_correct;
        Scores own = scores_of(&(ClassMetrics){
            .support = c->n_true, .predicted = c->n_predicted, .correct = c->n_correct});
        metrics->n_exact += wrong == 0;
        metrics->n_wrong += wrong;
        add_scaled(&metrics->sample_sums, &own, 1);
    }
}

static void finish_sets(ClassifierMetrics *metrics)
{
    double n = (double)metrics->n_samples;
    metrics->accuracy = ratio((double)metrics->n_exact, n);
    metrics->hamming_loss =
        ratio((double)metrics->n_wrong, n * (double)metrics->n_classes);
    metrics->samples = scaled(metrics->sample_sums, n);
}

void classifier_metrics_finish(ClassifierMetrics *metrics)
{
    Scores weighted = {0}, macro = {0};
    ClassMetrics all = {0};
    size_t n_present = 0;
    for (size_t c = 0; c < metrics->n_classes; c++) {
        ClassMetrics *one = &metrics->classes[c];
        one->scores = scores_of(one);
        all.support += one->support;
        all.predicted += one->predicted;
        all.correct += one->correct;
        add_scaled(&weighted, &one->scores, (double)one->support);
        if (metrics->multi_label || one->support > 0 || one->predicted > 0) {
            add_scaled(&macro, &one->scores, 1);
            n_present++;
        }
    }
    if (metrics->multi_label) {
        finish_sets(metrics);
    } else {
        metrics->n_samples = all.support;
        metrics->accuracy = ratio((double)all.correct, (double)all.support);
    }
    metrics->weighted = scaled(weighted, (double)all.support);
    metrics->macro = scaled(macro, (double)n_present);
    metrics->micro = scores_of(&all);
}

void classifier_metrics_argmax(const float *scores, size_t n, size_t n_classes,
                               int32_t *predictions)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = scores + i * n_classes;
        size_t best = 0;
        for (size_t c = 1; c < n_classes; c++) {
            if (row[c] > row[best]) {
                best = c;
            }
        }
        predictions[i] = (int32_t)best;
    }
}

double classifier_metrics_log_loss(const float *log_probs, const int32_t *labels,
                                   size_t n, size_t n_classes)
{
    double sum = 0;
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= 0) {
            check_class(labels[i], n_classes);
            sum -= (double)log_probs[i * n_classes + (size_t)labels[i]];
            n_known++;
        }
    }
    return ratio(sum, (double)n_known);
}

void classifier_metrics_confusion(const int32_t *labels, const int32_t *predictions,
                                  size_t n, size_t n_classes, uint64_t *confusion)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= 0) {
            check_class(labels[i], n_classes);
            check_class(predictions[i], n_classes);
            confusion[(size_t)labels[i] * n_classes + (size_t)predictions[i]]++;
        }
    }
}
