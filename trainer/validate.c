/* Each rank predicts its run of batches; the answers are gathered in order and every rank
 * derives the same metrics from them. */
#include "trainer/validate.h"

#include "base/pulse.h"
#include "base/fault.h"
#include "base/mem.h"
#include "model/metrics.h"
#include "trainer/validate_parts.h"

#include <stdlib.h>

/* ---- predicting ---- */

/* `answers` has room for a batch of each list. */
static void predict_batch(const Validation *v, Workspace *ws, const PackedBatch *batch,
                          float *answers)
{
    const ValidationRequest *request = v->request;
    size_t n = batch->n_texts * v->C;
    const float *each[MAX_MEMBERS];
    for (size_t m = 0; m < request->n_models; m++) {
        each[m] = answers + (m + 1) * n;
        classifier_predict(request->models[m], ws, batch, answers + (m + 1) * n);
    }
    ensemble_mean(each, request->n_models, n,
                  classifier_sizes(request->models[0])->multi_label, answers);
}

void validation_predict(const Validation *v, KeepAnswers *keep, void *context)
{
    const ValidationRequest *request = v->request;
    size_t batch_size = request->batch_size;
    BatchPacker *packer = batch_packer_open(request->set);
    Workspace *ws = workspace_open(request->models[0]);
    float *answers =
        mem_alloc((request->n_models + 1) * batch_size * v->C, sizeof *answers);
    uint32_t *examples = mem_alloc(batch_size, sizeof *examples);
    for (size_t at = v->begin; at < v->end; at += batch_size) {
        size_t n = v->end - at < batch_size ? v->end - at : batch_size;
        for (size_t i = 0; i < n; i++) {
            examples[i] = (uint32_t)(at + i);
        }
        PackedBatch batch;
        batch_pack(packer, examples, n, &batch);
        predict_batch(v, ws, &batch, answers);
        for (size_t k = 0; k < v->n_lists; k++) {
            keep(context, k, &batch, answers + k * n * v->C, at - v->begin);
        }
    }
    free(examples);
    free(answers);
    workspace_close(ws);
    batch_packer_close(packer);
}

/* ---- sharing ---- */

/* Rank r's examples: whole batches. */
static void examples_of(const Validation *v, int rank, size_t *begin, size_t *end)
{
    Ranks other = *v->ranks;
    size_t n = v->n, batch_size = v->request->batch_size;
    other.rank = rank;
    ranks_share(&other, (n + batch_size - 1) / batch_size, begin, end);
    *begin = *begin * batch_size < n ? *begin * batch_size : n;
    *end = *end * batch_size < n ? *end * batch_size : n;
}

void validation_gather(const Validation *v, const void *mine, void *all, size_t size)
{
    size_t *counts = mem_alloc((size_t)v->ranks->size, sizeof *counts);
    for (int r = 0; r < v->ranks->size; r++) {
        size_t begin, end;
        examples_of(v, r, &begin, &end);
        counts[r] = (end - begin) * size;
    }
    v->ranks->gather(v->ranks->self, mine, all, counts);
    free(counts);
}

/* ---- one class a text ---- */

/* All that the metrics need of one example. */
typedef struct Answer {
    float log_prob; /* of the true class */
    int32_t predicted;
} Answer;

typedef struct Answers {
    size_t C;
    Answer *list[MAX_MEMBERS + 1];
    int32_t *predicted; /* scratch of a batch */
} Answers;

static void keep_answers(void *context, size_t list, const PackedBatch *batch,
                         const float *log_probs, size_t at)
{
    Answers *a = context;
    classifier_metrics_argmax(log_probs, batch->n_texts, a->C, a->predicted);
    for (size_t i = 0; i < batch->n_texts; i++) {
        size_t truth = (size_t)batch->targets.classes[i];
        a->list[list][at + i] = (Answer){log_probs[i * a->C + truth], a->predicted[i]};
    }
}

static void summarise(const Validation *v, const Answer *answers, ValidationResult *out)
{
    ClassifierMetrics metrics;
    classifier_metrics_init(&metrics, v->C);
    double loss = 0;
    for (size_t i = 0; i < v->n; i++) {
        int32_t label = dataset_label(v->request->set, i);
        classifier_metrics_add(&metrics, &label, &answers[i].predicted, 1);
        loss -= (double)answers[i].log_prob;
    }
    classifier_metrics_finish(&metrics);
    *out = (ValidationResult){.loss = loss / (double)v->n,
                              .accuracy = metrics.accuracy,
                              .f1 = metrics.weighted.f1};
    classifier_metrics_free(&metrics);
}

static void validate_classes(const Validation *v, ValidationResult *out)
{
    Answers mine = {.C = v->C,
                    .predicted =
                        mem_alloc(v->request->batch_size, sizeof *mine.predicted)};
    for (size_t k = 0; k < v->n_lists; k++) {
        mine.list[k] = mem_alloc(v->end - v->begin, sizeof *mine.list[k]);
    }
    validation_predict(v, keep_answers, &mine);
    Answer *all = mem_alloc(v->n, sizeof *all);
    for (size_t k = 0; k < v->n_lists; k++) {
        validation_gather(v, mine.list[k], all, sizeof *all);
        summarise(v, all, &out[k]);
        free(mine.list[k]);
    }
    free(mine.predicted);
    free(all);
}

void validate(const Ranks *ranks, const ValidationRequest *request, double *thresholds,
              ValidationResult *out)
{
    const ModelSizes *sizes = classifier_sizes(request->models[0]);
    Validation v = {.ranks = ranks,
                    .request = request,
                    .n = dataset_size(request->set),
                    .C = sizes->n_classes,
                    .n_lists = request->n_models > 1 ? request->n_models + 1 : 1};
    examples_of(&v, ranks->rank, &v.begin, &v.end);
    PulsePhase before = pulse_phase(PULSE_VALIDATION);
    fault_point("evaluation");
    if (sizes->multi_label) {
        validate_labels(&v, thresholds, out);
    } else {
        validate_classes(&v, out);
    }
    pulse_phase(before);
}
