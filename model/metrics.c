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
        if (one->support > 0 || one->predicted > 0) {
            add_scaled(&macro, &one->scores, 1);
            n_present++;
        }
    }
    metrics->n_samples = all.support;
    metrics->accuracy = ratio((double)all.correct, (double)all.support);
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
