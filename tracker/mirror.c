/* File by file: written aside, with the original's time, then renamed. */
#include "tracker/mirror.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 18, DEEPEST = 64 };

static Status failed(const char *path)
{
    Status code = errno == EACCES || errno == EROFS ? STATUS_DENIED : STATUS_FAILED;
    return status_set(code, "%s: %s", path, strerror(errno));
}

static Status copy_bytes(int in, int out, const char *from, const char *to)
{
    char *chunk = mem_alloc(CHUNK, 1);
    ssize_t n;
    Status status = STATUS_OK;
    while (status == STATUS_OK && (n = read(in, chunk, CHUNK)) != 0) {
        if (n < 0) {
            status = failed(from);
        }
        for (ssize_t done = 0; status == STATUS_OK && done < n;) {
            ssize_t written = write(out, chunk + done, (size_t)(n - done));
            status = written < 0 ? failed(to) : STATUS_OK;
            done += written;
        }
    }
    free(chunk);
    return status;
}

static Status copy_to_new(int in, const struct stat *st, const char *from, const char *to)
{
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (out < 0) {
        return failed(to);
    }
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    Status status = copy_bytes(in, out, from, to);
    if (status == STATUS_OK && (futimens(out, times) != 0 || fsync(out) != 0)) {
        status = failed(to);
    }
    if (close(out) != 0 && status == STATUS_OK) {
        status = failed(to);
    }
    return status;
}

static Status copy_file(const char *from, const struct stat *st, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0) {
        return failed(from);
    }
    char *aside = mem_printf("%s.muster-new", to);
    Status status = copy_to_new(in, st, from, aside);
    if (status == STATUS_OK && rename(aside, to) != 0) {
        status = failed(to);
    }
    if (status != STATUS_OK) {
        unlink(aside);
    }
    close(in);
    free(aside);
    return status;
}

static bool is_there(const struct stat *st, const char *to)
{
    struct stat other;
    return lstat(to, &other) == 0 && S_ISREG(other.st_mode) &&
           other.st_size == st->st_size && other.st_mtim.tv_sec == st->st_mtim.tv_sec &&
           other.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

static Status mirror(const char *from, const char *to, int depth, size_t *n_copied);

static Status mirror_entry(const char *from, const char *to, int depth, size_t *n_copied)
{
    struct stat st;
    if (lstat(from, &st) != 0) {
        return errno == ENOENT ? STATUS_OK : failed(from); /* just removed */
    }
    if (S_ISDIR(st.st_mode)) {
        return depth < DEEPEST ? mirror(from, to, depth + 1, n_copied) : STATUS_OK;
    }
    if (!S_ISREG(st.st_mode) || is_there(&st, to)) {
        return STATUS_OK;
    }
    TRY(copy_file(from, &st, to));
    ++*n_copied;
    return STATUS_OK;
}

static Status mirror(const char *from, const char *to, int depth, size_t *n_copied)
{
    StrList names = {0};
    Status status = dir_list(from, &names);
    if (status == STATUS_OK) {
        status = dir_make(to);
    }
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *inner = path_join(from, names.items[i]);
        char *copy = path_join(to, names.items[i]);
        status = mirror_entry(inner, copy, depth, n_copied);
        free(inner);
        free(copy);
    }
    strlist_free(&names);
    return status;
}

Status tree_mirror(const char *from, const char *to, size_t *n_copied)
{
    return dir_exists(from) ? mirror(from, to, 0, n_copied) : STATUS_OK;
}

Status file_or_tree_mirror(const char *from, const char *to, size_t *n_copied)
{
    const char *base = path_base(to);
    char *parent = base == to ? NULL : mem_strndup(to, (size_t)(base - to));
    Status status = parent ? dir_make(parent) : STATUS_OK;
    free(parent);
    return status == STATUS_OK ? mirror_entry(from, to, 0, n_copied) : status;
}
