/* The lines on stderr. Each is written whole, so ranks and threads do not tear them. */
#include "base/log.h"

#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool quiet;

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static LogSink sink;
static void *sink_user;

void log_set_quiet(bool value)
{
    quiet = value;
}

/* What users gave and files held must neither steer the terminal nor look like another
 * line. Carets point from lines of their own, which begin with a space. */
static void add_shown(StrBuf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p, next = (unsigned char)p[1];
        bool own_line = c == '\n' && next == ' ';
        bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0;
        if (c == '\t' || own_line || (c >= 0x20 && c != 0x7F && !c1)) {
            strbuf_add_char(out, (char)c);
        } else if (c == '\n' || c == '\r') {
            strbuf_add_text(out, c == '\n' ? "\\n" : "\\r");
        } else if (c1) {
            strbuf_printf(out, "\\x%02x", next);
            p++;
        } else {
            strbuf_printf(out, "\\x%02x", c);
        }
    }
}

/* A failed write to stderr has nobody left to be told. */
static void write_line(const char *prefix, const char *text)
{
    StrBuf line = {0};
    strbuf_add_text(&line, prefix);
    add_shown(&line, text);
    strbuf_add_char(&line, '\n');
    fflush(stderr);
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written;
    strbuf_free(&line);
}

void log_set_sink(LogSink function, void *user)
{
    pthread_mutex_lock(&sink_lock);
    sink = function;
    sink_user = user;
    pthread_mutex_unlock(&sink_lock);
}

static void tell(LogLevel level, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    pthread_mutex_lock(&sink_lock);
    if (sink) {
        sink(level, text, sink_user);
    } else {
        write_line(level == LOG_WARNING ? "muster: warning: " : "muster: ", text);
    }
    pthread_mutex_unlock(&sink_lock);
}

void log_warning(const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    tell(LOG_WARNING, format, args);
    va_end(args);
}

void log_note(const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    tell(LOG_NOTE, format, args);
    va_end(args);
}

void log_status(void)
{
    write_line("muster: error: ", status_message());
    if (*status_hint_text()) {
        write_line("  hint: ", status_hint_text());
    }
}

bool log_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}
