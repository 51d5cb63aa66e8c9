/* Mapping one safetensors file and checking its header; JSON comes from base/json. */
#include "base/safetensors_file.h"

#include "base/files.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "safetensors are little-endian, and so must we be");

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100 * 1000 * 1000, MAX_TENSORS = 100000 };

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

static Status entry_failed(const SafetensorsFile *file, const char *name,
                           const char *what)
{
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\": %s", file->path, name, what);
}

static Status parse_shape(const SafetensorsFile *file, const Json *shape, Tensor *tensor,
                          uint64_t *n_bytes)
{
    size_t rank = json_size(shape);
    if (json_type(shape) != JSON_ARRAY || rank > TENSOR_MAX_RANK) {
        return entry_failed(file, tensor->name, "shape is no list of at most 8 sizes");
    }
    tensor->rank = (int)rank;
    uint64_t bytes = tensor_type_size(tensor->type);
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

static Status parse_type(const SafetensorsFile *file, const Json *dtype, Tensor *tensor)
{
    const char *name = json_string(dtype);
    for (int i = 0; name && i < N_TENSOR_TYPES; i++) {
        if (strcmp(name, tensor_type_name((TensorType)i)) == 0) {
            tensor->type = (TensorType)i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_DAMAGED, "%s: tensor \"%s\": dtype %s is not known",
                      file->path, tensor->name, name ? name : "(missing)");
}

static Status parse_entry(const SafetensorsFile *file, const char *name,
                          const Json *value, SafetensorsEntry *entry)
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
    const SafetensorsEntry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return strcmp(x->tensor.name, y->tensor.name);
}

static Status check_places(const SafetensorsFile *file)
{
    uint64_t expected = 0;
    for (size_t i = 0; i < file->n; i++) {
        const SafetensorsEntry *entry = &file->entries[i];
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

static Status check_metadata(const SafetensorsFile *file, const Json *metadata)
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

static Status parse_header(SafetensorsFile *file)
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

static Status read_header(SafetensorsFile *file)
{
    unsigned char head[LENGTH_BYTES];
    if (file->n_bytes < LENGTH_BYTES) {
        return status_set(STATUS_DAMAGED,
                          "%s: %zu bytes, too short for a safetensors file", file->path,
                          file->n_bytes);
    }
    TRY(read_exactly(file->fd, file->path, head, sizeof head, 0));
    uint64_t n_header;
    memcpy(&n_header, head, sizeof n_header);
    if (n_header > HEADER_LIMIT || n_header > file->n_bytes - LENGTH_BYTES) {
        return refuse_length(file->path, head, n_header, file->n_bytes);
    }
    file->n_data = file->n_bytes - LENGTH_BYTES - (size_t)n_header;
    char *header = mem_alloc((size_t)n_header, 1);
    Status status =
        read_exactly(file->fd, file->path, header, (size_t)n_header, LENGTH_BYTES);
    if (status == STATUS_OK) {
        status = json_parse((Text){header, (size_t)n_header}, file->path, STATUS_DAMAGED,
                            &file->header);
    }
    free(header);
    return status;
}

/* Memory files of the kernel that cannot be mapped are read as well. */
static Status load_bytes(SafetensorsFile *file)
{
    struct statfs fs;
    bool network = fstatfs(file->fd, &fs) != 0 || file_system_is_network(fs.f_type);
    if (!network) {
        void *bytes = mmap(NULL, file->n_bytes, PROT_READ, MAP_PRIVATE, file->fd, 0);
        file->mapped = bytes != MAP_FAILED;
        file->bytes = file->mapped ? bytes : NULL;
    }
    if (!file->mapped) {
        file->bytes = mem_alloc(file->n_bytes, 1);
        return read_exactly(file->fd, file->path, file->bytes, file->n_bytes, 0);
    }
    return STATUS_OK;
}

Status safetensors_file_open(SafetensorsFile *file, const char *path)
{
    file->path = mem_strdup(path);
    /* Without waiting for a writer, should it be a pipe. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &file->opened) != 0) {
        return read_failed(path);
    }
    if (!S_ISREG(file->opened.st_mode)) {
        return status_set(STATUS_DAMAGED, "%s: is no regular file", path);
    }
    file->n_bytes = (size_t)file->opened.st_size;
    TRY(read_header(file));
    TRY(parse_header(file));
    TRY(load_bytes(file));
    for (size_t i = 0; i < file->n; i++) {
        SafetensorsEntry *entry = &file->entries[i];
        entry->file = file;
        entry->tensor.data = file->bytes + (file->n_bytes - file->n_data) + entry->begin;
    }
    return STATUS_OK;
}

void safetensors_file_close(SafetensorsFile *file)
{
    for (size_t i = 0; i < file->n; i++) {
        free(file->entries[i].aligned);
    }
    free(file->entries);
    if (file->mapped) {
        munmap(file->bytes, file->n_bytes);
    } else {
        free(file->bytes);
    }
    if (file->path && file->fd >= 0) {
        close(file->fd);
    }
    json_free(file->header);
    free(file->path);
}

Status safetensors_file_unchanged(const SafetensorsFile *file)
{
    struct stat now;
    const struct stat *then = &file->opened;
    if (fstat(file->fd, &now) != 0) {
        return read_failed(file->path);
    }
    if (now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == then->st_mtim.tv_nsec) {
        return STATUS_OK;
    }
    status_set(STATUS_DAMAGED, "%s: was changed while it was open: %lld bytes, now %lld",
               file->path, (long long)then->st_size, (long long)now.st_size);
    status_hint("write a new file aside and rename it; never write over one in use");
    return STATUS_DAMAGED;
}
