/* Writing spool files, and setting them aside. */
#include "tracker/spool.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "tracker/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_MS = 1000 /* who holds the lock only renames or writes a block */
};

static const char ASIDE_PREFIX[] = "muster-spool-", SUFFIX[] = ".jsonl";

void spool_init(Spool *spool, const char *result_dir, const char *store_uri,
                const char *run_id)
{
    *spool = (Spool){.dir = mem_strdup(result_dir),
                     .path = path_join(result_dir, SPOOL_NAME),
                     .store_uri = mem_strdup(store_uri),
                     .run_id = mem_strdup(run_id)};
}

void spool_free(Spool *spool)
{
    free(spool->dir);
    free(spool->path);
    free(spool->store_uri);
    free(spool->run_id);
    *spool = (Spool){0};
}

/* ---- lines ---- */

static void write_text(JsonWriter *w, const char *key, const char *value)
{
    if (value) {
        json_write_key(w, key);
        json_write_string(w, value);
    }
}

void spool_format(StrBuf *lines, const LogItem *item)
{
    static const char *const KINDS[] = {
        [ITEM_METRIC] = "metric",   [ITEM_PARAM] = "param", [ITEM_TAG] = "tag",
        [ITEM_DATASET] = "dataset", [ITEM_END] = "end",
    };
    JsonWriter w = json_writer(lines, 0);
    json_begin_object(&w);
    write_text(&w, "kind", KINDS[item->kind]);
    write_text(&w, "key", item->key);
    write_text(&w, "text", item->text);
    if (item->kind == ITEM_METRIC) {
        json_write_key(&w, "value");
        json_write_double(&w, item->value);
        json_write_key(&w, "step");
        json_write_int(&w, item->step);
    }
    if (item->kind == ITEM_METRIC || item->kind == ITEM_END) {
        json_write_key(&w, "timestamp");
        json_write_int(&w, item->timestamp);
    }
    if (item->kind == ITEM_END) {
        write_text(&w, "status", run_status_name(item->status));
    }
    write_text(&w, "source", item->source);
    write_text(&w, "profile", item->profile);
    write_text(&w, "context", item->context);
    json_end_object(&w);
    strbuf_add_char(lines, '\n');
}

static void write_header(const Spool *spool, StrBuf *lines)
{
    JsonWriter w = json_writer(lines, 0);
    json_begin_object(&w);
    write_text(&w, "kind", "spool");
    write_text(&w, "store", spool->store_uri);
    write_text(&w, "run_id", spool->run_id);
    json_end_object(&w);
    strbuf_add_char(lines, '\n');
}

/* ---- the lock ---- */

static Status path_failed(const char *path)
{
    Status code = errno == EACCES || errno == EPERM || errno == EROFS ? STATUS_DENIED
                                                                      : STATUS_FAILED;
    return status_set(code, "%s: %s", path, strerror(errno));
}

static bool is_at(int fd, const char *path)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* A file system that does not lock keeps nobody out, and nobody from writing. */
bool spool_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole) == 0 ||
           (errno != EAGAIN && errno != EACCES && errno != EINTR);
}

/* Opens and locks the file that is called `path` then; *fd = -1 when there is none and it
 * is not to be created. The lock goes when the file is closed. */
static Status open_locked(const char *path, int flags, int *fd)
{
    double deadline = clock_seconds() + LOCK_MS / 1000.0;
    for (;;) {
        *fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | flags, 0644);
        if (*fd < 0) {
            return errno == ENOENT && !(flags & O_CREAT) ? STATUS_OK : path_failed(path);
        }
        if (spool_lock(*fd) && is_at(*fd, path)) {
            return STATUS_OK;
        }
        close(*fd);
        if (clock_seconds() > deadline) {
            return status_set(STATUS_DENIED, "%s: held by another process", path);
        }
        nanosleep(&(struct timespec){0, 500000}, NULL);
    }
}

/* ---- appending ---- */

/* What must stand between the end of the file and new lines: a header at its beginning, a
 * newline behind what a killed process left. */
static Status begin_lines(const Spool *spool, int fd, off_t size, StrBuf *out)
{
    char last = '\n';
    if (size == 0) {
        write_header(spool, out);
    } else if (pread(fd, &last, 1, size - 1) != 1) {
        return path_failed(spool->path);
    } else if (last != '\n') {
        strbuf_add_char(out, '\n');
    }
    return STATUS_OK;
}

