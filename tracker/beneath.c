/* The walk, and what is done at its end. */
#include "tracker/beneath.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tracker/http_target.h"
#include "tracker/names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DECODINGS = 8, DEEPEST = 256, NAME_LENGTH = 4000 };

static const char ASIDE[] = ".muster-upload-";

/* ---- names ---- */

/* Full-width forms of dot, slash and backslash, and the other dots and slashes that
 * Unicode's compatibility mapping turns into ours. */
static bool is_disguised(uint32_t code)
{
    static const uint32_t CODES[] = {0x2024, 0x2025, 0x2026, 0x2044, 0x2215, 0x29f8,
                                     0xfe52, 0xfe68, 0xff0e, 0xff0f, 0xff3c};
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        if (CODES[i] == code) {
            return true;
        }
    }
    return false;
}

static bool characters_are_fine(const char *name)
{
    Text rest = text_of(name);
    while (rest.n > 0) {
        uint32_t code;
        size_t n = utf8_decode(rest, &code);
        if (n == 0 || code < 0x20 || code == 0x7f || code == '\\' || code == '#' ||
            is_disguised(code)) {
            return false;
        }
        rest.p += n;
        rest.n -= n;
    }
    return true;
}

/* "..;x" is a parent to some servers, ". " and "..." to some file systems. */
static bool component_is_fine(const char *part, size_t n)
{
    const char *semicolon = memchr(part, ';', n);
    size_t end = semicolon ? (size_t)(semicolon - part) : n;
    for (size_t i = 0; i < end; i++) {
        if (part[i] != '.' && part[i] != ' ') {
            return n <= NAME_MAX;
        }
    }
    return false;
}

static bool has_scheme(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-."
                            "0123456789");
    return n > 0 && name[n] == ':' && (n == 1 || name[n + 1] == '/');
}

static bool layer_is_fine(const char *name)
{
    if (!characters_are_fine(name) || has_scheme(name)) {
        return false;
    }
    int depth = 0;
    for (const char *part = name;; depth++) {
        size_t n = strcspn(part, "/");
        if (!component_is_fine(part, n) || depth >= DEEPEST) {
            return false;
        }
        if (!part[n]) {
            return true;
        }
        part += n + 1;
    }
}

bool beneath_name_is_fine(const char *name)
{
    if (strlen(name) > NAME_LENGTH) {
        return false;
    }
    char *layer = mem_strdup(name);
    bool fine = layer_is_fine(layer);
    for (int i = 0; i < DECODINGS && fine; i++) {
        bool wrong = false;
        char *next = http_decode(text_of(layer), false, &wrong);
        bool stable = strcmp(next, layer) == 0;
        free(layer);
        layer = next;
        fine = !wrong && layer_is_fine(layer) && (stable || i + 1 < DECODINGS);
        if (stable) {
            break;
        }
    }
    free(layer);
    return fine;
}

static Status refuse_name(void)
{
    return status_set(STATUS_USAGE, "Invalid path");
}

static Status failed(const char *name)
{
    int error = errno;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
        return status_set(STATUS_NOT_FOUND, "there is no artifact '%s'", name);
    case EISDIR:
        return status_set(STATUS_USAGE, "artifact '%s' is a folder", name);
    default:
        return status_set(STATUS_FAILED, "artifact '%s': %s", name, strerror(error));
    }
}

/* ---- the walk ---- */

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

/* The folder that holds the last component of `name`, or -1; *last points to it in
 * `name`. Missing folders are made when `make`. */
static int open_parent(const char *root, const char *name, bool make, const char **last)
{
    if (make && dir_make(root) != STATUS_OK) {
        return -1;
    }
    int dir = open(root, DIRECTORY);
    const char *part = name;
    for (const char *slash; dir >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
        char *component = mem_strndup(part, (size_t)(slash - part));
        if (make) {
            mkdirat(dir, component, 0755); /* the open below says what is wrong */
        }
        int next = openat(dir, component, DIRECTORY | O_NOFOLLOW);
        int error = errno;
        free(component);
        close(dir);
        dir = next;
        errno = error;
    }
    *last = part;
    return dir;
}

