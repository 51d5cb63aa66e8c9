/* The lines on stderr. Each is written whole, so ranks and threads do not tear them. */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool quiet;

void log_set_quiet(bool value)
{
    quiet = value;
}

/* A failed write to stderr has nobody left to be told. */
static void write_line(const char *prefix, const char *text)
{
    StrBuf line = {0};
    strbuf_printf(&line, "%s%s\n", prefix, text);
    fflush(stderr);
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written;
    strbuf_free(&line);
}

static void write_formatted(const char *prefix, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    write_line(prefix, text);
}

void log_warning(const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    write_formatted("muster: warning: ", format, args);
    va_end(args);
}

void log_note(const char *format, ...)
{
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    write_formatted("muster: ", format, args);
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
