/* Predicting labelled rows and adding up what came out. */
#include "predict/evaluate.h"

#include "base/mem.h"
#include "model/label_answer.h"

#include <stdlib.h>
#include <string.h>

/* Batches that are predicted at a time; with more ranks than that, one a rank. */
enum { PART_BATCHES = 64 };

void evaluation_free(Evaluation *evaluation)
{
    free(evaluation->labels);
    free(evaluation->predictions);
    free(evaluation->confusion);
    classifier_metrics_free(&evaluation->metrics);
    *evaluation = (Evaluation){0};
}

/* An evaluation in progress. */
typedef struct Evaluating {
    const Ranks *ranks;
    Predictor *predictor;
    const Dataset *set;
    Evaluation *e;
    float *answers; /* to a part [n, n_classes] */
    double loss_sum;
} Evaluating;

/* ---- one class a text ---- */

/* Sums in the order of the examples, as validation in training does: the same bits. */
static void add_classes(Evaluating *in, size_t at, size_t n)
{
    Evaluation *e = in->e;
    classifier_metrics_argmax(in->answers, n, e->n_classes, e->predictions + at);
    for (size_t i = 0; i < n; i++) {
        e->labels[at + i] = dataset_label(in->set, at + i);
        in->loss_sum -= (double)in->answers[i * e->n_classes + (size_t)e->labels[at + i]];
    }
    classifier_metrics_add(&e->metrics, e->labels + at, e->predictions + at, n);
}

static void begin_classes(Evaluation *e)
{
    e->labels = mem_alloc(e->n, sizeof *e->labels);
    e->predictions = mem_alloc(e->n, sizeof *e->predictions);
}

static void count_confusion(Evaluation *e)
{
    e->confusion = mem_zalloc(e->n_classes * e->n_classes, sizeof *e->confusion);
    classifier_metrics_confusion(e->labels, e->predictions, e->n, e->n_classes,
                                 e->confusion);
}

/* ---- several labels a text ---- */

static void add_labels(Evaluating *in, size_t at, size_t n)
{
    size_t C = in->e->n_classes;
    const double *thresholds = predictor_thresholds(in->predictor);
    int32_t *given = mem_alloc(C, sizeof *given);
    for (size_t i = 0; i < n; i++) {
        const float *row = in->answers + i * C;
        ClassSet truth = dataset_classes(in->set, at + i);
        ClassSet predicted = {given, labels_above(row, thresholds, C, given)};
        SetCounts counts = classifier_metrics_add_sets(&in->e->metrics, truth, predicted);
        classifier_metrics_add_counts(&in->e->metrics, &counts, 1);
        in->loss_sum += labels_loss(row, truth, C);
    }
    free(given);
}

/* ---- both ---- */

/* Rank `rank`'s whole batches of a part of n examples, as examples. */
static void share_of(const Evaluating *in, int rank, size_t n, size_t *begin, size_t *end)
{
    Ranks other = *in->ranks;
    size_t batch = predictor_batch_size(in->predictor);
    other.rank = rank;
    ranks_share(&other, (n + batch - 1) / batch, begin, end);
    *begin = *begin * batch < n ? *begin * batch : n;
    *end = *end * batch < n ? *end * batch : n;
}

/* Fills in->answers for the n examples from `at` on, on every rank. */
static void predict_part(Evaluating *in, size_t at, size_t n)
{
    const Ranks *ranks = in->ranks;
    size_t C = in->e->n_classes, begin, end;
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    for (int r = 0; r < ranks->size; r++) {
        share_of(in, r, n, &begin, &end);
        counts[r] = (end - begin) * C * sizeof *in->answers;
    }
    share_of(in, ranks->rank, n, &begin, &end);
    float *mine = in->answers + begin * C;
    predictor_predict_set(in->predictor, in->set, at + begin, end - begin, mine);
    ranks->gather(ranks->self, mine, in->answers, counts);
    free(counts);
}

static void evaluate_parts(Evaluating *in)
{
    Evaluation *e = in->e;
    size_t batches =
        (size_t)in->ranks->size > PART_BATCHES ? (size_t)in->ranks->size : PART_BATCHES;
    size_t part = batches * predictor_batch_size(in->predictor);
    part = e->n < part ? e->n : part;
    in->answers = mem_alloc(part * e->n_classes, sizeof *in->answers);
    for (size_t at = 0; at < e->n; at += part) {
        size_t n = e->n - at < part ? e->n - at : part;
        predict_part(in, at, n);
        if (dataset_multi_label(in->set)) {
            add_labels(in, at, n);
        } else {
            add_classes(in, at, n);
        }
    }
    free(in->answers);
}

