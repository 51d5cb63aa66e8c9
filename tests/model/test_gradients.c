/* Every tensor's gradient against finite differences of the loss, for several shapes,
 * with and without dropout. */
#include "tests/model/shapes.h"
#include "model/pooling.h"
#include "tests/model/leaf_fixture.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const Shape SHAPES[] = {
    {"default", LITE(16, 1, 4, 24, 0.1, 0.2, 0.1, 0.1, 0.5), SIZES(5, 40, 11, 9, 70)},
    {"two layers, odd head", LITE(15, 2, 3, 7, 0.1, 0.1, 0.2, 0.1, 0.3),
     SIZES(3, 40, 11, 17, 70)},
    {"no layer", LITE(8, 0, 2, 4, 0, 0, 0, 0, 0.5), SIZES(4, 40, 11, 6, 70)},
    {"no n-grams, no wide", LITE(12, 1, 1, 9, 0.3, 0, 0.1, 0, 0.5),
     SIZES(4, 40, 0, 6, 0)},
};

static double loss_of(Fixture *f, bool wide)
{
    fixture_run(f);
    return (double)
        f->grad.dense[f->model->table.n_dense + (wide ? LEAF_LOSS_WIDE : LEAF_LOSS_DEEP)];
}

static double central_difference(Fixture *f, float *x, float h, bool wide)
{
    float held = *x;
    *x = held + h;
    double up = loss_of(f, wide);
    *x = held - h;
    double down = loss_of(f, wide);
    *x = held;
    return (up - down) / (2 * (double)h);
}

/* Richardson's step removes the differences' error of second order, so that h can be
 * large enough for fp32's noise. */
static void check_tensor(Fixture *f, const Param *param, const float *gradient)
{
    bool wide = param->block == BLOCK_WIDE;
    float *x = classifier_tensor(f->model, param);
    size_t n = param->rows * (param->columns ? param->columns : 1);
    size_t stride = n > 40 ? n / 40 + 1 : 1;
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i += stride) {
        double coarse = central_difference(f, x + i, 8e-3f, wide);
        double fine = central_difference(f, x + i, 4e-3f, wide);
        double numeric = (4 * fine - coarse) / 3;
        worst = fmax(worst, fabs(numeric - (double)gradient[i]));
        size = fmax(size, fabs(numeric));
    }
    if (worst > 2e-3 * fmax(size, 0.1)) {
        fail_msg("%s: off by %g where the largest is %g", param->name, worst, size);
    }
}

/* Of all tensors, or of those whose name begins with `prefix`. */
static void check_tensors(const Shape *shape, bool dropout, LossKind loss,
                          const char *prefix)
{
    Fixture f = fixture_open(shape, dropout);
    f.step.loss = loss;
    f.step.focal_gamma = 2;
    fixture_run(&f);
    Gradients gradients = gradients_of(&f);
    for (size_t i = 0; i < f.model->table.n; i++) {
        const Param *param = &f.model->table.items[i];
        if (strncmp(param->name, prefix, strlen(prefix)) == 0) {
            check_tensor(&f, param, gradients.block[param->block] + param->offset);
        }
    }
    gradients_free(&gradients);
    fixture_close(&f);
}

static void check_shape(const Shape *shape, bool dropout, LossKind loss)
{
    check_tensors(shape, dropout, loss, "");
}

/* Every way to pool. A maximum has kinks, where differences say nothing of the gradient:
 * with those, what comes after the pooling; test_pooling has the maxima themselves. */
static void test_poolings(void **state)
{
    (void)state;
    for (int pooling = 0; pooling < 4; pooling++) {
        Shape shape = SHAPES[1];
        shape.config.pooling = pooling;
        bool smooth = pooling == POOLING_MEAN || pooling == POOLING_FIRST;
        check_tensors(&shape, true, LOSS_CROSS_ENTROPY, smooth ? "" : "head.");
    }
}

static void test_gradients_without_dropout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        check_shape(&SHAPES[i], false, LOSS_CROSS_ENTROPY);
    }
}

static void test_gradients_with_dropout(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        check_shape(&SHAPES[i], true, LOSS_CROSS_ENTROPY);
    }
}

static void test_gradients_of_other_losses(void **state)
{
    (void)state;
    check_shape(&SHAPES[0], true, LOSS_FOCAL);
    check_shape(&SHAPES[0], true, LOSS_BCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_without_dropout),
        cmocka_unit_test(test_poolings),
        cmocka_unit_test(test_gradients_with_dropout),
        cmocka_unit_test(test_gradients_of_other_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
