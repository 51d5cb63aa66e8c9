/* The thread's message and hint, and the table of failures. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_CAP = 2048 };

static _Thread_local char message[MESSAGE_CAP];
static _Thread_local char hint[MESSAGE_CAP];
static _Thread_local int detail_code;

static void (*end_all_ranks)(int code);
static int this_rank = -1;

static const struct {
    Status code;
    const char *name;
} NAMES[] = {
    {STATUS_OK, "ok"},
    {STATUS_FAILED, "failed"},
    {STATUS_USAGE, "usage"},
    {STATUS_CONFIG, "config"},
    {STATUS_DATA, "data"},
    {STATUS_DAMAGED, "damaged"},
    {STATUS_NOT_FOUND, "not found"},
    {STATUS_DENIED, "denied"},
    {STATUS_NETWORK, "network"},
    {STATUS_DIVERGED, "diverged"},
    {STATUS_GATE, "gate"},
    {STATUS_REQUEUE, "requeue"},
    {STATUS_INTERRUPTED, "interrupted"},
};

/* The arguments may point into the buffer that is about to be overwritten, so the text is
 * built aside first. */
static void format_into(char *buffer, const char *format, va_list args)
{
    char text[MESSAGE_CAP];
    vsnprintf(text, sizeof text, format, args);
    memcpy(buffer, text, sizeof text);
}

Status status_set(Status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_into(message, format, args);
    va_end(args);
    hint[0] = '\0';
    detail_code = 0;
    return code;
}

void status_set_detail(int detail)
{
    detail_code = detail;
}

int status_detail(void)
{
    return detail_code;
}

void status_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_into(hint, format, args);
    va_end(args);
}

void status_prefix(const char *format, ...)
{
    char prefix[MESSAGE_CAP];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);

    size_t n = strlen(prefix);
    size_t old = strlen(message);
    if (n + 2 + old >= MESSAGE_CAP) {
        return;
    }
    memmove(message + n + 2, message, old + 1);
    memcpy(message, prefix, n);
    memcpy(message + n, ": ", 2);
}

const char *status_message(void)
{
    return message;
}

const char *status_hint_text(void)
{
    return hint;
}

const char *status_name(Status code)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (NAMES[i].code == code) {
            return NAMES[i].name;
        }
    }
    return "unknown";
}

void check_set_abort(void (*end_all)(int code), int rank)
{
    end_all_ranks = end_all;
    this_rank = rank;
}

void check_failed(const char *condition, const char *file, int line)
{
    if (this_rank >= 0) {
        fprintf(stderr, "muster: bug: [rank %d] %s:%d: %s does not hold\n", this_rank,
                file, line, condition);
    } else {
        fprintf(stderr, "muster: bug: %s:%d: %s does not hold\n", file, line, condition);
    }
    if (end_all_ranks) {
        end_all_ranks(STATUS_FAILED);
    }
    abort();
}

void status_end_process(Status code)
{
    fflush(NULL);
    if (end_all_ranks) {
        end_all_ranks((int)code);
    }
    _exit((int)code);
}
