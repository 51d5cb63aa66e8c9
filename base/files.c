/* Checked file and folder operations. */
#include "base/files.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    return mem_printf("%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return mem_strdup(".");
    }
    return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool dir_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static Status code_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_DENIED;
    default:
        return STATUS_FAILED;
    }
}

static Status path_failed(const char *path)
{
    int error = errno;
    return status_set(code_of_errno(error), "%s: %s", path, strerror(error));
}

/* The hint for a missing file: the name in its folder that is nearest to it. */
static void hint_nearest_name(const char *path)
{
    char *dir = path_dir(path);
    StrList names = {0};
    char message[2048];
    snprintf(message, sizeof message, "%s", status_message());
    if (dir_list(dir, &names) == STATUS_OK) {
        const char *nearest =
            text_nearest(path_base(path), (const char *const *)names.items, names.n);
        status_set(STATUS_NOT_FOUND, "%s", message);
        if (nearest && strchr(path, '/')) {
            status_hint("did you mean %s/%s?", dir, nearest);
        } else if (nearest) {
            status_hint("did you mean %s?", nearest);
        }
    } else {
        status_set(STATUS_NOT_FOUND, "%s", message);
        status_hint("there is no folder %s", dir);
    }
    strlist_free(&names);
    free(dir);
}

Status file_read(const char *path, size_t limit, Status missing, StrBuf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        path_failed(path);
        if (error == ENOENT) {
            hint_nearest_name(path);
        }
        return missing;
    }
    struct stat st;
    Status status = STATUS_OK;
    if (fstat(fd, &st) != 0) {
        path_failed(path);
        status = missing;
    } else if (S_ISDIR(st.st_mode)) {
        status = status_set(missing, "%s: is a directory, expected a file", path);
    }
    StrBuf buf = {0};
    char block[1 << 15];
    while (status == STATUS_OK) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            path_failed(path);
            status = missing;
        }
        if (n <= 0) {
            break;
        }
        if (buf.n + (size_t)n > limit) {
            status = status_set(missing, "%s: larger than the limit of %zu bytes", path,
                                limit);
            break;
        }
        strbuf_add(&buf, block, (size_t)n);
    }
    close(fd);
    if (status != STATUS_OK) {
        strbuf_free(&buf);
        return status;
    }
    strbuf_add(&buf, "", 0);
    *out = buf;
    return STATUS_OK;
}

static Status write_all(int fd, const char *path, const void *bytes, size_t n)
{
    const char *p = bytes;
    size_t left = n;
    while (left > 0) {
        ssize_t written = write(fd, p, left);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            int error = errno;
            if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
                return status_set(STATUS_FAILED, "%s: %s (%zu bytes needed, %llu free)",
                                  path, strerror(error), left,
                                  (unsigned long long)disk_free(path));
            }
            return status_set(code_of_errno(error), "%s: %s", path, strerror(error));
        }
        p += written;
        left -= (size_t)written;
    }
    return STATUS_OK;
}

Status file_write(const char *path, const void *bytes, size_t n)
{
    char *aside = mem_printf("%s.tmp.%ld", path, (long)getpid());
    Status status = STATUS_OK;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        status = path_failed(path);
        free(aside);
        return status;
    }
    status = write_all(fd, path, bytes, n);
    if (status == STATUS_OK && fsync(fd) != 0) {
        status = path_failed(path);
    }
    if (close(fd) != 0 && status == STATUS_OK) {
        status = path_failed(path);
    }
    if (status == STATUS_OK && rename(aside, path) != 0) {
        status = path_failed(path);
    }
    if (status == STATUS_OK) {
        char *dir = path_dir(path);
        status = dir_sync(dir);
        free(dir);
    } else {
        unlink(aside);
    }
    free(aside);
    return status;
}

Status file_append(const char *path, const void *bytes, size_t n, bool sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return path_failed(path);
    }
    Status status = write_all(fd, path, bytes, n);
    if (status == STATUS_OK && sync && fsync(fd) != 0) {
        status = path_failed(path);
    }
    if (close(fd) != 0 && status == STATUS_OK) {
        status = path_failed(path);
    }
    return status;
}

Status dir_make(const char *path)
{
    char *copy = mem_strdup(path);
    Status status = STATUS_OK;
    for (char *p = copy + 1; status == STATUS_OK; p++) {
        char held = *p;
        if (held != '/' && held != '\0') {
            continue;
        }
        *p = '\0';
        if (mkdir(copy, 0755) != 0 && !(errno == EEXIST && dir_exists(copy))) {
            status = path_failed(copy);
        }
        *p = held;
        if (held == '\0') {
            break;
        }
    }
    free(copy);
    return status;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

Status tree_remove(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? STATUS_OK : path_failed(path);
    }
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        return path_failed(path);
    }
    return STATUS_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

Status dir_list(const char *path, StrList *out)
{
    DIR *dir = opendir(path);
    if (!dir) {
        return path_failed(path);
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            strlist_add(out, entry->d_name);
        }
    }
    closedir(dir);
    if (out->n > 1) {
        qsort(out->items, out->n, sizeof *out->items, compare_names);
    }
    return STATUS_OK;
}

Status dir_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return path_failed(path);
    }
    /* Some network file systems refuse to sync a folder (EINVAL); nothing more can be
     * done there. */
    Status status = fsync(fd) == 0 || errno == EINVAL ? STATUS_OK : path_failed(path);
    close(fd);
    return status;
}

