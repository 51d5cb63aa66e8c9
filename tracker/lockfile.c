/* Taking turns by an open-file-description lock, and saying who holds it. */
#include "tracker/lockfile.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { HOLDER_CAP = 512 };

struct LockFile {
    char *path;
    int fd; /* -1 while not open */
};

LockFile *lockfile_open(const char *path)
{
    LockFile *lock = mem_alloc(1, sizeof *lock);
    *lock = (LockFile){mem_strdup(path), -1};
    return lock;
}

void lockfile_close(LockFile *lock)
{
    if (!lock) {
        return;
    }
    if (lock->fd >= 0) {
        close(lock->fd);
    }
    free(lock->path);
    free(lock);
}

static Status lock_failed(const LockFile *lock, int error)
{
    Status code = error == EACCES || error == EPERM || error == EROFS ? STATUS_DENIED
                                                                      : STATUS_FAILED;
    status_set(code, "%s: %s", lock->path, strerror(error));
    if (error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL) {
        status_set(STATUS_DENIED, "%s: this file system does not lock files", lock->path);
        status_hint("put the store on another file system (Lustre: mount with -o flock)");
        return STATUS_DENIED;
    }
    return code;
}

/* Somebody may have removed the lock file while we held it open: then a lock on the old
 * one keeps nobody out. */
static bool still_at_path(const LockFile *lock)
{
    struct stat mine, there;
    return fstat(lock->fd, &mine) == 0 && stat(lock->path, &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static void write_holder(const LockFile *lock)
{
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    char line[HOLDER_CAP];
    int n = snprintf(line, sizeof line, "%ld %s %lld\n", (long)getpid(), host,
                     (long long)clock_wall_ms());
    /* Only a courtesy to those who wait: that it failed harms nobody. */
    if (ftruncate(lock->fd, 0) == 0 && pwrite(lock->fd, line, (size_t)n, 0) < 0) {
        return;
    }
}

/* One try: *got says whether the lock is ours now. */
static Status try_lock(LockFile *lock, bool *got)
{
    *got = false;
    if (lock->fd < 0) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (lock->fd < 0) {
            return lock_failed(lock, errno);
        }
    }
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(lock->fd, F_OFD_SETLK, &whole) != 0) {
        return errno == EAGAIN || errno == EACCES || errno == EINTR
                   ? STATUS_OK
                   : lock_failed(lock, errno);
    }
    *got = still_at_path(lock);
    if (!*got) {
        close(lock->fd);
        lock->fd = -1;
    }
    return STATUS_OK;
}

Status lockfile_acquire(LockFile *lock, int timeout_ms)
{
    double deadline = clock_seconds() + timeout_ms / 1000.0;
    long wait_us = 500;
    for (;;) {
        bool got;
        TRY(try_lock(lock, &got));
        if (got) {
            write_holder(lock);
            return STATUS_OK;
        }
        if (clock_seconds() >= deadline) {
            break;
        }
        struct timespec pause = {0, wait_us * 1000};
        nanosleep(&pause, NULL);
        wait_us = wait_us < 10000 ? wait_us * 2 : wait_us;
    }
    char *holder = lockfile_holder(lock->path);
    status_set(STATUS_DENIED, "%s: locked by %s", lock->path, holder);
    status_hint("wait until it is done, or end that process");
    free(holder);
    return STATUS_DENIED;
}

void lockfile_release(LockFile *lock)
{
    if (lock->fd >= 0) {
        struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
        fcntl(lock->fd, F_OFD_SETLK, &whole);
    }
}

char *lockfile_holder(const char *path)
{
    char host[256] = "";
    long pid = 0;
    long long since_ms = 0;
    FILE *file = fopen(path, "re");
    int n = file ? fscanf(file, "%ld %255s %lld", &pid, host, &since_ms) : 0;
    if (file) {
        fclose(file);
    }
    if (n != 3) {
        return mem_strdup("another process");
    }
    char since[20];
    clock_format(since_ms, since);
    return mem_printf("process %ld on %s since %s", pid, host, since);
}

static char *process_name(long pid)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "re");
    bool known = file && fgets(name, sizeof name, file);
    if (file) {
        fclose(file);
    }
    name[strcspn(name, "\n")] = '\0';
    return known ? mem_printf("process %ld (%s)", pid, name)
                 : mem_printf("process %ld", pid);
}

char *file_lock_owner(const char *path)
{
    struct stat st;
    FILE *locks = stat(path, &st) == 0 ? fopen("/proc/locks", "re") : NULL;
    if (!locks) {
        return NULL;
    }
    char line[256];
    long found = 0;
    while (found == 0 && fgets(line, sizeof line, locks)) {
        long pid;
        unsigned major_no, minor_no;
        unsigned long long inode;
        /* "1: POSIX  ADVISORY  WRITE 4711 fe:01:123456 0 EOF" */
        if (sscanf(line, "%*d: POSIX %*s %*s %ld %x:%x:%llu", &pid, &major_no, &minor_no,
                   &inode) == 4 &&
            inode == st.st_ino && major_no == major(st.st_dev) &&
            minor_no == minor(st.st_dev) && pid != (long)getpid()) {
            found = pid;
        }
    }
    fclose(locks);
    return found > 0 ? process_name(found) : NULL;
}