/* Non-blocking, so that a pipe somebody put there holds nothing up. */
static int open_last(int dir, const char *last, struct stat *st)
{
    int fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

Status beneath_open(const char *root, const char *name, BeneathFile *out)
{
    if (!beneath_name_is_fine(name)) {
        return refuse_name();
    }
    const char *last;
    struct stat st;
    int dir = open_parent(root, name, false, &last);
    if (dir < 0) {
        return failed(name);
    }
    int fd = open_last(dir, last, &st);
    int error = errno;
    close(dir);
    errno = error;
    if (fd < 0) {
        return failed(name);
    }
    *out = (BeneathFile){fd, (uint64_t)st.st_size, st.st_mtim};
    return STATUS_OK;
}

/* ---- listing ---- */

static int compare_artifacts(const void *a, const void *b)
{
    return strcmp(((const Artifact *)a)->path, ((const Artifact *)b)->path);
}

static void add_entry(int dir, const char *entry, Artifacts *out)
{
    struct stat st;
    if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0 ||
        strncmp(entry, ASIDE, strlen(ASIDE)) == 0 ||
        fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        return;
    }
    bool is_dir = S_ISDIR(st.st_mode);
    out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
    out->items[out->n++] =
        (Artifact){mem_strdup(entry), is_dir, is_dir ? 0 : (int64_t)st.st_size};
}

static int open_folder(const char *root, const char *name)
{
    if (!*name) {
        return open(root, DIRECTORY);
    }
    const char *last;
    int parent = open_parent(root, name, false, &last);
    if (parent < 0) {
        return -1;
    }
    int dir = openat(parent, last, DIRECTORY | O_NOFOLLOW);
    close(parent);
    return dir;
}

Status beneath_list(const char *root, const char *name, Artifacts *out)
{
    if (*name && !beneath_name_is_fine(name)) {
        return refuse_name();
    }
    int dir = open_folder(root, name);
    DIR *stream = dir >= 0 ? fdopendir(dir) : NULL;
    if (!stream) {
        return STATUS_OK;
    }
    for (struct dirent *entry; (entry = readdir(stream));) {
        add_entry(dir, entry->d_name, out);
    }
    closedir(stream);
    if (out->n > 0) {
        qsort(out->items, out->n, sizeof *out->items, compare_artifacts);
    }
    return STATUS_OK;
}

/* ---- removing ---- */

static void remove_below(int dir, const char *entry, int depth)
{
    if (unlinkat(dir, entry, 0) == 0 || errno == ENOENT || depth > DEEPEST) {
        return;
    }
    int inner = openat(dir, entry, DIRECTORY | O_NOFOLLOW);
    DIR *stream = inner >= 0 ? fdopendir(inner) : NULL;
    if (stream) {
        for (struct dirent *below; (below = readdir(stream));) {
            if (strcmp(below->d_name, ".") != 0 && strcmp(below->d_name, "..") != 0) {
                remove_below(inner, below->d_name, depth + 1);
            }
        }
        closedir(stream);
    }
    unlinkat(dir, entry, AT_REMOVEDIR);
}

Status beneath_remove(const char *root, const char *name)
{
    if (!beneath_name_is_fine(name)) {
        return refuse_name();
    }
    const char *last;
    int dir = open_parent(root, name, false, &last);
    if (dir < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? STATUS_OK
                                                                     : failed(name);
    }
    remove_below(dir, last, 0);
    struct stat st;
    bool left = fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(dir);
    return left ? status_set(STATUS_FAILED, "artifact '%s' could not be removed", name)
                : STATUS_OK;
}

/* ---- receiving ---- */

Status upload_begin(const char *root, const char *name, Upload **out)
{
    if (!beneath_name_is_fine(name)) {
        return refuse_name();
    }
    const char *last;
    int dir = open_parent(root, name, true, &last);
    if (dir < 0) {
        return errno == ENOTDIR || errno == ELOOP
                   ? status_set(STATUS_USAGE, "artifact '%s': a part of it is a file",
                                name)
                   : failed(name);
    }
    char id[RUN_ID_CAP];
    run_id_make(id);
    char *aside = mem_printf("%s%s", ASIDE, id);
    int fd =
        openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        Status status = failed(name);
        free(aside);
        close(dir);
        return status;
    }
    Upload *upload = mem_alloc(1, sizeof *upload);
    *upload = (Upload){dir, fd, aside, mem_strdup(last)};
    *out = upload;
    return STATUS_OK;
}

static void upload_free(Upload *upload)
{
    close(upload->dir);
    free(upload->aside);
    free(upload->name);
    free(upload);
}

void upload_abort(Upload *upload)
{
    if (upload) {
        close(upload->fd);
        unlinkat(upload->dir, upload->aside, 0);
        upload_free(upload);
    }
}

Status upload_finish(Upload *upload)
{
    bool ok = fchmod(upload->fd, 0644) == 0 && fsync(upload->fd) == 0 &&
              renameat(upload->dir, upload->aside, upload->dir, upload->name) == 0 &&
              fsync(upload->dir) == 0;
    Status status = ok ? STATUS_OK : failed(upload->name);
    if (!ok) {
        upload_abort(upload);
        return status;
    }
    close(upload->fd);
    upload_free(upload);
    return STATUS_OK;
}
