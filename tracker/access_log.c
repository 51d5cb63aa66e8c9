/* The line is written whole, so that lines of several threads do not mix, and what a
 * client sent cannot forge another: control characters and quotes are escaped. */
#include "tracker/access_log.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

Status access_log_parse(const char *text, AccessLog *out)
{
    static const char *const NAMES[] = {"text", "json", "off"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            *out = (AccessLog)i;
            return STATUS_OK;
        }
    }
    return status_set(STATUS_USAGE,
                      "--access-log: expected text, json or off, found "
                      "\"%s\"",
                      text);
}

static void add_escaped(StrBuf *line, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            strbuf_printf(line, "\\x%02x", c);
        } else {
            strbuf_add_char(line, *p);
        }
    }
}

static void format_text(StrBuf *line, const HttpExchange *x, int status, uint64_t bytes,
                        double ms)
{
    char date[20];
    clock_format(clock_wall_ms(), date);
    strbuf_printf(line, "%s %s \"%s ", date, x->client, x->method);
    add_escaped(line, x->target);
    strbuf_printf(line, "\" %d %llu %.1f ms\n", status, (unsigned long long)bytes, ms);
}

static void format_json(StrBuf *line, const HttpExchange *x, int status, uint64_t bytes,
                        double ms)
{
    JsonWriter w = json_writer(line, 0);
    json_begin_object(&w);
    json_write_key(&w, "time_ms");
    json_write_int(&w, clock_wall_ms());
    json_write_key(&w, "client");
    json_write_string(&w, x->client);
    json_write_key(&w, "method");
    json_write_string(&w, x->method);
    json_write_key(&w, "target");
    json_write_string(&w, x->target);
    json_write_key(&w, "status");
    json_write_int(&w, status);
    json_write_key(&w, "request_bytes");
    json_write_int(&w, (int64_t)x->body_size);
    json_write_key(&w, "reply_bytes");
    json_write_int(&w, (int64_t)bytes);
    json_write_key(&w, "duration_ms");
    json_write_double(&w, (double)(int64_t)(ms * 1000) / 1000);
    json_end_object(&w);
    strbuf_add_char(line, '\n');
}

void access_log_write(AccessLog format, const HttpExchange *x, int status, uint64_t bytes)
{
    if (format == ACCESS_LOG_OFF) {
        return;
    }
    double ms = (clock_seconds() - x->started) * 1000;
    StrBuf line = {0};
    if (format == ACCESS_LOG_JSON) {
        format_json(&line, x, status, bytes, ms);
    } else {
        format_text(&line, x, status, bytes, ms);
    }
    ssize_t written = write(STDERR_FILENO, line.p, line.n);
    (void)written; /* a log that cannot be written holds nothing up */
    strbuf_free(&line);
}
