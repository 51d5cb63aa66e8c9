/* Where numbers stopped being finite: the name of the tensor, for the message that ends a
 * training. Looked for only when something is known to be wrong, or once an epoch. */
#ifndef MUSTER_MODEL_FINITE_H
#define MUSTER_MODEL_FINITE_H

#include "model/training.h"

typedef struct NotFinite {
    const char *tensor; /* as in model.safetensors, or of the optimizer's state; borrowed
                           from the model, or static */
    float value;        /* NaN or an infinity */
} NotFinite;

bool floats_are_finite(const float *x, size_t n);

/* The first weight that is not finite, in the order of the model's tensors. */
bool classifier_find_not_finite(const Classifier *model, NotFinite *out);

/* The first tensor whose summed gradient is not finite: the words' rows, the dense
 * tensors, the wide rows (by their logit gradients). */
bool gradient_find_not_finite(const Classifier *model, const StepGradient *grad,
                              NotFinite *out);

/* The first array of the optimizer's state. */
bool optimizer_find_not_finite(const Optimizer *optimizer, NotFinite *out);

#endif
