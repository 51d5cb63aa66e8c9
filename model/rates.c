/* Which tensors learn, and how fast. */
#include "model/classifier_parts.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The layer in a tensor's name, or -1. */
static int layer_of(const char *name)
{
    int layer = -1;
    const char *at = strstr(name, "encoder.layer.");
    if (at) {
        sscanf(at, "encoder.layer.%d.", &layer);
    }
    return layer;
}

static double scale_of(const char *name, int64_t n_layers, double decay)
{
    int layer = layer_of(name);
    if (layer >= 0) {
        return pow(decay, (double)(n_layers - layer));
    }
    bool before = strstr(name, "embedding") != NULL;
    return before ? pow(decay, (double)(n_layers + 1)) : 1;
}

static Status freeze_matching(Classifier *model, const char *pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < model->table.n; i++) {
        Param *param = &model->table.items[i];
        if (fnmatch(pattern, param->name, 0) == 0) {
            param->lr_scale = 0;
            n++;
        }
    }
    if (n > 0) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG, "train.freeze: no tensor's name matches \"%s\"", pattern);
    status_hint("names are like %s", model->table.items[model->table.n / 2].name);
    return STATUS_CONFIG;
}

Status classifier_set_rates(Classifier *model, const StrList *freeze, double decay)
{
    for (size_t i = 0; i < model->table.n; i++) {
        Param *param = &model->table.items[i];
        param->lr_scale = (float)scale_of(param->name, model->config.layers, decay);
    }
    for (size_t i = 0; i < freeze->n; i++) {
        TRY(freeze_matching(model, freeze->items[i]));
    }
    return STATUS_OK;
}
