/* Reading and writing safetensors; JSON comes from base/json. */
#include "base/safetensors.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors are little-endian, and so must we be");

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100 * 1000 * 1000, MAX_TENSORS = 100000 };

static const struct {
    const char *name;
    size_t size;
} TYPES[] = {
    [TENSOR_F64] = {"F64", 8},   [TENSOR_F32] = {"F32", 4}, [TENSOR_F16] = {"F16", 2},
    [TENSOR_BF16] = {"BF16", 2}, [TENSOR_I64] = {"I64", 8}, [TENSOR_I32] = {"I32", 4},
    [TENSOR_U8] = {"U8", 1},
};
enum { N_TYPES = sizeof TYPES / sizeof TYPES[0] };

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

/* ---- reading ---- */

/* A tensor and where its bytes lie in the data part. */
typedef struct Entry {
    Tensor tensor;
    uint64_t begin, end;
    void *aligned; /* a copy for data that lies at an odd place; usually NULL */
} Entry;

struct Safetensors {
    char *path;
    Json *header;
    Entry *entries; /* in the order of their bytes */
    size_t n;
    const Entry **by_name;
    unsigned char *data;
    size_t n_data;
};

static Status damaged(const char *path, const char *what)
{
    status_set(STATUS_DAMAGED, "%s: %s", path, what);
    status_hint("the file is not a complete safetensors file; take another checkpoint");
    return STATUS_DAMAGED;
}

static Status read_failed(const char *path)
{
    int error = errno;
    Status code = error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND
                  : error == EACCES || error == EPERM ? STATUS_DENIED
                                                      : STATUS_DAMAGED;
    return status_set(code, "%s: %s", path, strerror(error));
}

static Status read_exactly(int fd, const char *path, void *to, size_t n, size_t offset)
{
    unsigned char *p = to;
    for (size_t have = 0; have < n;) {
        ssize_t got = pread(fd, p + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return read_failed(path);
        }
        if (got == 0) {
            return status_set(STATUS_DAMAGED, "%s: ends at offset %zu while being read",
                              path, offset + have);
        }
        have += (size_t)got;
    }
    return STATUS_OK;
}

/* Why the length field cannot be one. Files that run code when they are opened are told
 * apart by their first bytes; as a length those would be far beyond any file. */
static Status refuse_length(const char *path, const unsigned char *head, uint64_t length,
                            size_t n_file)
{
    bool zip = memcmp(head, "PK\3\4", 4) == 0;
    if (!zip && !(head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)) {
        return status_set(STATUS_DAMAGED,
                          "%s: offset 0: the header claims %llu bytes, the file has %zu",
                          path, (unsigned long long)length, n_file);
    }
    status_set(STATUS_DAMAGED, "%s: a %s, expected safetensors", path,
               zip ? "zip archive (PyTorch's .pt and .bin)" : "pickle");
    status_hint("such files execute code when opened and are never read; convert it to "
                "safetensors first");
    return STATUS_DAMAGED;
}

static Status entry_failed(const Safetensors *file, const char *name, const char *what)
{
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\": %s", file->path, name, what);
}

static Status parse_shape(const Safetensors *file, const Json *shape, Tensor *tensor,
                          uint64_t *n_bytes)
{
    size_t rank = json_size(shape);
    if (json_type(shape) != JSON_ARRAY || rank > TENSOR_MAX_RANK) {
        return entry_failed(file, tensor->name, "shape is no list of at most 8 sizes");
    }
    tensor->rank = (int)rank;
    uint64_t bytes = TYPES[tensor->type].size;
    for (size_t i = 0; i < rank; i++) {
        const Json *dim = json_at(shape, i);
        int64_t size = json_int(dim, -1);
        if (json_type(dim) != JSON_INT || size < 0) {
            return entry_failed(file, tensor->name,
                                "a size in shape is negative or no "
                                "whole number");
        }
        if (__builtin_mul_overflow(bytes, (uint64_t)size, &bytes)) {
            return entry_failed(file, tensor->name, "the product of its sizes overflows");
        }
        tensor->dims[i] = (size_t)size;
    }
    *n_bytes = bytes;
    return STATUS_OK;
}

