/* Averaging in double precision, so that few members lose nothing. */
#include "model/ensemble.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ensemble_mean(const float *const *each, size_t n_members, size_t n, float *out)
{
    if (n_members == 1) {
        memcpy(out, each[0], n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double highest = (double)each[0][i], sum = 0;
        for (size_t m = 1; m < n_members; m++) {
            highest = fmax(highest, (double)each[m][i]);
        }
        for (size_t m = 0; m < n_members; m++) {
            sum += exp((double)each[m][i] - highest);
        }
        out[i] = (float)(highest + log(sum / (double)n_members));
    }
}

void ensemble_predict(Classifier *const *models, size_t n_members, Workspace *ws,
                      const PackedBatch *batch, float *log_probs)
{
    if (n_members == 1) {
        classifier_predict(models[0], ws, batch, log_probs);
        return;
    }
    size_t n = batch->n_texts * classifier_sizes(models[0])->n_classes;
    float *answers = mem_alloc(n_members * n, sizeof *answers);
    const float *each[MAX_MEMBERS];
    for (size_t m = 0; m < n_members; m++) {
        classifier_predict(models[m], ws, batch, answers + m * n);
        each[m] = answers + m * n;
    }
    ensemble_mean(each, n_members, n, log_probs);
    free(answers);
}
