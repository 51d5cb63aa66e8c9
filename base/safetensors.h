/* Named arrays in files: the safetensors format that Hugging Face models are stored in.
 *
 * Eight bytes header length (little-endian), a JSON header {"name": {"dtype", "shape",
 * "data_offsets"}}, then the arrays' bytes back to back. A header is checked completely
 * before the first array is handed out: nothing in it is executed, nothing is allocated
 * that the file itself does not hold. The data is mapped, not read (read where other
 * hosts may write to the file system). What names and shapes mean is the caller's
 * business.
 *
 * A large model may be cut into shards: several such files and an index that says which
 * tensor lies where. They are handed out as if they were one.
 *
 * A file that is written over while it is open gives STATUS_DAMAGED from the calls that
 * return a Status, unless it is cut off at the very moment that it is looked at: then the
 * process ends by SIGBUS. Whoever replaces files by renaming, as safetensors_write does,
 * never sees either. */
#ifndef MUSTER_BASE_SAFETENSORS_H
#define MUSTER_BASE_SAFETENSORS_H

#include "base/status.h"
#include "base/tensor.h"

typedef struct Safetensors Safetensors;

/* Maps `path` and checks all of its header. STATUS_DAMAGED with the file and the offset
 * or tensor for anything that does not fit: truncated, header too long, bad JSON, unknown
 * dtype, offsets out of range, overlapping or with gaps, sizes that overflow.
 * STATUS_NOT_FOUND when there is no such file; pickle-based files are refused by name. */
Status safetensors_open(const char *path, Safetensors **out);

/* Opens the shards that DIR/model.safetensors.index.json lists: {"metadata": {...},
 * "weight_map": {tensor: file}}, the files plain names in DIR. STATUS_NOT_FOUND when
 * there is no index; STATUS_DAMAGED with the index, the shard and the tensor when a shard
 * is missing or damaged, a tensor is not in its shard, or is in two. Tensors of the
 * shards that the index does not name belong to the view. total_size is not compared:
 * writers do not agree on what it counts. */
Status safetensors_open_shards(const char *dir, Safetensors **out);

/* The weights of a model folder: its model.safetensors or else its shards. */
Status safetensors_open_model(const char *dir, Safetensors **out);

void safetensors_close(Safetensors *file); /* NULL is fine */

/* Everything below borrows from the file until it is closed. Tensors are numbered in the
 * order of their bytes, shards by name. A tensor's `data` lies as the file has it,
 * perhaps at an address that its type may not have (old writers do not pad): use one of
 * the calls below, or memcpy. */
size_t safetensors_size(const Safetensors *file);
const Tensor *safetensors_at(const Safetensors *file, size_t index);       /* or NULL */
const Tensor *safetensors_find(const Safetensors *file, const char *name); /* or NULL */

/* A text of the header; of shards: of the first that has it. Or NULL. */
const char *safetensors_metadata(const Safetensors *file, const char *key);

/* The data of tensor `name`, aligned, which must have this type and shape; STATUS_DAMAGED
 * naming the tensor and both shapes (both types) otherwise. `dims` may be NULL for rank
 * 0. One thread at a time: data at odd addresses is copied when first asked for. */
Status safetensors_get(const Safetensors *file, const char *name, TensorType type,
                       int rank, const size_t *dims, const void **out);

/* The same for weights: F32, and every number finite (else the tensor and the index of
 * the first that is not). */
Status safetensors_f32(const Safetensors *file, const char *name, int rank,
                       const size_t *dims, const float **out);

/* The same for weights of any float type, copied into `out`: F32, F16 and BF16 exactly,
 * F64 rounded to the nearest; also refused is what is too large for a float. On failure
 * `out` may have been written to. Threads may copy side by side. */
Status safetensors_copy_f32(const Safetensors *file, const char *name, int rank,
                            const size_t *dims, float *out);

/* Whether safetensors_copy_f32 would find tensor `name` with this shape and a float type;
 * its numbers are not looked at. For checking a whole model before memory is set aside.
 */
Status safetensors_check_f32(const Safetensors *file, const char *name, int rank,
                             const size_t *dims);

/* Writes tensors in the given order; the same input gives the same bytes. The arrays are
 * streamed to a temporary file beside `path`, synced and renamed: `path` is complete or
 * as it was. `metadata` holds n_metadata pairs key, value; NULL for none. */
Status safetensors_write(const char *path, const Tensor *tensors, size_t n,
                         const char *const (*metadata)[2], size_t n_metadata);

#endif
