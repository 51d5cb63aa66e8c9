/* Each rank predicts its run of batches; the answers are gathered in order and every rank
 * derives the same metrics from them. */
#include "trainer/validate.h"

#include "base/mem.h"
#include "model/metrics.h"

#include <stdlib.h>

/* All that the metrics need of one example. */
typedef struct Answer {
    float log_prob; /* of the true class */
    int32_t predicted;
} Answer;

/* What a batch's answers are written to: one list for the mean, and for several models
 * one each. */
typedef struct Answers {
    Classifier *const *models;
    size_t n_models, n_lists;
    Answer *list[MAX_MEMBERS + 1];
} Answers;

static void keep_answers(const PackedBatch *batch, const float *log_probs, size_t C,
                         int32_t *predicted, Answer *to)
{
    classifier_metrics_argmax(log_probs, batch->n_texts, C, predicted);
    for (size_t i = 0; i < batch->n_texts; i++) {
        to[i] = (Answer){log_probs[i * C + (size_t)batch->label[i]], predicted[i]};
    }
}

/* `log_probs` has room for a batch of each list. */
static void predict_batch(const Answers *a, Workspace *ws, const PackedBatch *batch,
                          float *log_probs, int32_t *predicted, size_t at)
{
    size_t C = classifier_sizes(a->models[0])->n_classes, n = batch->n_texts * C;
    const float *each[MAX_MEMBERS];
    for (size_t m = 0; m < a->n_models; m++) {
        each[m] = log_probs + (m + 1) * n;
        classifier_predict(a->models[m], ws, batch, log_probs + (m + 1) * n);
    }
    ensemble_mean(each, a->n_models, n, log_probs);
    for (size_t k = 0; k < a->n_lists; k++) {
        keep_answers(batch, log_probs + k * n, C, predicted, a->list[k] + at);
    }
}

static void predict_range(const Answers *answers, const Dataset *set, size_t begin,
                          size_t end, size_t batch_size)
{
    size_t C = classifier_sizes(answers->models[0])->n_classes;
    BatchPacker *packer = batch_packer_open(set);
    Workspace *ws = workspace_open(answers->models[0]);
    float *log_probs =
        mem_alloc((answers->n_models + 1) * batch_size * C, sizeof *log_probs);
    int32_t *predicted = mem_alloc(batch_size, sizeof *predicted);
    uint32_t *examples = mem_alloc(batch_size, sizeof *examples);
    for (size_t at = begin; at < end; at += batch_size) {
        size_t n = end - at < batch_size ? end - at : batch_size;
        for (size_t i = 0; i < n; i++) {
            examples[i] = (uint32_t)(at + i);
        }
        PackedBatch batch;
        batch_pack(packer, examples, n, &batch);
        predict_batch(answers, ws, &batch, log_probs, predicted, at - begin);
    }
    free(examples);
    free(predicted);
    free(log_probs);
    workspace_close(ws);
    batch_packer_close(packer);
}

/* Rank r's examples: whole batches. */
static void examples_of(const Ranks *ranks, int rank, size_t n, size_t batch_size,
                        size_t *begin, size_t *end)
{
    Ranks other = *ranks;
    other.rank = rank;
    ranks_share(&other, (n + batch_size - 1) / batch_size, begin, end);
    *begin = *begin * batch_size < n ? *begin * batch_size : n;
    *end = *end * batch_size < n ? *end * batch_size : n;
}

static void summarise(const Dataset *set, const Answer *answers, size_t n, size_t C,
                      ValidationResult *out)
{
    ClassifierMetrics metrics;
    classifier_metrics_init(&metrics, C);
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t label = dataset_label(set, i);
        classifier_metrics_add(&metrics, &label, &answers[i].predicted, 1);
        loss -= (double)answers[i].log_prob;
    }
    classifier_metrics_finish(&metrics);
    out->loss = loss / (double)n;
    out->accuracy = metrics.accuracy;
    out->f1 = metrics.weighted.f1;
    classifier_metrics_free(&metrics);
}

void validate(const Ranks *ranks, Classifier *const *models, size_t n_models,
              const Dataset *set, size_t batch_size, ValidationResult *out)
{
    size_t n = dataset_size(set), begin, end;
    Answers mine = {models, n_models, n_models > 1 ? n_models + 1 : 1, {NULL}};
    examples_of(ranks, ranks->rank, n, batch_size, &begin, &end);
    for (size_t k = 0; k < mine.n_lists; k++) {
        mine.list[k] = mem_alloc(end - begin, sizeof *mine.list[k]);
    }
    predict_range(&mine, set, begin, end, batch_size);

    Answer *all = mem_alloc(n, sizeof *all);
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    for (int r = 0; r < ranks->size; r++) {
        examples_of(ranks, r, n, batch_size, &begin, &end);
        counts[r] = (end - begin) * sizeof *all;
    }
    for (size_t k = 0; k < mine.n_lists; k++) {
        ranks->gather(ranks->self, mine.list[k], all, counts);
        summarise(set, all, n, classifier_sizes(models[0])->n_classes, &out[k]);
        free(mine.list[k]);
    }
    free(counts);
    free(all);
}
