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

static void predict_range(const Classifier *model, const Dataset *set, size_t begin,
                          size_t end, size_t batch_size, Answer *answers)
{
    size_t C = classifier_sizes(model)->n_classes;
    BatchPacker *packer = batch_packer_open(set);
    Workspace *ws = workspace_open(model);
    float *log_probs = mem_alloc(batch_size * C, sizeof *log_probs);
    int32_t *predicted = mem_alloc(batch_size, sizeof *predicted);
    uint32_t *examples = mem_alloc(batch_size, sizeof *examples);
    for (size_t at = begin; at < end; at += batch_size) {
        size_t n = end - at < batch_size ? end - at : batch_size;
        for (size_t i = 0; i < n; i++) {
            examples[i] = (uint32_t)(at + i);
        }
        PackedBatch batch;
        batch_pack(packer, examples, n, &batch);
        classifier_predict(model, ws, &batch, log_probs);
        classifier_metrics_argmax(log_probs, n, C, predicted);
        for (size_t i = 0; i < n; i++) {
            answers[at - begin + i] =
                (Answer){log_probs[i * C + (size_t)batch.label[i]], predicted[i]};
        }
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

void validate(const Ranks *ranks, const Classifier *model, const Dataset *set,
              size_t batch_size, ValidationResult *out)
{
    size_t n = dataset_size(set), begin, end;
    examples_of(ranks, ranks->rank, n, batch_size, &begin, &end);
    Answer *mine = mem_alloc(end - begin, sizeof *mine);
    predict_range(model, set, begin, end, batch_size, mine);

    Answer *all = mem_alloc(n, sizeof *all);
    size_t *counts = mem_alloc((size_t)ranks->size, sizeof *counts);
    for (int r = 0; r < ranks->size; r++) {
        examples_of(ranks, r, n, batch_size, &begin, &end);
        counts[r] = (end - begin) * sizeof *all;
    }
    ranks->gather(ranks->self, mine, all, counts);
    summarise(set, all, n, classifier_sizes(model)->n_classes, out);
    free(counts);
    free(all);
    free(mine);
}
