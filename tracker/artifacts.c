/* Artifacts in a local folder. */
#include "tracker/artifacts.h"

#include "base/files.h"
#include "base/mem.h"
#include "tracker/mirror.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when a byte decodes to NUL, which no path holds. */
static char *percent_decode(const char *text)
{
    StrBuf out = {0};
    strbuf_add(&out, "", 0);
    for (const char *p = text; *p; p++) {
        int high = *p == '%' ? hex_digit(p[1]) : -1;
        int low = high >= 0 ? hex_digit(p[2]) : -1;
        if (low < 0) {
            strbuf_add_char(&out, *p);
            continue;
        }
        if (high == 0 && low == 0) {
            strbuf_free(&out);
            return NULL;
        }
        strbuf_add_char(&out, (char)(high * 16 + low));
        p += 2;
    }
    return strbuf_take(&out);
}

char *artifact_local_path(const char *artifact_uri)
{
    if (artifact_uri[0] == '/') {
        return path_absolute(artifact_uri);
    }
    if (strncmp(artifact_uri, "file:", 5) != 0) {
        return NULL;
    }
    const char *rest = artifact_uri + 5;
    if (strncmp(rest, "//", 2) == 0) {
        rest += 2;
        rest += strncmp(rest, "localhost/", 10) == 0 ? 9 : 0;
    }
    char *decoded = rest[0] == '/' ? percent_decode(rest) : NULL;
    char *path = decoded ? path_absolute(decoded) : NULL;
    free(decoded);
    return path;
}

char *artifact_uri_of_path(const char *path)
{
    StrBuf uri = {0};
    strbuf_add_text(&uri, "file://");
    for (const char *p = path; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("/_.-~", *p)) {
            strbuf_add_char(&uri, *p);
        } else {
            strbuf_printf(&uri, "%%%02X", (unsigned char)*p);
        }
    }
    return strbuf_take(&uri);
}

static bool is_beneath(const char *name)
{
    for (const char *part = name;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n <= 2 && strncmp(part, "..", n) == 0)) {
            return false;
        }
        if (!part[n]) {
            return true;
        }
        part += n + 1;
    }
}

Status artifact_path(const char *artifact_uri, const char *name, char **out)
{
    bool at_top = !name || !*name;
    if (!at_top && !is_beneath(name)) {
        return status_set(STATUS_USAGE,
                          "artifact '%s': expected a path below the run's "
                          "artifacts",
                          name);
    }
    char *root = artifact_local_path(artifact_uri);
    if (!root) {
        return status_set(STATUS_USAGE,
                          "artifacts at '%s': only local folders are "
                          "supported",
                          artifact_uri);
    }
    *out = at_top ? root : path_join(root, name);
    if (!at_top) {
        free(root);
    }
    return STATUS_OK;
}

/* No component of `name` below `root` may be a link, the last one neither when
 * `to_the_end`: what somebody planted in an artifact folder leads nowhere. What is not
 * there yet is fine. */
static Status refuse_links(const char *root, const char *name, bool to_the_end)
{
    Status status = STATUS_OK;
    for (const char *end = name; *end && status == STATUS_OK;) {
        end += strcspn(end, "/");
        bool last = !*end;
        char *start = mem_strndup(name, (size_t)(end - name));
        char *path = path_join(root, start);
        struct stat st;
        if ((!last || to_the_end) && lstat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
            !S_ISDIR(st.st_mode)) {
            status = status_set(STATUS_USAGE,
                                "artifact '%s': '%s' is neither a file nor a folder",
                                name, start);
        }
        free(path);
        free(start);
        end += !last;
    }
    return status;
}

