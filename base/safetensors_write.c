/* Writing safetensors: the same tensors give the same bytes. */
#include "base/safetensors.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_ALIGNMENT = 8 };

static void header_entry(JsonWriter *w, const Tensor *tensor, uint64_t begin,
                         uint64_t end)
{
    json_write_key(w, tensor->name);
    json_begin_object(w);
    json_write_key(w, "dtype");
    json_write_string(w, tensor_type_name(tensor->type));
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
        uint64_t end = at + tensor_count(&tensors[i]) * tensor_type_size(tensors[i].type);
        header_entry(&w, &tensors[i], at, end);
        at = end;
    }
    json_end_object(&w);
    while (json.n % HEADER_ALIGNMENT != 0) {
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
        size_t bytes = tensor_count(&tensors[i]) * tensor_type_size(tensors[i].type);
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
