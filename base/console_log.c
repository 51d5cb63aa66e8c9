/* A head that goes to the file at once, and a ring for the tail. */
#include "base/console_log.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line that never ends is taken in pieces. */
enum { MAX_LINE = 1 << 16 };

typedef enum Escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_OSC } Escape;

struct ConsoleLog {
    size_t half;
    char *path; /* NULL: none yet */
    int fd;
    int error;        /* errno of the first failure */
    StrBuf head;      /* before there is a file */
    size_t head_size; /* bytes of the head so far, file and memory */
    char *ring;       /* [half] the last bytes behind the head */
    size_t ring_total;
    StrBuf line; /* the one being printed */
    bool returned;
    Escape escape;
};

ConsoleLog *console_log_open(size_t cap)
{
    ConsoleLog *log = mem_zalloc(1, sizeof *log);
    log->half = cap / 2;
    log->fd = -1;
    return log;
}

static void write_file(ConsoleLog *log, const char *bytes, size_t n)
{
    for (size_t done = 0; done < n && log->fd >= 0 && !log->error;) {
        ssize_t written = write(log->fd, bytes + done, n - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno != EINTR) {
            log->error = errno;
        }
    }
}

static void add_to_ring(ConsoleLog *log, const char *bytes, size_t n)
{
    if (!log->ring) {
        log->ring = mem_alloc(log->half, 1);
    }
    while (n > 0) {
        size_t at = log->ring_total % log->half;
        size_t part = log->half - at < n ? log->half - at : n;
        memcpy(log->ring + at, bytes, part);
        log->ring_total += part;
        bytes += part;
        n -= part;
    }
}

/* The head ends with a whole line. */
static void add_line(ConsoleLog *log, const char *bytes, size_t n)
{
    if (log->ring_total > 0 || log->head_size + n > log->half) {
        add_to_ring(log, bytes, n);
        return;
    }
    log->head_size += n;
    if (log->fd >= 0) {
        write_file(log, bytes, n);
    } else {
        strbuf_add(&log->head, bytes, n);
    }
}

static void end_line(ConsoleLog *log)
{
    add_line(log, log->line.p ? log->line.p : "", log->line.n);
    strbuf_clear(&log->line);
    log->returned = false;
}

/* ESC [ ... letter, ESC ] ... BEL, ESC and one more. True while `c` belongs to one. */
static bool in_escape(ConsoleLog *log, char c)
{
    switch (log->escape) {
    case ESCAPE_NONE:
        log->escape = c == '\033' ? ESCAPE_BEGUN : ESCAPE_NONE;
        return c == '\033';
    case ESCAPE_BEGUN:
        log->escape = c == '[' ? ESCAPE_CSI : c == ']' ? ESCAPE_OSC : ESCAPE_NONE;
        return true;
    case ESCAPE_CSI:
        log->escape = c >= '@' && c <= '~' ? ESCAPE_NONE : ESCAPE_CSI;
        return true;
    case ESCAPE_OSC:
        log->escape = c == '\a' || c == '\n' ? ESCAPE_NONE : ESCAPE_OSC;
        return c != '\n';
    }
    return false;
}

void console_log_add(ConsoleLog *log, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (in_escape(log, c)) {
            continue;
        }
        if (c == '\r') {
            log->returned = true;
            continue;
        }
        if (log->returned && c != '\n') {
            strbuf_clear(&log->line);
        }
        log->returned = false;
        strbuf_add_char(&log->line, c);
        if (c == '\n' || log->line.n >= MAX_LINE) {
            end_line(log);
        }
    }
}

static Status failed(const ConsoleLog *log)
{
    return status_set(STATUS_FAILED, "%s: %s", log->path, strerror(log->error));
}

Status console_log_set_file(ConsoleLog *log, const char *path)
{
    const char *base = path_base(path);
    char *dir = mem_strndup(path, (size_t)(base - path));
    free(log->path);
    log->path = mem_strdup(path);
    Status status = *dir ? dir_make(dir) : STATUS_OK;
    free(dir);
    TRY(status);
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        log->error = errno;
        return failed(log);
    }
    struct stat entry;
    if (fstat(log->fd, &entry) == 0) { /* a run that is taken up has one bound too */
        log->head_size += (size_t)entry.st_size;
    }
    write_file(log, log->head.p ? log->head.p : "", log->head.n);
    strbuf_clear(&log->head);
    return log->error ? failed(log) : STATUS_OK;
}

static void write_tail(ConsoleLog *log)
{
    size_t kept = log->ring_total < log->half ? log->ring_total : log->half;
    size_t begin = (log->ring_total - kept) % (log->half ? log->half : 1);
    size_t left_out = log->ring_total - kept;
    if (left_out > 0) {
        char note[64];
        int n = snprintf(note, sizeof note, "\n[... %zu bytes left out ...]\n", left_out);
        write_file(log, note, (size_t)n);
    }
    size_t first = log->half - begin < kept ? log->half - begin : kept;
    if (log->ring) {
        write_file(log, log->ring + begin, first);
        write_file(log, log->ring, kept - first);
    }
}

Status console_log_close(ConsoleLog *log)
{
    if (!log) {
        return STATUS_OK;
    }
    if (log->line.n > 0) {
        end_line(log);
    }
    write_tail(log);
    if (log->fd >= 0) {
        close(log->fd);
    }
    Status status = log->error ? failed(log) : STATUS_OK;
    strbuf_free(&log->head);
    strbuf_free(&log->line);
    free(log->ring);
    free(log->path);
    free(log);
    return status;
}
