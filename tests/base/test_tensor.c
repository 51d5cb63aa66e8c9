/* Tensors as floats: every 16-bit number against its definition. */
#include "base/tensor.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL = 1 << 16 };

/* (-1)^sign * 2^exponent * (1.)fraction, as IEEE 754 (2019, section 3.4) defines it, for
 * a type of 16 bits with this many for the fraction. */
static double definition(unsigned bits, int fraction_bits)
{
    int exponent_bits = 15 - fraction_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    int fraction = (int)(bits & ((1u << fraction_bits) - 1));
    double sign = bits >> 15 ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1) {
        return fraction ? (double)NAN : sign * (double)INFINITY;
    }
    int lead = exponent ? 1 << fraction_bits : 0, power = exponent ? exponent : 1;
    return sign * ldexp(lead + fraction, power - bias - fraction_bits);
}

static void check_all(TensorType type, int fraction_bits)
{
    /* One byte in, so that no number is aligned. */
    unsigned char *data = malloc(ALL * 2 + 1);
    float out;
    for (unsigned bits = 0; bits < ALL; bits++) {
        uint16_t x = (uint16_t)bits;
        memcpy(data + 1, &x, sizeof x);
        Tensor tensor = {.name = "x", .type = type, .data = data + 1};
        double want = definition(bits, fraction_bits);
        size_t finite = tensor_copy_f32(&tensor, &out);
        assert_int_equal(finite, isfinite(want) ? 1 : 0);
        assert_true(isnan(want) ? isnan(out) : (double)out == want);
        assert_int_equal(signbit(out) != 0, bits >> 15);
    }
    free(data);
}

static void test_every_half(void **state)
{
    (void)state;
    check_all(TENSOR_F16, 10);
    check_all(TENSOR_BF16, 7);
}

static void test_the_first_that_is_not_finite(void **state)
{
    (void)state;
    float x[] = {1, -FLT_MAX, FLT_TRUE_MIN, -0.0f, INFINITY, NAN}, out[6];
    Tensor tensor = {"x", TENSOR_F32, 2, {2, 3}, x};
    assert_int_equal(tensor_copy_f32(&tensor, out), 4);
    assert_memory_equal(out, x, 4 * sizeof *x);
    tensor.dims[0] = 0;
    assert_int_equal(tensor_copy_f32(&tensor, NULL), 0);
}

static void test_doubles_are_rounded(void **state)
{
    (void)state;
    double x[] = {0.1, 0x1p-149, -0x1.8p-149, 0x1.fffffep127, 1 + 0x1p-24, 0x1p128};
    float out[6];
    Tensor tensor = {"x", TENSOR_F64, 1, {6}, x};
    assert_int_equal(tensor_copy_f32(&tensor, out), 5);
    assert_true(out[0] == 0.1f && out[1] == FLT_TRUE_MIN);
    assert_true(out[2] == -2 * FLT_TRUE_MIN && out[3] == FLT_MAX && out[4] == 1);
}

static void test_shapes(void **state)
{
    (void)state;
    Tensor tensor = {"x", TENSOR_U8, 2, {2, 3}, NULL};
    assert_int_equal(tensor_count(&tensor), 6);
    assert_true(tensor_has_shape(&tensor, 2, (size_t[]){2, 3}));
    assert_false(tensor_has_shape(&tensor, 2, (size_t[]){3, 2}));
    assert_false(tensor_has_shape(&tensor, 1, (size_t[]){2}));
    tensor.rank = 0;
    assert_int_equal(tensor_count(&tensor), 1);
    assert_true(tensor_has_shape(&tensor, 0, NULL));
    char *text = tensor_shape_text(2, (size_t[]){2, 3});
    assert_string_equal(text, "[2, 3]");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_the_first_that_is_not_finite),
        cmocka_unit_test(test_doubles_are_rounded),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