static Status parse_type(const Safetensors *file, const Json *dtype, Tensor *tensor)
{
    const char *name = json_string(dtype);
    for (int i = 0; name && i < N_TYPES; i++) {
        if (strcmp(name, TYPES[i].name) == 0) {
            tensor->type = (TensorType)i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\": dtype %s is not known",
                      file->path, tensor->name, name ? name : "(missing)");
}

static Status parse_entry(const Safetensors *file, const char *name, const Json *value,
                          Entry *entry)
{
    Tensor *tensor = &entry->tensor;
    tensor->name = name;
    if (json_type(value) != JSON_OBJECT) {
        return entry_failed(file, name, "its header entry is no object");
    }
    TRY(parse_type(file, json_get(value, "dtype"), tensor));
    uint64_t n_bytes = 0;
    TRY(parse_shape(file, json_get(value, "shape"), tensor, &n_bytes));

    const Json *offsets = json_get(value, "data_offsets");
    int64_t begin = json_int(json_at(offsets, 0), -1);
    int64_t end = json_int(json_at(offsets, 1), -1);
    if (json_type(offsets) != JSON_ARRAY || json_size(offsets) != 2 || begin < 0 ||
        end < begin) {
        return entry_failed(file, name, "data_offsets are no range");
    }
    if ((uint64_t)end > file->n_data) {
        return status_set(STATUS_DAMAGED,
                          "%s: tensor \"%s\": bytes %lld to %lld, but the file has %zu "
                          "bytes of data",
                          file->path, name, (long long)begin, (long long)end,
                          file->n_data);
    }
    if ((uint64_t)(end - begin) != n_bytes) {
        return status_set(STATUS_DAMAGED,
                          "%s: tensor \"%s\": its shape takes %llu bytes, its offsets "
                          "%lld to %lld hold %lld",
                          file->path, name, (unsigned long long)n_bytes, (long long)begin,
                          (long long)end, (long long)(end - begin));
    }
    entry->begin = (uint64_t)begin;
    entry->end = (uint64_t)end;
    return STATUS_OK;
}

/* By place, empty tensors before the one that begins where they lie. */
static int compare_places(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return strcmp(x->tensor.name, y->tensor.name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const Entry *const *)a)->tensor.name,
                  (*(const Entry *const *)b)->tensor.name);
}

static Status check_places(const Safetensors *file)
{
    uint64_t expected = 0;
    for (size_t i = 0; i < file->n; i++) {
        const Entry *entry = &file->entries[i];
        if (entry->begin != expected) {
            return status_set(
                STATUS_DAMAGED, "%s: tensor \"%s\" begins at %llu, %s %llu", file->path,
                entry->tensor.name, (unsigned long long)entry->begin,
                entry->begin < expected ? "inside the one before it, which ends at"
                                        : "leaving a gap after",
                (unsigned long long)expected);
        }
        expected = entry->end;
    }
    if (expected != file->n_data) {
        return status_set(STATUS_DAMAGED,
                          "%s: %llu bytes of tensors, but %zu bytes of data", file->path,
                          (unsigned long long)expected, file->n_data);
    }
    return STATUS_OK;
}

static Status check_metadata(const Safetensors *file, const Json *metadata)
{
    const Json *value;
    for (size_t i = 0; i < json_size(metadata); i++) {
        json_key(metadata, i, &value);
        if (json_type(value) != JSON_STRING) {
            return damaged(file->path, "__metadata__ holds something else than texts");
        }
    }
    return json_type(metadata) == JSON_OBJECT ? STATUS_OK
                                              : damaged(file->path, "__metadata__ is no "
                                                                    "object");
}

static Status parse_header(Safetensors *file)
{
    size_t n = json_size(file->header);
    if (json_type(file->header) != JSON_OBJECT) {
        return damaged(file->path, "the header is no JSON object");
    }
    if (n > MAX_TENSORS) {
        return damaged(file->path, "more than 100000 tensors");
    }
    file->entries = mem_zalloc(n, sizeof *file->entries);
    for (size_t i = 0; i < n; i++) {
        const Json *value;
        const char *name = json_key(file->header, i, &value);
        if (strcmp(name, "__metadata__") == 0) {
            TRY(check_metadata(file, value));
        } else {
            TRY(parse_entry(file, name, value, &file->entries[file->n]));
            file->n++;
        }
    }
    if (file->n > 1) {
        qsort(file->entries, file->n, sizeof *file->entries, compare_places);
    }
    return check_places(file);
}

/* Points every tensor at its bytes and sorts the names for look-ups. */
static void index_entries(Safetensors *file)
{
    file->by_name = mem_alloc(file->n, sizeof(Entry *));
    for (size_t i = 0; i < file->n; i++) {
        Entry *entry = &file->entries[i];
        size_t size = TYPES[entry->tensor.type].size;
        const unsigned char *bytes = file->data + entry->begin;
        if ((uintptr_t)bytes % size != 0) {
            entry->aligned = mem_alloc(entry->end - entry->begin, 1);
            memcpy(entry->aligned, bytes, entry->end - entry->begin);
            bytes = entry->aligned;
        }
        entry->tensor.data = bytes;
        file->by_name[i] = entry;
    }
    if (file->n > 1) {
        qsort(file->by_name, file->n, sizeof *file->by_name, compare_names);
    }
}

