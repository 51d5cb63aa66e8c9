/* Keys, files and locks of the cache. */
#include "data/row_cache.h"

#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/globs.h"
#include "data/tokenize.h"
#include "data/tokenized_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Part of every key: what reading and splitting make of the same bytes. */
static const char KEY_VERSION[] = "muster rows 1";

/* ---- where ---- */

/* $MUSTER_CACHE, $XDG_CACHE_HOME/muster, ~/.cache/muster, or a folder of temporary files
 * of our own. Free with free(). */
static char *default_dir(void)
{
    const char *own = getenv("MUSTER_CACHE");
    const char *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    const char *tmp = getenv("TMPDIR");
    if (own && *own) {
        return mem_strdup(own);
    }
    if (xdg && *xdg == '/') {
        return path_join(xdg, "muster");
    }
    if (home && *home == '/') {
        return path_join(home, ".cache/muster");
    }
    return mem_printf("%s/muster-cache-%u", tmp && *tmp ? tmp : "/tmp",
                      (unsigned)geteuid());
}

/* Bytes of all files; false when one of them cannot be told from another time's. */
static bool total_size(const StrList *files, uint64_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < files->n; i++) {
        struct stat info;
        if (strcmp(files->items[i], "-") == 0 || stat(files->items[i], &info) != 0 ||
            !S_ISREG(info.st_mode)) {
            return false;
        }
        *bytes += (uint64_t)info.st_size;
    }
    return true;
}

static bool wanted(const RowsRequest *request, const StrList *files, char **dir)
{
    const char *cache = request->config->cache ? request->config->cache : "auto";
    bool automatic = strcmp(cache, "auto") == 0;
    uint64_t bytes;
    if (strcmp(cache, "off") == 0 || !total_size(files, &bytes) ||
        (automatic && bytes < ROW_CACHE_MIN_BYTES)) {
        return false;
    }
    *dir = automatic ? default_dir() : mem_strdup(cache);
    return true;
}

bool row_cache_wanted(const RowsRequest *request, char **dir)
{
    StrList files = {0};
    bool yes =
        globs_expand(request->files, &files) == STATUS_OK && wanted(request, &files, dir);
    strlist_free(&files);
    return yes;
}

/* ---- keys ---- */

static void add_text(Sha256 *sha, const char *text)
{
    sha256_add(sha, text ? text : "", (text ? strlen(text) : 0) + 1);
}

static Status add_identity(Sha256 *sha, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return status_set(STATUS_DATA, "%s: %s", path, strerror(errno));
    }
    const int64_t facts[] = {
        (int64_t)info.st_dev,          (int64_t)info.st_ino,
        (int64_t)info.st_size,         (int64_t)info.st_mtim.tv_sec,
        (int64_t)info.st_mtim.tv_nsec, (int64_t)info.st_ctim.tv_sec,
        (int64_t)info.st_ctim.tv_nsec,
    };
    char *absolute = path_absolute(path);
    add_text(sha, absolute);
    free(absolute);
    sha256_add(sha, facts, sizeof facts);
    return STATUS_OK;
}

static Status make_key(const RowsRequest *request, const StrList *files,
                       char key[SHA256_HEX])
{
    const DataConfig *config = request->config;
    char splitter[SHA256_HEX];
    word_splitter_digest(request->splitter, splitter);
    Sha256 *sha = sha256_begin();
    sha256_add(sha, KEY_VERSION, sizeof KEY_VERSION);
    add_text(sha, splitter);
    add_text(sha, config->label);
    add_text(sha, config->group);
    if (config->label_separator) {
        add_text(sha, "label_separator");
        add_text(sha, config->label_separator);
    }
    sha256_add(sha, &config->invalid_utf8, sizeof config->invalid_utf8);
    for (size_t i = 0; i < config->text.n; i++) {
        add_text(sha, config->text.items[i]);
    }
    add_text(sha, "");
    Status status = STATUS_OK;
    for (size_t i = 0; i < files->n && status == STATUS_OK; i++) {
        status = add_identity(sha, files->items[i]);
    }
    sha256_end(sha, key);
    return status;
}

