/* Looking up and handing out the tensors of one file or of several as one. */
#include "base/safetensors.h"

#include "base/mem.h"
#include "base/safetensors_view.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

Safetensors *safetensors_view_open(size_t n_files)
{
    Safetensors *view = mem_zalloc(1, sizeof *view);
    view->files = mem_zalloc(n_files, sizeof *view->files);
    view->n_files = n_files;
    return view;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(SafetensorsEntry *const *)a)->tensor.name,
                  (*(SafetensorsEntry *const *)b)->tensor.name);
}

Status safetensors_view_index(Safetensors *view)
{
    for (size_t f = 0; f < view->n_files; f++) {
        view->n += view->files[f].n;
    }
    view->by_place = mem_alloc(view->n, sizeof *view->by_place);
    view->by_name = mem_alloc(view->n, sizeof *view->by_name);
    size_t at = 0;
    for (size_t f = 0; f < view->n_files; f++) {
        for (size_t i = 0; i < view->files[f].n; i++) {
            view->by_place[at++] = &view->files[f].entries[i];
        }
    }
    if (view->n > 0) {
        memcpy(view->by_name, view->by_place, view->n * sizeof *view->by_name);
        qsort(view->by_name, view->n, sizeof *view->by_name, compare_names);
    }
    for (size_t i = 1; i < view->n; i++) {
        const SafetensorsEntry *a = view->by_name[i - 1], *b = view->by_name[i];
        if (strcmp(a->tensor.name, b->tensor.name) == 0) {
            return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is also in %s",
                              a->file->path, a->tensor.name, b->file->path);
        }
    }
    return STATUS_OK;
}

Status safetensors_open(const char *path, Safetensors **out)
{
    Safetensors *view = safetensors_view_open(1);
    Status status = safetensors_file_open(&view->files[0], path);
    if (status == STATUS_OK) {
        status = safetensors_view_index(view);
    }
    if (status != STATUS_OK) {
        safetensors_close(view);
        return status;
    }
    *out = view;
    return STATUS_OK;
}

void safetensors_close(Safetensors *view)
{
    if (!view) {
        return;
    }
    for (size_t f = 0; f < view->n_files; f++) {
        safetensors_file_close(&view->files[f]);
    }
    free(view->files);
    free(view->by_place);
    free(view->by_name);
    free(view);
}

size_t safetensors_size(const Safetensors *view)
{
    return view->n;
}

const Tensor *safetensors_at(const Safetensors *view, size_t index)
{
    return index < view->n ? &view->by_place[index]->tensor : NULL;
}

SafetensorsEntry *safetensors_view_find(const Safetensors *view, const char *name)
{
    SafetensorsEntry key = {.tensor = {.name = name}}, *wanted = &key;
    SafetensorsEntry **found =
        bsearch(&wanted, view->by_name, view->n, sizeof *view->by_name, compare_names);
    return found ? *found : NULL;
}

const Tensor *safetensors_find(const Safetensors *view, const char *name)
{
    SafetensorsEntry *entry = safetensors_view_find(view, name);
    return entry ? &entry->tensor : NULL;
}

const char *safetensors_metadata(const Safetensors *view, const char *key)
{
    const char *value = NULL;
    for (size_t f = 0; f < view->n_files && !value; f++) {
        value =
            json_string(json_get(json_get(view->files[f].header, "__metadata__"), key));
    }
    return value;
}

/* Tensor `name` with this shape, of a file that is as it was. */
static Status find_shaped(const Safetensors *view, const char *name, int rank,
                          const size_t *dims, SafetensorsEntry **out)
{
    SafetensorsEntry *entry = safetensors_view_find(view, name);
    if (!entry) {
        return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is missing",
                          view->files[0].path, name);
    }
    const Tensor *tensor = &entry->tensor;
    if (!tensor_has_shape(tensor, rank, dims)) {
        char *found = tensor_shape_text(tensor->rank, tensor->dims);
        char *expected = tensor_shape_text(rank, dims);
        status_set(STATUS_DAMAGED, "%s: tensor \"%s\" has shape %s, expected %s",
                   entry->file->path, name, found, expected);
        free(found);
        free(expected);
        return STATUS_DAMAGED;
    }
    *out = entry;
    return safetensors_file_unchanged(entry->file);
}

