/* Averaging in double precision, so that few members lose nothing. */
#include "model/ensemble.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Both the mean of p and that of 1 - p keep their digits. */
static void mean_of_odds(const float *const *each, size_t n_members, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        double yes = 0, no = 0;
        for (size_t m = 0; m < n_members; m++) {
            double z = (double)each[m][i], e = exp(-fabs(z));
            yes += (z < 0 ? e : 1) / (1 + e);
            no += (z < 0 ? 1 : e) / (1 + e);
        }
        out[i] = (float)(log(yes) - log(no));
    }
}

void ensemble_mean(const float *const *each, size_t n_members, size_t n, bool multi_label,
                   float *out)
{
    if (n_members == 1) {
        memcpy(out, each[0], n * sizeof *out);
        return;
    }
    if (multi_label) {
        mean_of_odds(each, n_members, n, out);
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
                      const PackedBatch *batch, float *answers)
{
    if (n_members == 1) {
        classifier_predict(models[0], ws, batch, answers);
        return;
    }
    const ModelSizes *sizes = classifier_sizes(models[0]);
    size_t n = batch->n_texts * sizes->n_classes;
    float *own = mem_alloc(n_members * n, sizeof *own);
    const float *each[MAX_MEMBERS];
    for (size_t m = 0; m < n_members; m++) {
        classifier_predict(models[m], ws, batch, own + m * n);
        each[m] = own + m * n;
    }
    ensemble_mean(each, n_members, n, sizes->multi_label, answers);
    free(own);
}