static Status read_header(Safetensors *file, int fd, size_t n_file)
{
    unsigned char head[LENGTH_BYTES];
    if (n_file < LENGTH_BYTES) {
        return status_set(STATUS_DAMAGED,
                          "%s: %zu bytes, too short for a safetensors file", file->path,
                          n_file);
    }
    TRY(read_exactly(fd, file->path, head, sizeof head, 0));
    uint64_t n_header;
    memcpy(&n_header, head, sizeof n_header);
    if (n_header > HEADER_LIMIT || n_header > n_file - LENGTH_BYTES) {
        return refuse_length(file->path, head, n_header, n_file);
    }
    file->n_data = n_file - LENGTH_BYTES - (size_t)n_header;
    char *header = mem_alloc((size_t)n_header, 1);
    Status status = read_exactly(fd, file->path, header, (size_t)n_header, LENGTH_BYTES);
    if (status == STATUS_OK) {
        status = json_parse((Text){header, (size_t)n_header}, file->path, STATUS_DAMAGED,
                            &file->header);
    }
    free(header);
    return status;
}

static Status read_file(Safetensors *file, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return read_failed(file->path);
    }
    if (!S_ISREG(st.st_mode)) {
        return status_set(STATUS_DAMAGED, "%s: is no regular file", file->path);
    }
    size_t n_file = (size_t)st.st_size;
    TRY(read_header(file, fd, n_file));
    TRY(parse_header(file));
    file->data = mem_zalloc_aligned(file->n_data, 1);
    TRY(read_exactly(fd, file->path, file->data, file->n_data, n_file - file->n_data));
    index_entries(file);
    return STATUS_OK;
}

Status safetensors_open(const char *path, Safetensors **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return read_failed(path);
    }
    Safetensors *file = mem_zalloc(1, sizeof *file);
    file->path = mem_strdup(path);
    Status status = read_file(file, fd);
    close(fd);
    if (status != STATUS_OK) {
        safetensors_close(file);
        return status;
    }
    *out = file;
    return STATUS_OK;
}

void safetensors_close(Safetensors *file)
{
    if (!file) {
        return;
    }
    for (size_t i = 0; i < file->n; i++) {
        free(file->entries[i].aligned);
    }
    free(file->entries);
    free(file->by_name);
    json_free(file->header);
    free(file->data);
    free(file->path);
    free(file);
}

size_t safetensors_size(const Safetensors *file)
{
    return file->n;
}

const Tensor *safetensors_at(const Safetensors *file, size_t index)
{
    return index < file->n ? &file->entries[index].tensor : NULL;
}

const Tensor *safetensors_find(const Safetensors *file, const char *name)
{
    Entry key = {.tensor = {.name = name}};
    const Entry *wanted = &key;
    const Entry **found =
        bsearch(&wanted, file->by_name, file->n, sizeof *file->by_name, compare_names);
    return found ? &(*found)->tensor : NULL;
}

const char *safetensors_metadata(const Safetensors *file, const char *key)
{
    return json_string(json_get(json_get(file->header, "__metadata__"), key));
}

static char *shape_text(int rank, const size_t *dims)
{
    StrBuf text = {0};
    strbuf_add_char(&text, '[');
    for (int i = 0; i < rank; i++) {
        strbuf_printf(&text, "%s%zu", i ? ", " : "", dims[i]);
    }
    strbuf_add_char(&text, ']');
    return strbuf_take(&text);
}

static bool same_shape(const Tensor *tensor, int rank, const size_t *dims)
{
    bool same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) {
        same = tensor->dims[i] == dims[i];
    }
    return same;
}

Status safetensors_get(const Safetensors *file, const char *name, TensorType type,
                       int rank, const size_t *dims, const void **out)
{
    const Tensor *tensor = safetensors_find(file, name);
    if (!tensor) {
        return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is missing", file->path,
                          name);
    }
    if (tensor->type != type) {
        return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" is %s, expected %s",
                          file->path, name, TYPES[tensor->type].name, TYPES[type].name);
    }
    if (!same_shape(tensor, rank, dims)) {
        char *found = shape_text(tensor->rank, tensor->dims);
        char *expected = shape_text(rank, dims);
        status_set(STATUS_DAMAGED, "%s: tensor \"%s\" has shape %s, expected %s",
                   file->path, name, found, expected);
        free(found);
        free(expected);
        return STATUS_DAMAGED;
    }
    *out = tensor->data;
    return STATUS_OK;
}

