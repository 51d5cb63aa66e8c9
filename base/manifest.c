/* Writing and checking SHA256SUMS. */
#include "base/manifest.h"

#include "base/files.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line is at most a digest, two signs and a file name. */
enum { MANIFEST_LIMIT = 1 << 20, DIGITS = SHA256_HEX - 1 };

/* Opened without waiting, so that a FIFO in a file's place does not hang us. */
static Status sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return status_set(STATUS_FAILED, "%s: %s", path, strerror(error));
    }
    close(fd);
    return STATUS_OK;
}

static bool is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static Status add_line(const char *dir, const char *name, StrBuf *lines)
{
    char *path = path_join(dir, name);
    char hex[SHA256_HEX];
    Status status = STATUS_OK;
    if (is_regular(path)) {
        status = sync_file(path);
        if (status == STATUS_OK) {
            status = sha256_file(path, hex);
        }
        if (status == STATUS_OK) {
            strbuf_printf(lines, "%s  %s\n", hex, name);
        }
    }
    free(path);
    return status;
}

Status manifest_write(const char *dir)
{
    StrList names = {0};
    StrBuf lines = {0};
    Status status = dir_list(dir, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        const char *name = names.items[i];
        if (strcmp(name, MANIFEST_NAME) == 0) {
            continue;
        }
        /* sha256sum would escape such a name; nothing of ours is called like that. */
        if (strpbrk(name, "\\\n\r")) {
            status =
                status_set(STATUS_FAILED, "%s: a file name with a line end or \\", dir);
        } else {
            status = add_line(dir, name, &lines);
        }
    }
    if (status == STATUS_OK) {
        char *path = path_join(dir, MANIFEST_NAME);
        status = file_write(path, lines.p ? lines.p : "", lines.n);
        free(path);
    }
    strbuf_free(&lines);
    strlist_free(&names);
    return status;
}

/* Splits "DIGEST  NAME" (or "DIGEST *NAME") in place. Names with '/' are refused, so that
 * a manifest never makes us read outside its folder. */
static bool split_line(char *line, const char **digest, const char **name)
{
    if (strspn(line, "0123456789abcdef") != DIGITS || line[DIGITS] != ' ' ||
        (line[DIGITS + 1] != ' ' && line[DIGITS + 1] != '*')) {
        return false;
    }
    line[DIGITS] = '\0';
    *digest = line;
    *name = line + DIGITS + 2;
    return **name != '\0' && !strchr(*name, '/');
}

static Status check_file(const char *dir, const char *name, const char *expected)
{
    char *path = path_join(dir, name);
    char found[SHA256_HEX];
    Status status = STATUS_OK;
    if (!is_regular(path)) {
        status = status_set(STATUS_DAMAGED, "%s: missing, but listed in %s", path,
                            MANIFEST_NAME);
    } else if (sha256_file(path, found) != STATUS_OK) {
        status = STATUS_DAMAGED;
    } else if (strcmp(expected, found) != 0) {
        status = status_set(STATUS_DAMAGED, "%s: checksum %s expected, %s found", path,
                            expected, found);
    }
    free(path);
    return status;
}

static Status check_lines(const char *dir, const char *path, StrBuf *text)
{
    if (strlen(text->p) != text->n) {
        return status_set(STATUS_DAMAGED, "%s: holds a NUL byte", path);
    }
    size_t number = 0;
    char *rest = text->p;
    while (*rest) {
        char *line = rest;
        number++;
        size_t n = strcspn(line, "\n");
        if (line[n] == '\0') {
            return status_set(STATUS_DAMAGED, "%s:%zu:%zu: cut off in the line", path,
                              number, n + 1);
        }
        line[n] = '\0';
        rest = line + n + 1;
        const char *digest, *name;
        if (!split_line(line, &digest, &name)) {
            return status_set(STATUS_DAMAGED,
                              "%s:%zu:1: expected a SHA-256 and a file name", path,
                              number);
        }
        TRY(check_file(dir, name, digest));
    }
    return number > 0 ? STATUS_OK : status_set(STATUS_DAMAGED, "%s: is empty", path);
}

Status manifest_verify(const char *dir)
{
    if (!dir_exists(dir)) {
        return status_set(STATUS_NOT_FOUND, "%s: no such folder", dir);
    }
    char *path = path_join(dir, MANIFEST_NAME);
    StrBuf text = {0};
    Status status = STATUS_OK;
    if (!file_exists(path)) {
        status = status_set(STATUS_DAMAGED, "%s: has no %s", dir, MANIFEST_NAME);
        status_hint("a checkpoint without one was never completed, or is no checkpoint");
    } else {
        status = file_read(path, MANIFEST_LIMIT, STATUS_DAMAGED, &text);
    }
    if (status == STATUS_OK) {
        status = check_lines(dir, path, &text);
    }
    strbuf_free(&text);
    free(path);
    return status;
}

/* The part of a name that siblings share: "checkpoint_" of checkpoint_000001. */
static size_t stem_length(const char *name)
{
    const char *underscore = strchr(name, '_');
    return underscore ? (size_t)(underscore - name) + 1 : strlen(name);
}

static void list_good_siblings(const char *dir, StrList *good)
{
    char *absolute = path_absolute(dir);
    const char *own = path_base(absolute);
    char *parent = mem_strndup(absolute, (size_t)(own - absolute));
    StrList names = {0};
    if (dir_list(parent, &names) != STATUS_OK) {
        names.n = 0;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.items[i];
        char *path = path_join(parent, name);
        if (strncmp(name, own, stem_length(own)) == 0 && strcmp(name, own) != 0 &&
            manifest_verify(path) == STATUS_OK) {
            strlist_add(good, path);
        }
        free(path);
    }
    strlist_free(&names);
    free(parent);
    free(absolute);
}

void manifest_hint_siblings(const char *dir)
{
    char *message = mem_strdup(status_message());
    char *hint = mem_strdup(status_hint_text());
    StrList good = {0};
    list_good_siblings(dir, &good);
    status_set(STATUS_DAMAGED, "%s", message);
    if (good.n > 0) {
        char *list = strlist_join(&good, ", ");
        status_hint("%s%sgood checkpoints beside it: %s", hint, *hint ? "; " : "", list);
        free(list);
    } else if (*hint) {
        status_hint("%s", hint);
    }
    strlist_free(&good);
    free(hint);
    free(message);
}
