/* Finding mpirun's notices in its stderr. */
#include "trainer/launch_notices.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DASHES = 74, HELD_LIMIT = 1 << 16 };

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
    return n == DASHES && strspn(line, "-") == DASHES;
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
    return notices->in_block || line->p[0] == '[' ||
           (line->n <= DASHES && strspn(line->p, "-") == line->n);
}

static void end_line(LaunchNotices *notices)
{
    StrBuf *line = &notices->line;
    bool rule = is_rule(line->p, line->n);
    if (rule) {
        notices->in_block = !notices->in_block;
    }
    if (rule || notices->in_block || is_host_line(line->p)) {
        if (notices->held.n < HELD_LIMIT) {
            strbuf_printf(&notices->held, "%s\n", line->p);
        }
    } else {
        strbuf_add_char(line, '\n');
        launch_write(notices->out, line->p, line->n);
    }
    strbuf_clear(line);
}

void launch_notices_end(LaunchNotices *notices)
{
    launch_write(notices->out, notices->line.p, notices->line.n);
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

void launch_notices_free(LaunchNotices *notices)
{
    strbuf_free(&notices->line);
    strbuf_free(&notices->held);
}
