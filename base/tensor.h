/* Arrays of numbers as files hold them: their types, shapes, and how they become floats.
 *
 * Nothing here knows of files; base/safetensors.h hands tensors out. */
#ifndef MUSTER_BASE_TENSOR_H
#define MUSTER_BASE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>

typedef enum TensorType {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,  /* IEEE 754 binary16 */
    TENSOR_BF16, /* the upper half of an F32 */
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_U8,
    N_TENSOR_TYPES
} TensorType;

enum { TENSOR_MAX_RANK = 8 };

/* One array, row-major, little-endian. */
typedef struct Tensor {
    const char *name;
    TensorType type;
    int rank; /* 0 = a single number */
    size_t dims[TENSOR_MAX_RANK];
    const void *data;
} Tensor;

size_t tensor_type_size(TensorType type);      /* bytes per element */
const char *tensor_type_name(TensorType type); /* "F32" */
size_t tensor_count(const Tensor *tensor);     /* elements: the product of its dims */
bool tensor_has_shape(const Tensor *tensor, int rank, const size_t *dims);

/* "[2, 3]" in a string of its own; free with free(). */
char *tensor_shape_text(int rank, const size_t *dims);

/* True for F64, F32, F16 and BF16. */
bool tensor_is_float(TensorType type);

/* The numbers of a tensor of floats, whose data may lie at any address, as floats:
 * exactly for F32, F16 and BF16, subnormals and signed zeros included; rounded to the
 * nearest for F64. `out` has room for tensor_count and does not overlap the data. Returns
 * how many were finite before the first that is not (in F64: or is too large for a
 * float), so tensor_count when all are; what `out` holds from there on is not said. */
size_t tensor_copy_f32(const Tensor *tensor, float *out);

#endif
