/* The fused passes against the reference. */
#include "model/elementwise.h"
#include "model/reference.h"
#include "tests/model/compare.h"

static const size_t ROWS[] = {0, 1, 5, 200};
static const size_t WIDTHS[] = {1, 15, 64, 256};

/* Calls `check` for every shape. */
static void over_shapes(void (*check)(size_t n, size_t H))
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        for (size_t j = 0; j < COUNT_OF(WIDTHS); j++) {
            check(ROWS[i], WIDTHS[j]);
        }
    }
}

static void check_bias(size_t n, size_t H)
{
    float *y = random_floats(n * H, 1, 1), *bias = random_floats(H, 1, 2);
    double *want = new_doubles(n * H), *sums = new_doubles(H);
    for (size_t i = 0; i < n * H; i++) {
        want[i] = (double)y[i] + (double)bias[i % H];
        sums[i % H] += want[i];
    }
    bias_add(y, bias, n, H);
    assert_close("bias_add", y, want, n * H, 1e-7);
    for (size_t h = 0; h < H; h++) {
        sums[h] += (double)bias[h];
    }
    bias_backward(bias, y, n, H);
    assert_close("bias_backward", bias, sums, H, 1e-5);
    free(y);
    free(bias);
    free(want);
    free(sums);
}

static void test_bias(void **state)
{
    (void)state;
    over_shapes(check_bias);
}

static void check_gelu(size_t n, size_t F)
{
    float *x = random_floats(n * F, 3, 1), *bias = random_floats(F, 1, 2);
    float *y = random_floats(n * F, 0, 3), *dy = random_floats(n * F, 1, 4);
    double *want = new_doubles(n * F), *slope = new_doubles(n * F);
    for (size_t i = 0; i < n * F; i++) {
        double at = (double)(x[i] + bias[i % F]);
        want[i] = reference_gelu(at);
        slope[i] = reference_gelu_slope(at);
    }
    gelu_forward(y, x, bias, n, F);
    assert_close("gelu", y, want, n * F, 1e-6);
    assert_close("gelu slope", x, slope, n * F, 1e-6);
    for (size_t i = 0; i < n * F; i++) {
        slope[i] *= (double)dy[i];
    }
    gelu_backward(dy, dy, x, n * F); /* in place, as the encoder calls it */
    assert_close("gelu_backward", dy, slope, n * F, 1e-6);
    free(x);
    free(bias);
    free(y);
    free(dy);
    free(want);
    free(slope);
}

static void test_gelu(void **state)
{
    (void)state;
    over_shapes(check_gelu);
}

/* Far from zero and through it, where a sign or a cancellation would show. */
static void test_gelu_on_a_grid(void **state)
{
    (void)state;
    enum { N = 40001 };
    static float x[N], y[N];
    const float zero = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)(-20 + 40 * (double)i / (N - 1));
    }
    static float at[N];
    memcpy(at, x, sizeof at);
    gelu_forward(y, x, &zero, N, 1);
    for (size_t i = 0; i < N; i++) {
        double size = fmax(1, fabs((double)at[i]));
        double off = fabs((double)y[i] - reference_gelu((double)at[i]));
        double slope_off = fabs((double)x[i] - reference_gelu_slope((double)at[i]));
        if (off > 3e-7 * size || slope_off > 6e-7) {
            fail_msg("at %g: off by %g, its slope by %g", (double)at[i], off, slope_off);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bias),
        cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_gelu_on_a_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