static Status wrong_type(const SafetensorsEntry *entry, const char *expected)
{
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is %s, expected %s",
                      entry->file->path, entry->tensor.name,
                      tensor_type_name(entry->tensor.type), expected);
}

static const void *aligned_data(SafetensorsEntry *entry)
{
    const void *data = entry->tensor.data;
    if ((uintptr_t)data % tensor_type_size(entry->tensor.type) == 0) {
        return data;
    }
    if (!entry->aligned) {
        entry->aligned = mem_alloc(entry->end - entry->begin, 1);
        memcpy(entry->aligned, data, entry->end - entry->begin);
    }
    return entry->aligned;
}

Status safetensors_get(const Safetensors *view, const char *name, TensorType type,
                       int rank, const size_t *dims, const void **out)
{
    SafetensorsEntry *entry;
    TRY(find_shaped(view, name, rank, dims, &entry));
    if (entry->tensor.type != type) {
        return wrong_type(entry, tensor_type_name(type));
    }
    const void *data = aligned_data(entry);
    TRY(safetensors_file_unchanged(entry->file));
    *out = data;
    return STATUS_OK;
}

Status safetensors_f32(const Safetensors *view, const char *name, int rank,
                       const size_t *dims, const float **out)
{
    const void *data;
    TRY(safetensors_get(view, name, TENSOR_F32, rank, dims, &data));
    const SafetensorsEntry *entry = safetensors_view_find(view, name);
    const float *x = data;
    size_t n = tensor_count(&entry->tensor);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" holds %s at index %zu",
                              entry->file->path, name, isnan(x[i]) ? "NaN" : "infinity",
                              i);
        }
    }
    TRY(safetensors_file_unchanged(entry->file));
    *out = x;
    return STATUS_OK;
}

/* Why the number at `index`, which became `x`, is refused. */
static Status not_finite(const SafetensorsEntry *entry, size_t index, float x)
{
    double wide = (double)x;
    if (entry->tensor.type == TENSOR_F64) {
        const char *data = entry->tensor.data;
        memcpy(&wide, data + index * sizeof wide, sizeof wide);
    }
    if (isfinite(wide)) {
        return status_set(STATUS_DAMAGED,
                          "%s: tensor \"%s\" holds %g at index %zu, too large for a "
                          "single precision number",
                          entry->file->path, entry->tensor.name, wide, index);
    }
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" holds %s at index %zu",
                      entry->file->path, entry->tensor.name,
                      isnan(wide) ? "NaN" : "infinity", index);
}

static Status find_floats(const Safetensors *view, const char *name, int rank,
                          const size_t *dims, SafetensorsEntry **out)
{
    TRY(find_shaped(view, name, rank, dims, out));
    return tensor_is_float((*out)->tensor.type)
               ? STATUS_OK
               : wrong_type(*out, "F32, F16, BF16 or F64");
}

Status safetensors_copy_f32(const Safetensors *view, const char *name, int rank,
                            const size_t *dims, float *out)
{
    SafetensorsEntry *entry;
    TRY(find_floats(view, name, rank, dims, &entry));
    size_t finite = tensor_copy_f32(&entry->tensor, out);
    TRY(safetensors_file_unchanged(entry->file));
    return finite == tensor_count(&entry->tensor)
               ? STATUS_OK
               : not_finite(entry, finite, out[finite]);
}

Status safetensors_check_f32(const Safetensors *view, const char *name, int rank,
                             const size_t *dims)
{
    SafetensorsEntry *entry;
    return find_floats(view, name, rank, dims, &entry);
}
