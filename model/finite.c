/* Passes over weights, gradients and moments that stop at the first bad number. */
#include "model/finite.h"

#include "model/classifier_parts.h"
#include "model/dispatch.h"

#include <math.h>
#include <string.h>

/* x - x is 0 for finite numbers and NaN for the others, and NaN stays in a sum. */
MULTIVERSION
bool floats_are_finite(const float *x, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        sum += x[i] - x[i];
    }
    return sum == 0;
}

static bool find(const char *tensor, const float *x, size_t n, NotFinite *out)
{
    if (floats_are_finite(x, n)) {
        return false;
    }
    size_t i = 0;
    while (isfinite(x[i])) {
        i++;
    }
    *out = (NotFinite){tensor, x[i]};
    return true;
}

static size_t size_of(const Param *param)
{
    return param->rows * (param->columns ? param->columns : 1);
}

bool classifier_find_not_finite(const Classifier *model, NotFinite *out)
{
    for (size_t i = 0; i < model->table.n; i++) {
        const Param *param = &model->table.items[i];
        if (find(param->name, classifier_tensor(model, param), size_of(param), out)) {
            return true;
        }
    }
    return false;
}

/* The gradient of n-gram rows is made of the words', so theirs is never the first. */
static bool find_in_gradient(const Classifier *model, const Param *param,
                             const StepGradient *grad, NotFinite *out)
{
    switch (param->block) {
    case BLOCK_WORDS:
        return find(param->name, grad->words->value, grad->words->n * grad->words->H,
                    out);
    case BLOCK_DENSE:
        return find(param->name, grad->dense + param->offset, size_of(param), out);
    case BLOCK_WIDE:
        return find(param->name, grad->wide_dlogits,
                    grad->n_examples * model->sizes.n_classes, out);
    default:
        return false;
    }
}

bool gradient_find_not_finite(const Classifier *model, const StepGradient *grad,
                              NotFinite *out)
{
    for (size_t i = 0; i < model->table.n; i++) {
        if (find_in_gradient(model, &model->table.items[i], grad, out)) {
            return true;
        }
    }
    return false;
}

bool optimizer_find_not_finite(const Optimizer *optimizer, NotFinite *out)
{
    Tensor tensors[OPTIMIZER_TENSORS];
    size_t n = optimizer_state(optimizer, tensors);
    for (size_t i = 0; i < n; i++) {
        if (tensors[i].type == TENSOR_F32 &&
            find(tensors[i].name, tensors[i].data, tensor_count(&tensors[i]), out)) {
            return true;
        }
    }
    return false;
}
