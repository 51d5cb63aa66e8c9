/* Types and shapes of tensors, and their numbers as floats. */
#include "base/tensor.h"

#include "base/status.h"
#include "base/text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} TYPES[N_TENSOR_TYPES] = {
    [TENSOR_F64] = {"F64", 8},   [TENSOR_F32] = {"F32", 4}, [TENSOR_F16] = {"F16", 2},
    [TENSOR_BF16] = {"BF16", 2}, [TENSOR_I64] = {"I64", 8}, [TENSOR_I32] = {"I32", 4},
    [TENSOR_U8] = {"U8", 1},
};

size_t tensor_type_size(TensorType type)
{
    return TYPES[type].size;
}

const char *tensor_type_name(TensorType type)
{
    return TYPES[type].name;
}

size_t tensor_count(const Tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        count *= tensor->dims[i];
    }
    return count;
}

bool tensor_has_shape(const Tensor *tensor, int rank, const size_t *dims)
{
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) {
        same = tensor->dims[i] == dims[i];
    }
    return same;
}

char *tensor_shape_text(int rank, const size_t *dims)
{
    StrBuf text = {0};
    strbuf_add_char(&text, '[');
    for (int i = 0; i < rank; i++) {
        strbuf_printf(&text, "%s%zu", i ? ", " : "", dims[i]);
    }
    strbuf_add_char(&text, ']');
    return strbuf_take(&text);
}

bool tensor_is_float(TensorType type)
{
    return type == TENSOR_F64 || type == TENSOR_F32 || type == TENSOR_F16 ||
           type == TENSOR_BF16;
}

static float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 1 sign, 5 exponent (bias 15), 10 fraction bits become 1, 8 (bias 127), 23. What is
 * subnormal here is normal there, so it is computed: fraction * 2^-24. */
static float float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
    if (exponent == 0) {
        float size = (float)fraction * 0x1p-24f;
        return sign ? -size : size;
    }
    if (exponent == 31) {
        return float_of_bits(sign | 0x7f800000u | fraction << 13);
    }
    return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static void copy_doubles(const unsigned char *from, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, from + i * sizeof x, sizeof x);
        out[i] = (float)x;
    }
}

static void copy_halves(const unsigned char *from, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, from + i * sizeof x, sizeof x);
        out[i] = float_of_half(x);
    }
}

static void copy_upper_halves(const unsigned char *from, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, from + i * sizeof x, sizeof x);
        out[i] = float_of_bits((uint32_t)x << 16);
    }
}

size_t tensor_copy_f32(const Tensor *tensor, float *out)
{
    size_t n = tensor_count(tensor);
    CHECK(tensor_is_float(tensor->type));
    if (tensor->type == TENSOR_F64) {
        copy_doubles(tensor->data, out, n);
    } else if (tensor->type == TENSOR_F16) {
        copy_halves(tensor->data, out, n);
    } else if (tensor->type == TENSOR_BF16) {
        copy_upper_halves(tensor->data, out, n);
    } else if (n > 0) {
        memcpy(out, tensor->data, n * sizeof *out);
    }
    size_t finite = 0;
    while (finite < n && isfinite(out[finite])) {
        finite++;
    }
    return finite;
}