/* The path of an artifact to read; free with free(). */
static Status path_without_links(const char *artifact_uri, const char *name, char **out)
{
    char *root, *path;
    TRY(artifact_path(artifact_uri, NULL, &root));
    Status status = artifact_path(artifact_uri, name, &path);
    if (status == STATUS_OK && name && *name) {
        status = refuse_links(root, name, true);
        if (status != STATUS_OK) {
            free(path);
        }
    }
    free(root);
    if (status == STATUS_OK) {
        *out = path;
    }
    return status;
}

static void add_entry(const char *dir, const char *prefix, const char *entry,
                      Artifacts *out)
{
    char *path = path_join(dir, entry);
    struct stat st;
    bool known = lstat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    free(path);
    if (!known) {
        return;
    }
    bool is_dir = S_ISDIR(st.st_mode);
    out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
    out->items[out->n++] =
        (Artifact){*prefix ? path_join(prefix, entry) : mem_strdup(entry), is_dir,
                   is_dir ? 0 : (int64_t)st.st_size};
}

Status artifacts_list(const char *artifact_uri, const char *name, Artifacts *out)
{
    char *dir;
    TRY(path_without_links(artifact_uri, name, &dir));
    StrList entries = {0};
    Status status = dir_exists(dir) ? dir_list(dir, &entries) : STATUS_OK;
    for (size_t i = 0; i < entries.n; i++) {
        add_entry(dir, name ? name : "", entries.items[i], out);
    }
    strlist_free(&entries);
    free(dir);
    return status;
}

void artifacts_free(Artifacts *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].path);
    }
    free(list->items);
    *list = (Artifacts){0};
}

static bool same_place(const char *a, const char *b)
{
    struct stat at_a, at_b;
    return stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
           at_a.st_ino == at_b.st_ino;
}

static Status copy(const char *from, const char *to)
{
    if (!file_exists(from) && !dir_exists(from)) {
        return status_set(STATUS_NOT_FOUND, "%s: there is no such artifact", from);
    }
    return same_place(from, to) ? STATUS_OK : tree_copy(from, to);
}

Status artifact_put(const char *artifact_uri, const char *local, const char *name)
{
    char *path;
    TRY(artifact_path(artifact_uri, name, &path));
    Status status = copy(local, path);
    free(path);
    return status;
}

static Status no_such_artifact(const char *path)
{
    return status_set(STATUS_NOT_FOUND, "%s: there is no such artifact", path);
}

Status artifact_get(const char *artifact_uri, const char *name, const char *local)
{
    char *path;
    size_t n = 0;
    TRY(path_without_links(artifact_uri, name, &path));
    Status status = file_exists(path) || dir_exists(path)
                        ? file_or_tree_mirror(path, local, &n)
                        : no_such_artifact(path);
    free(path);
    return status;
}

Status artifact_open(const char *artifact_uri, const char *name, int *fd)
{
    char *path;
    struct stat st;
    TRY(path_without_links(artifact_uri, name, &path));
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    Status status = STATUS_OK;
    if (*fd < 0 || fstat(*fd, &st) != 0) {
        status = no_such_artifact(path);
    } else if (!S_ISREG(st.st_mode)) {
        close(*fd);
        status = status_set(STATUS_USAGE, "%s: expected a file", path);
    }
    free(path);
    return status;
}

Status artifact_upload(const char *artifact_uri, const char *local, const char *name)
{
    char *root, *path;
    size_t n = 0;
    TRY(artifact_path(artifact_uri, name, &path));
    Status status = artifact_path(artifact_uri, NULL, &root);
    if (status == STATUS_OK) {
        status = refuse_links(root, name ? name : "", false);
        free(root);
    }
    if (status == STATUS_OK) {
        status = file_or_tree_mirror(local, path, &n);
    }
    free(path);
    return status;
}

Status artifact_remove(const char *artifact_uri, const char *name)
{
    if (!name || !*name) {
        return status_set(STATUS_USAGE, "the artifact to remove needs a name");
    }
    char *path;
    TRY(artifact_path(artifact_uri, name, &path));
    Status status = tree_remove(path);
    free(path);
    return status;
}