Status evaluate_set(const Ranks *ranks, Predictor *predictor, const Dataset *set,
                    Evaluation *out)
{
    size_t n = dataset_size(set);
    if (n == 0) {
        return status_set(STATUS_DATA, "there are no rows to evaluate on");
    }
    Evaluation e = {.n = n, .n_classes = predictor_n_classes(predictor)};
    Evaluating in = {.ranks = ranks, .predictor = predictor, .set = set, .e = &e};
    bool one_class = !dataset_multi_label(set);
    classifier_metrics_init(&e.metrics, e.n_classes);
    if (one_class) {
        begin_classes(&e);
    }
    evaluate_parts(&in);
    classifier_metrics_finish(&e.metrics);
    e.loss = in.loss_sum / (double)n;
    if (one_class) {
        count_confusion(&e);
    }
    *out = e;
    return STATUS_OK;
}

/* ---- figures by name ---- */

typedef struct Figure {
    const char *name;
    size_t offset;    /* of a double in Evaluation */
    bool multi_label; /* of several labels a text alone */
} Figure;

#define AT(field) offsetof(Evaluation, field)

static const Figure FIGURES[] = {
    {"precision", AT(metrics.weighted.precision), false},
    {"recall", AT(metrics.weighted.recall), false},
    {"f1", AT(metrics.weighted.f1), false},
    {"accuracy", AT(metrics.accuracy), false},
    {"loss", AT(loss), false},
    {"precision_macro", AT(metrics.macro.precision), false},
    {"recall_macro", AT(metrics.macro.recall), false},
    {"f1_macro", AT(metrics.macro.f1), false},
    {"precision_micro", AT(metrics.micro.precision), false},
    {"recall_micro", AT(metrics.micro.recall), false},
    {"f1_micro", AT(metrics.micro.f1), false},
    {"precision_samples", AT(metrics.samples.precision), true},
    {"recall_samples", AT(metrics.samples.recall), true},
    {"f1_samples", AT(metrics.samples.f1), true},
    {"hamming_loss", AT(metrics.hamming_loss), true},
};

enum { N_FIGURES = sizeof FIGURES / sizeof FIGURES[0] };

const char *evaluation_value_name(size_t i)
{
    return i < N_FIGURES ? FIGURES[i].name : NULL;
}

bool evaluation_value(const Evaluation *evaluation, const char *name, double *out)
{
    for (size_t i = 0; i < N_FIGURES; i++) {
        bool has = evaluation->metrics.multi_label || !FIGURES[i].multi_label;
        if (has && strcmp(FIGURES[i].name, name) == 0) {
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

static void write_average(JsonWriter *w, const char *key, const Scores *scores)
{
    json_write_key(w, key);
    json_begin_object(w);
    write_scores(w, scores);
    json_end_object(w);
}

static void write_overall(const Evaluation *e, JsonWriter *w)
{
    json_write_key(w, "overall");
    json_begin_object(w);
    write_scores(w, &e->metrics.weighted);
    write_double(w, "accuracy", e->metrics.accuracy);
    write_double(w, "loss", e->loss);
    if (e->metrics.multi_label) {
        write_double(w, "hamming_loss", e->metrics.hamming_loss);
    }
    write_samples(w, e->metrics.n_samples);
    json_end_object(w);
    write_average(w, "macro", &e->metrics.macro);
    write_average(w, "micro", &e->metrics.micro);
    if (e->metrics.multi_label) {
        write_average(w, "samples", &e->metrics.samples);
    }
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
        if (e->metrics.multi_label) {
            write_double(w, "threshold", predictor_thresholds(p)[c]);
        }
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

static void write_row(JsonWriter *w, uint64_t a, uint64_t b)
{
    json_begin_array(w);
    json_write_int(w, (int64_t)a);
    json_write_int(w, (int64_t)b);
    json_end_array(w);
}

static void write_label_confusion(const Evaluation *e, const Predictor *p, JsonWriter *w)
{
    json_write_key(w, "multilabel_confusion_matrix");
    json_begin_object(w);
    for (size_t c = 0; c < e->n_classes; c++) {
        const ClassMetrics *m = &e->metrics.classes[c];
        uint64_t missed = m->support - m->correct, wrong = m->predicted - m->correct;
        json_write_key(w, predictor_label(p, c));
        json_begin_array(w);
        write_row(w, e->n - m->correct - missed - wrong, wrong);
        write_row(w, missed, m->correct);
        json_end_array(w);
    }
    json_end_object(w);
}

void evaluation_write(const Evaluation *evaluation, const Predictor *predictor,
                      JsonWriter *w)
{
    write_overall(evaluation, w);
    write_classes(evaluation, predictor, w);
    if (evaluation->metrics.multi_label) {
        write_label_confusion(evaluation, predictor, w);
    } else {
        write_confusion(evaluation, predictor, w);
    }
}
