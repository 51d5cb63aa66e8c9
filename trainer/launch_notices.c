/* Finding mpirun's notices in its stderr. */
#include "trainer/launch_notices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DASHES = 74, EQUALS = 83, HELD_LIMIT = 1 << 16 };

/* How MPICH's lines behind its block begin. */
static const char *const BEHIND[] = {
    "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: ",
    "This typically refers to a problem with your application.",
    "Please see the FAQ page for debugging suggestions"};

void launch_write(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;
        }
        bytes += written;
        n -= (size_t)written;
    }
}

static bool is_rule(const char *line, size_t n)
{
    return (n == DASHES && strspn(line, "-") == DASHES) ||
           (n == EQUALS && strspn(line, "=") == EQUALS);
}

/* Whether a line, or what there is of it, is one of those behind. */
static bool is_behind(const char *line, bool whole)
{
    for (size_t i = 0; i < sizeof BEHIND / sizeof BEHIND[0]; i++) {
        size_t n = strlen(BEHIND[i]), have = strlen(line);
        n = !whole && have < n ? have : n;
        if (n > 0 && strncmp(line, BEHIND[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* "[node7:1234] ..." */
static bool is_host_line(const char *line)
{
    if (line[0] != '[') {
        return false;
    }
    const char *p = line + 1 + strcspn(line + 1, ":] \n");
    if (*p != ':' || p == line + 1) {
        return false;
    }
    size_t digits = strspn(p + 1, "0123456789");
    return digits > 0 && p[1 + digits] == ']';
}

/* Whether more bytes could still turn this beginning of a line into a notice. */
static bool may_be_notice(const LaunchNotices *notices)
{
    const StrBuf *line = &notices->line;
    return notices->in_block || line->p[0] == '[' || is_behind(line->p, false) ||
           (line->n <= DASHES && strspn(line->p, "-") == line->n) ||
           (line->n <= EQUALS && strspn(line->p, "=") == line->n);
}

/* Empty lines wait for what follows: one belongs to MPICH's block. */
static void pass(LaunchNotices *notices, const char *bytes, size_t n)
{
    for (; notices->n_empty > 0 && n > 0; notices->n_empty--) {
        launch_write(notices->out, "\n", 1);
    }
    launch_write(notices->out, bytes, n);
}

static void end_line(LaunchNotices *notices)
{
    StrBuf *line = &notices->line;
    bool begun = notices->line_begun;
    notices->line_begun = false;
    if (line->n == 0 && !notices->in_block && !begun) {
        notices->n_empty++;
        return;
    }
    bool rule = is_rule(line->p, line->n);
    if (rule) {
        notices->in_block = !notices->in_block;
        notices->n_empty = 0;
    }
    if (rule || notices->in_block || is_host_line(line->p) || is_behind(line->p, true)) {
        if (notices->held.n < HELD_LIMIT) {
            strbuf_printf(&notices->held, "%s\n", line->p);
        }
    } else {
        strbuf_add_char(line, '\n');
        pass(notices, line->p, line->n);
    }
    strbuf_clear(line);
}

void launch_notices_end(LaunchNotices *notices)
{
    notices->line_begun |= notices->line.n > 0;
    pass(notices, notices->line.p, notices->line.n);
    strbuf_clear(&notices->line);
}

void launch_notices_add(LaunchNotices *notices, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            strbuf_add(&notices->line, "", 0);
            end_line(notices);
        } else {
            strbuf_add_char(&notices->line, bytes[i]);
        }
    }
    if (notices->line.n > 0 && !may_be_notice(notices)) {
        launch_notices_end(notices);
    }
}

int launch_notices_signal(const LaunchNotices *notices)
{
    const char *words = notices->held.p ? strstr(notices->held.p, BEHIND[0]) : NULL;
    const char *end = words ? words + strcspn(words, "\n") : NULL;
    const char *signal = words ? strstr(words, "(signal ") : NULL;
    return signal && signal < end ? atoi(signal + strlen("(signal ")) : 0;
}

void launch_notices_free(LaunchNotices *notices)
{
    strbuf_free(&notices->line);
    strbuf_free(&notices->held);
}
