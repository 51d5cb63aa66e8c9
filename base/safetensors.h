/* Named arrays in a file: the safetensors format that Hugging Face models are stored in.
 *
 * Eight bytes header length (little-endian), a JSON header {"name": {"dtype", "shape",
 * "data_offsets"}}, then the arrays' bytes back to back. A file is read whole and checked
 * completely before the first array is handed out: nothing in it is executed, nothing is
 * allocated that the file itself does not hold. What names and shapes mean is the
 * caller's business. */
#ifndef MUSTER_BASE_SAFETENSORS_H
#define MUSTER_BASE_SAFETENSORS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum TensorType {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_U8
} TensorType;

enum { TENSOR_MAX_RANK = 8 };

/* One array, row-major. `data` of a tensor that was read borrows from its file, and is
 * aligned to its element size. */
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

typedef struct Safetensors Safetensors;

/* Reads and checks all of `path`. STATUS_DAMAGED with the file and the offset or tensor
 * for anything that does not fit: truncated, header too long, bad JSON, unknown dtype,
 * offsets out of range, overlapping or with gaps, sizes that overflow. STATUS_NOT_FOUND
 * when there is no such file; pickle-based files are refused by name. */
Status safetensors_open(const char *path, Safetensors **out);
void safetensors_close(Safetensors *file); /* NULL is fine */

/* Everything below borrows from the file. Tensors are numbered in the order of their
 * bytes. */
size_t safetensors_size(const Safetensors *file);
const Tensor *safetensors_at(const Safetensors *file, size_t index);
const Tensor *safetensors_find(const Safetensors *file, const char *name);  /* or NULL */
const char *safetensors_metadata(const Safetensors *file, const char *key); /* or NULL */

/* The data of tensor `name`, which must have this type and shape; STATUS_DAMAGED naming
 * the tensor and both shapes (both types) otherwise. */
Status safetensors_get(const Safetensors *file, const char *name, TensorType type,
                       int rank, const size_t *dims, const void **out);

/* The same for weights: F32, and every number finite (else the tensor and the index of
 * the first that is not). */
Status safetensors_f32(const Safetensors *file, const char *name, int rank,
                       const size_t *dims, const float **out);

/* Writes tensors in the given order; the same input gives the same bytes. The arrays are
 * streamed to a temporary file beside `path`, synced and renamed: `path` is complete or
 * as it was. `metadata` holds n_metadata pairs key, value; NULL for none. */
Status safetensors_write(const char *path, const Tensor *tensors, size_t n,
                         const char *const (*metadata)[2], size_t n_metadata);

#endif