/* ---- locks ---- */

static char *lock_path(const char *path)
{
    return mem_printf("%s.lock", path);
}

int row_cache_lock(const char *path)
{
    char *name = lock_path(path);
    int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    free(name);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        log_note("waiting for another process that prepares the same rows");
        while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    return fd;
}

void row_cache_unlock(const char *path, int lock)
{
    if (lock >= 0) {
        char *name = lock_path(path);
        unlink(name);
        close(lock);
        free(name);
    }
}

/* ---- entries ---- */

static TokenizeRequest tokenize_request(const RowsRequest *request, const StrList *files)
{
    const DataConfig *config = request->config;
    return (TokenizeRequest){
        .files = files,
        .text_columns = &config->text,
        .label = config->label,
        .label_separator = config->label_separator,
        .group = config->group,
        .policy = (InvalidUtf8)config->invalid_utf8,
        .splitter = request->splitter,
        .fd = -1,
        .progress = request->progress,
    };
}

/* The entry, when it is there and whole; a damaged one is taken away. */
static bool open_entry(const char *path, TokenizedRows **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    futimens(fd, NULL); /* when it was last of use, for whoever clears the folder */
    if (tokenized_map(fd, path, out) == STATUS_OK) {
        return true;
    }
    log_warning("%s; it is made again", status_message());
    unlink(path);
    return false;
}

/* Reads the files into a new entry. *kept is false, and nothing was read, when the folder
 * takes no files. */
static Status make_entry(const TokenizeRequest *request, const char *path, bool *kept,
                         TokenizedRows **out)
{
    char *aside = mem_printf("%s.new-%ld", path, (long)getpid());
    TokenizeRequest to_file = *request;
    to_file.path = aside;
    unlink(aside); /* of a process that had our number and died */
    to_file.fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    *kept = to_file.fd >= 0;
    Status status = STATUS_OK;
    if (*kept) {
        status = tokenize_files(&to_file, out);
        if (status == STATUS_OK && rename(aside, path) != 0) {
            log_warning("%s: not kept: %s", path, strerror(errno));
            unlink(aside);
        } else if (status != STATUS_OK) {
            unlink(aside);
        }
    }
    free(aside);
    return status;
}

static Status open_or_make(const TokenizeRequest *request, const char *dir,
                           const char *key, TokenizedRows **out)
{
    char *path = mem_printf("%s/%.32s.rows", dir, key);
    bool kept = dir_make(dir) == STATUS_OK;
    Status status = STATUS_OK;
    if (!kept || !open_entry(path, out)) {
        int lock = kept ? row_cache_lock(path) : -1;
        if (!kept || !open_entry(path, out)) {
            if (kept) {
                status = make_entry(request, path, &kept, out);
            }
            if (!kept) {
                log_warning("%s: cannot keep rows there (%s); they are held in memory "
                            "(data.cache names another folder)",
                            dir, strerror(errno));
                status = tokenize_files(request, out);
            }
        }
        row_cache_unlock(path, lock);
    }
    free(path);
    return status;
}

Status row_cache_open(const RowsRequest *request, TokenizedRows **out,
                      char key[SHA256_HEX])
{
    StrList files = {0};
    Status status = globs_expand(request->files, &files);
    TokenizeRequest tokenize = tokenize_request(request, &files);
    char *dir = NULL;
    key[0] = '\0';
    if (status == STATUS_OK && wanted(request, &files, &dir)) {
        status = make_key(request, &files, key);
        status = status == STATUS_OK ? open_or_make(&tokenize, dir, key, out) : status;
    } else if (status == STATUS_OK) {
        status = tokenize_files(&tokenize, out);
    }
    free(dir);
    strlist_free(&files);
    return status;
}