static Status write_all(int fd, const char *path, Text bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR) {
            return path_failed(path);
        }
        bytes.p += n > 0 ? n : 0;
        bytes.n -= n > 0 ? (size_t)n : 0;
    }
    return STATUS_OK;
}

/* Takes back what a full disk took in part. An empty file would look like waiting lines.
 */
static void take_back(const Spool *spool, int fd, off_t size)
{
    if (ftruncate(fd, size) == 0 && size == 0) {
        unlink(spool->path);
    }
}

Status spool_append_lines(const Spool *spool, Text lines)
{
    int fd;
    TRY(open_locked(spool->path, O_CREAT, &fd));
    off_t size = lseek(fd, 0, SEEK_END);
    StrBuf begin = {0};
    Status status =
        size < 0 ? path_failed(spool->path) : begin_lines(spool, fd, size, &begin);
    if (status == STATUS_OK) {
        status = write_all(fd, spool->path, (Text){begin.p, begin.n});
    }
    if (status == STATUS_OK) {
        status = write_all(fd, spool->path, lines);
    }
    if (status != STATUS_OK && size >= 0) {
        take_back(spool, fd, size);
    }
    strbuf_free(&begin);
    if (close(fd) != 0 && status == STATUS_OK) {
        status = path_failed(spool->path);
    }
    return status;
}

/* ---- setting aside ---- */

bool spool_is_name(const char *name)
{
    size_t n = strlen(name), prefix = sizeof ASIDE_PREFIX - 1, suffix = sizeof SUFFIX - 1;
    return strcmp(name, SPOOL_NAME) == 0 ||
           (n > prefix + suffix && strncmp(name, ASIDE_PREFIX, prefix) == 0 &&
            strcmp(name + n - suffix, SUFFIX) == 0);
}

/* The time, in ns, makes names sort by age; the random digits tell two hosts apart. */
static char *aside_path(const char *dir)
{
    char random[RUN_ID_CAP];
    struct timespec now;
    run_id_make(random);
    clock_gettime(CLOCK_REALTIME, &now);
    return mem_printf("%s/%s%010lld%09ld-%.12s%s", dir, ASIDE_PREFIX,
                      (long long)now.tv_sec, now.tv_nsec, random, SUFFIX);
}

static Status set_aside(const char *dir, const char *path)
{
    int fd;
    TRY(open_locked(path, 0, &fd));
    if (fd < 0) {
        return STATUS_OK;
    }
    char *aside = aside_path(dir);
    struct stat st;
    bool empty =
        fstat(fd, &st) == 0 && st.st_size == 0; /* whoever made it sees it gone */
    Status status =
        (empty ? unlink(path) : rename(path, aside)) == 0 ? STATUS_OK : path_failed(path);
    close(fd);
    free(aside);
    return status;
}

static Status list_waiting(const char *dir, StrList *paths)
{
    StrList names = {0};
    Status status = dir_list(dir, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        if (spool_is_name(names.items[i]) && strcmp(names.items[i], SPOOL_NAME) != 0) {
            char *path = path_join(dir, names.items[i]);
            strlist_add(paths, path);
            free(path);
        }
    }
    strlist_free(&names);
    return status;
}

Status spool_claim(const char *result_dir, StrList *paths)
{
    char *path = path_join(result_dir, SPOOL_NAME);
    Status status = set_aside(result_dir, path);
    free(path);
    return status == STATUS_OK ? list_waiting(result_dir, paths) : status;
}

static Status sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) { /* delivered meanwhile, or never begun */
        return errno == ENOENT ? STATUS_OK : path_failed(path);
    }
    Status status = fsync(fd) == 0 ? STATUS_OK : path_failed(path);
    close(fd);
    return status;
}

Status spool_sync(const Spool *spool)
{
    StrList paths = {0};
    Status status = list_waiting(spool->dir, &paths);
    strlist_add(&paths, spool->path);
    for (size_t i = 0; i < paths.n && status == STATUS_OK; i++) {
        status = sync_file(paths.items[i]);
    }
    strlist_free(&paths);
    return status == STATUS_OK ? dir_sync(spool->dir) : status;
}

bool spool_waits(const char *result_dir)
{
    char *path = path_join(result_dir, SPOOL_NAME);
    bool waits = file_exists(path);
    free(path);
    StrList aside = {0};
    if (!waits && list_waiting(result_dir, &aside) == STATUS_OK) {
        waits = aside.n > 0;
    }
    strlist_free(&aside);
    return waits;
}