Status safetensors_f32(const Safetensors *file, const char *name, int rank,
                       const size_t *dims, const float **out)
{
    const void *data;
    TRY(safetensors_get(file, name, TENSOR_F32, rank, dims, &data));
    const float *x = data;
    size_t n = tensor_count(safetensors_find(file, name));
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return status_set(STATUS_DAMAGED, "%s: tensor \"%s\" holds %s at index %zu",
                              file->path, name, isnan(x[i]) ? "NaN" : "infinity", i);
        }
    }
    *out = x;
    return STATUS_OK;
}

/* ---- writing ---- */

static void header_entry(JsonWriter *w, const Tensor *tensor, uint64_t begin,
                         uint64_t end)
{
    json_write_key(w, tensor->name);
    json_begin_object(w);
    json_write_key(w, "dtype");
    json_write_string(w, TYPES[tensor->type].name);
    json_write_key(w, "shape");
    json_begin_array(w);
    for (int i = 0; i < tensor->rank; i++) {
        json_write_int(w, (int64_t)tensor->dims[i]);
    }
    json_end_array(w);
    json_write_key(w, "data_offsets");
    json_begin_array(w);
    json_write_int(w, (int64_t)begin);
    json_write_int(w, (int64_t)end);
    json_end_array(w);
    json_end_object(w);
}

/* The length field and the header, padded with spaces so that the data is aligned. */
static void build_header(const Tensor *tensors, size_t n,
                         const char *const (*metadata)[2], size_t n_metadata, StrBuf *out)
{
    StrBuf json = {0};
    JsonWriter w = json_writer(&json, 0);
    json_begin_object(&w);
    if (n_metadata > 0) {
        json_write_key(&w, "__metadata__");
        json_begin_object(&w);
        for (size_t i = 0; i < n_metadata; i++) {
            json_write_key(&w, metadata[i][0]);
            json_write_string(&w, metadata[i][1]);
        }
        json_end_object(&w);
    }
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t end = at + tensor_count(&tensors[i]) * TYPES[tensors[i].type].size;
        header_entry(&w, &tensors[i], at, end);
        at = end;
    }
    json_end_object(&w);
    while (json.n % LENGTH_BYTES != 0) {
        strbuf_add_char(&json, ' ');
    }
    uint64_t n_header = json.n;
    strbuf_add(out, &n_header, sizeof n_header);
    strbuf_add(out, json.p, json.n);
    strbuf_free(&json);
}

static Status write_failed(const char *path, size_t needed)
{
    int error = errno;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
        return status_set(STATUS_FAILED, "%s: %s (%zu bytes needed, %llu free)", path,
                          strerror(error), needed, (unsigned long long)disk_free(path));
    }
    Status code = error == ENOENT || error == ENOTDIR                   ? STATUS_NOT_FOUND
                  : error == EACCES || error == EPERM || error == EROFS ? STATUS_DENIED
                                                                        : STATUS_FAILED;
    return status_set(code, "%s: %s", path, strerror(error));
}

static Status write_bytes(int fd, const char *path, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return write_failed(path, n);
        }
        p += written;
        n -= (size_t)written;
    }
    return STATUS_OK;
}

static Status write_file(int fd, const char *path, const Tensor *tensors, size_t n,
                         const StrBuf *header)
{
    TRY(write_bytes(fd, path, header->p, header->n));
    for (size_t i = 0; i < n; i++) {
        size_t bytes = tensor_count(&tensors[i]) * TYPES[tensors[i].type].size;
        TRY(write_bytes(fd, path, tensors[i].data, bytes));
    }
    return fsync(fd) == 0 ? STATUS_OK : write_failed(path, 0);
}

static Status sync_folder_of(const char *path)
{
    size_t n = (size_t)(path_base(path) - path);
    char *dir = n > 0 ? mem_strndup(path, n) : mem_strdup(".");
    Status status = dir_sync(dir);
    free(dir);
    return status;
}

Status safetensors_write(const char *path, const Tensor *tensors, size_t n,
                         const char *const (*metadata)[2], size_t n_metadata)
{
    char *aside = mem_printf("%s.tmp.%ld", path, (long)getpid());
    StrBuf header = {0};
    build_header(tensors, n, metadata, n_metadata, &header);
    Status status;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        status = write_failed(path, 0);
        goto done;
    }
    status = write_file(fd, path, tensors, n, &header);
    if (close(fd) != 0 && status == STATUS_OK) {
        status = write_failed(path, 0);
    }
    if (status == STATUS_OK && rename(aside, path) != 0) {
        status = write_failed(path, 0);
    }
    if (status != STATUS_OK) {
        unlink(aside);
        goto done;
    }
    status = sync_folder_of(path);
done:
    strbuf_free(&header);
    free(aside);
    return status;
}
