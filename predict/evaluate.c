/* Predicting labelled rows and adding up what came out. */
#include "predict/evaluate.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Batches that are predicted at a time. */
enum { PART_BATCHES = 64 };

void evaluation_free(Evaluation *evaluation)
{
    free(evaluation->labels);
    free(evaluation->predictions);
    free(evaluation->confusion);
    classifier_metrics_free(&evaluation->metrics);
    *evaluation = (Evaluation){0};
}

/* Sums in the order of the examples, as validation in training does: the same bits. */
static void evaluate_part(Predictor *predictor, const Dataset *set, size_t at, size_t n,
                          float *log_probs, Evaluation *e, double *loss_sum)
{
    predictor_predict_set(predictor, set, at, n, log_probs);
    classifier_metrics_argmax(log_probs, n, e->n_classes, e->predictions + at);
    for (size_t i = 0; i < n; i++) {
        e->labels[at + i] = dataset_label(set, at + i);
        *loss_sum -= (double)log_probs[i * e->n_classes + (size_t)e->labels[at + i]];
    }
}

static void summarise(Evaluation *e)
{
    classifier_metrics_init(&e->metrics, e->n_classes);
    classifier_metrics_add(&e->metrics, e->labels, e->predictions, e->n);
    classifier_metrics_finish(&e->metrics);
    e->confusion = mem_zalloc(e->n_classes * e->n_classes, sizeof *e->confusion);
    classifier_metrics_confusion(e->labels, e->predictions, e->n, e->n_classes,
                                 e->confusion);
}

Status evaluate_set(Predictor *predictor, const Dataset *set, Evaluation *out)
{
    size_t n = dataset_size(set);
    if (n == 0) {
        return status_set(STATUS_DATA, "there are no rows to evaluate on");
    }
    Evaluation e = {.n = n, .n_classes = predictor_n_classes(predictor)};
    e.labels = mem_alloc(n, sizeof *e.labels);
    e.predictions = mem_alloc(n, sizeof *e.predictions);
    size_t part = PART_BATCHES * predictor_batch_size(predictor);
    part = n < part ? n : part;
    float *log_probs = mem_alloc(part * e.n_classes, sizeof *log_probs);
    double loss_sum = 0;
    for (size_t at = 0; at < n; at += part) {
        evaluate_part(predictor, set, at, n - at < part ? n - at : part, log_probs, &e,
                      &loss_sum);
    }
    free(log_probs);
    e.loss = loss_sum / (double)n;
    summarise(&e);
    *out = e;
    return STATUS_OK;
}

/* ---- figures by name ---- */

typedef struct Figure {
    const char *name;
    size_t offset; /* of a double in Evaluation */
} Figure;

#define AT(field) offsetof(Evaluation, field)

static const Figure FIGURES[] = {
    {"precision", AT(metrics.weighted.precision)},
    {"recall", AT(metrics.weighted.recall)},
    {"f1", AT(metrics.weighted.f1)},
    {"accuracy", AT(metrics.accuracy)},
    {"loss", AT(loss)},
    {"precision_macro", AT(metrics.macro.precision)},
    {"recall_macro", AT(metrics.macro.recall)},
    {"f1_macro", AT(metrics.macro.f1)},
    {"precision_micro", AT(metrics.micro.precision)},
    {"recall_micro", AT(metrics.micro.recall)},
    {"f1_micro", AT(metrics.micro.f1)},
};

enum { N_FIGURES = sizeof FIGURES / sizeof FIGURES[0] };

const char *evaluation_value_name(size_t i)
{
    return i < N_FIGURES ? FIGURES[i].name : NULL;
}

bool evaluation_value(const Evaluation *evaluation, const char *name, double *out)
{
    for (size_t i = 0; i < N_FIGURES; i++) {
        if (strcmp(FIGURES[i].name, name) == 0) {
            memcpy(out, (const char *)evaluation + FIGURES[i].offset, sizeof *out);
            return true;
        }
    }
    return false;
}

/* ---- JSON ---- */

static void write_double(JsonWriter *w, const char *key, double value)
{
    json_write_key(w, key);
    json_write_double(w, value);
}

static void write_scores(JsonWriter *w, const Scores *scores)
{
    write_double(w, "precision", scores->precision);
    write_double(w, "recall", scores->recall);
    write_double(w, "f1", scores->f1);
}

static void write_samples(JsonWriter *w, uint64_t n)
{
    json_write_key(w, "num_samples");
    json_write_int(w, (int64_t)n);
}

static void write_overall(const Evaluation *e, JsonWriter *w)
{
    json_write_key(w, "overall");
    json_begin_object(w);
    write_scores(w, &e->metrics.weighted);
    write_double(w, "accuracy", e->metrics.accuracy);
    write_double(w, "loss", e->loss);
    write_samples(w, e->metrics.n_samples);
    json_end_object(w);
    json_write_key(w, "macro");
    json_begin_object(w);
    write_scores(w, &e->metrics.macro);
    json_end_object(w);
    json_write_key(w, "micro");
    json_begin_object(w);
    write_scores(w, &e->metrics.micro);
    json_end_object(w);
}

static void write_classes(const Evaluation *e, const Predictor *p, JsonWriter *w)
{
    json_write_key(w, "per_class");
    json_begin_object(w);
    for (size_t c = 0; c < e->n_classes; c++) {
        json_write_key(w, predictor_label(p, c));
        json_begin_object(w);
        write_scores(w, &e->metrics.classes[c].scores);
        write_samples(w, e->metrics.classes[c].support);
        json_end_object(w);
    }
    json_end_object(w);
}

static void write_confusion(const Evaluation *e, const Predictor *p, JsonWriter *w)
{
    json_write_key(w, "confusion_matrix");
    json_begin_object(w);
    json_write_key(w, "labels");
    json_begin_array(w);
    for (size_t c = 0; c < e->n_classes; c++) {
        json_write_string(w, predictor_label(p, c));
    }
    json_end_array(w);
    json_write_key(w, "counts");
    json_begin_array(w);
    for (size_t c = 0; c < e->n_classes; c++) {
        json_begin_array(w);
        for (size_t d = 0; d < e->n_classes; d++) {
            json_write_int(w, (int64_t)e->confusion[c * e->n_classes + d]);
        }
        json_end_array(w);
    }
    json_end_array(w);
    json_end_object(w);
}

void evaluation_write(const Evaluation *evaluation, const Predictor *predictor,
                      JsonWriter *w)
{
    write_overall(evaluation, w);
    write_classes(evaluation, predictor, w);
    write_confusion(evaluation, predictor, w);
}