static Status copy_file(const char *from, const char *to, bool share)
{
    if (share && link(from, to) == 0) {
        return STATUS_OK;
    }
    StrBuf bytes = {0};
    Status status = file_read(from, (size_t)1 << 40, STATUS_NOT_FOUND, &bytes);
    if (status == STATUS_OK) {
        status = file_write(to, bytes.p, bytes.n);
    }
    strbuf_free(&bytes);
    return status;
}

static Status copy_into(const char *from, const char *to, bool share)
{
    struct stat st;
    if (lstat(from, &st) != 0) {
        return path_failed(from);
    }
    if (S_ISREG(st.st_mode)) {
        return copy_file(from, to, share);
    }
    if (!S_ISDIR(st.st_mode)) {
        return STATUS_OK;
    }
    TRY(dir_make(to));
    StrList names = {0};
    Status status = dir_list(from, &names);
    for (size_t i = 0; i < names.n && status == STATUS_OK; i++) {
        char *source = path_join(from, names.items[i]);
        char *target = path_join(to, names.items[i]);
        status = copy_into(source, target, share);
        free(source);
        free(target);
    }
    strlist_free(&names);
    return status == STATUS_OK ? dir_sync(to) : status;
}

static Status copy_tree(const char *from, const char *to, bool share)
{
    char *parent = path_dir(to);
    char *aside = mem_printf("%s.tmp.%ld", to, (long)getpid());
    Status status = dir_make(parent);
    if (status == STATUS_OK) {
        status = tree_remove(aside);
    }
    if (status == STATUS_OK) {
        status = copy_into(from, aside, share);
    }
    if (status == STATUS_OK && dir_exists(to)) {
        status = tree_remove(to);
    }
    if (status == STATUS_OK && rename(aside, to) != 0) {
        status = path_failed(to);
    }
    if (status == STATUS_OK) {
        status = dir_sync(parent);
    } else {
        StrBuf kept = {0};
        strbuf_add_text(&kept, status_message());
        tree_remove(aside);
        status_set(status, "%s", kept.p);
        strbuf_free(&kept);
    }
    free(aside);
    free(parent);
    return status;
}

Status tree_copy(const char *from, const char *to)
{
    return copy_tree(from, to, true);
}

Status tree_copy_apart(const char *from, const char *to)
{
    return copy_tree(from, to, false);
}

uint64_t disk_free(const char *path)
{
    char *probe = mem_strdup(path);
    struct statvfs fs;
    uint64_t bytes = 0;
    for (;;) {
        if (statvfs(probe, &fs) == 0) {
            bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
            break;
        }
        char *parent = path_dir(probe);
        bool at_top = strcmp(parent, probe) == 0;
        free(probe);
        probe = parent;
        if (at_top) {
            break;
        }
    }
    free(probe);
    return bytes;
}

char *path_absolute(const char *path)
{
    StrBuf whole = {0};
    if (path[0] != '/') {
        char cwd[PATH_MAX];
        strbuf_add_text(&whole, getcwd(cwd, sizeof cwd) ? cwd : "");
        strbuf_add_char(&whole, '/');
    }
    strbuf_add_text(&whole, path);

    StrBuf clean = {0};
    strbuf_add(&clean, "", 0);
    const char *p = whole.p;
    while (*p) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') {
            while (clean.n > 0 && clean.p[--clean.n] != '/') {
            }
            clean.p[clean.n] = '\0';
        } else if (n > 0 && !(n == 1 && p[0] == '.')) {
            strbuf_add_char(&clean, '/');
            strbuf_add(&clean, p, n);
        }
        p += n;
        p += strspn(p, "/");
    }
    strbuf_free(&whole);
    if (clean.n == 0) {
        strbuf_add_char(&clean, '/');
    }
    return strbuf_take(&clean);
}

bool file_system_is_network(long f_type)
{
    static const unsigned NETWORK[] = {
        0x6969,     /* NFS */
        0x517b,     /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB2 */
        0x0bd00bd0, /* Lustre */
        0x47504653, /* GPFS */
        0x65735546, /* FUSE: sshfs, GlusterFS... */
        0x00c36400, /* Ceph */
        0x19830326, /* BeeGFS */
        0xaad7aaea, /* PanFS */
        0x7461636f, /* OCFS2 */
        0x01161970, /* GFS2 */
        0x5346414f, /* AFS */
        0x01021997, /* 9P */
    };
    for (size_t i = 0; i < sizeof NETWORK / sizeof NETWORK[0]; i++) {
        if ((unsigned)f_type == NETWORK[i]) {
            return true;
        }
    }
    return false;
}

Status tree_replace(const char *aside, const char *dir)
{
    char *old = mem_printf("%s.old.tmp", dir);
    Status status = tree_remove(old);
    if (status == STATUS_OK && rename(dir, old) != 0 && errno != ENOENT) {
        status =
            status_set(STATUS_FAILED, "%s: cannot be replaced: %s", dir, strerror(errno));
    }
    if (status == STATUS_OK && rename(aside, dir) != 0) {
        status = status_set(STATUS_FAILED, "%s: cannot be renamed into place: %s", dir,
                            strerror(errno));
        (void)!rename(old, dir); /* as it was, where there was one */
    }
    status = status == STATUS_OK ? tree_remove(old) : status;
    if (status == STATUS_OK) {
        char *parent = mem_strndup(dir, (size_t)(path_base(dir) - dir));
        status = dir_sync(*parent ? parent : ".");
        free(parent);
    }
    free(old);
    return status;
}
