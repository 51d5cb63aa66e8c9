/* What every call that can fail for outside reasons returns.
 *
 * A Status is the exit code that `muster` ends with when nothing better can be done, so
 * there is one table of failures from the deepest reader to the shell. The message and
 * the hint belong to the calling thread; they are set once, where the fact is known, and
 * stay until the next failure on that thread. */
#ifndef MUSTER_BASE_STATUS_H
#define MUSTER_BASE_STATUS_H

#include "include/muster/status.h"

typedef MusterStatus Status; /* include/muster/status.h tells what each code means */

#define STATUS_OK MUSTER_OK
#define STATUS_FAILED MUSTER_FAILED
#define STATUS_USAGE MUSTER_USAGE
#define STATUS_CONFIG MUSTER_CONFIG
#define STATUS_DATA MUSTER_DATA
#define STATUS_DAMAGED MUSTER_DAMAGED
#define STATUS_NOT_FOUND MUSTER_NOT_FOUND
#define STATUS_DENIED MUSTER_DENIED
#define STATUS_NETWORK MUSTER_NETWORK
#define STATUS_DIVERGED MUSTER_DIVERGED
#define STATUS_GATE MUSTER_GATE
#define STATUS_REQUEUE MUSTER_REQUEUE
#define STATUS_INTERRUPTED MUSTER_INTERRUPTED

/* Records the message for this thread, clears its hint, and returns `code`, so that a
 * failure reads `return status_set(STATUS_DATA, "%s:%zu: ...", path, line);`. */
Status status_set(Status code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds the line that says what to do next. Call after status_set. */
void status_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds a finer code than the status, out of an enum of the module that fails; status_set
 * clears it. Call after status_set. 0 = none. */
void status_set_detail(int detail);
int status_detail(void);

/* Puts "PREFIX: " before this thread's message; for a caller that knows more. */
void status_prefix(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The thread's last message and hint; "" when there is none. Borrowed until the thread's
 * next call into this module. */
const char *status_message(void);
const char *status_hint_text(void);

/* "config", "not found"...: the name of a code, for JSON errors. Static storage. */
const char *status_name(Status code);

/* Returns from the calling function with the status of `call` unless it is STATUS_OK. */
#define TRY(call)                                                                        \
    do {                                                                                 \
        Status try_status_ = (call);                                                     \
        if (try_status_ != STATUS_OK) {                                                  \
            return try_status_;                                                          \
        }                                                                                \
    } while (0)

/* Our own mistakes: prints the place and ends the process (every rank of it). Kept in
 * release builds. */
#define CHECK(cond)                                                                      \
    do {                                                                                 \
        if (!(cond)) {                                                                   \
            check_failed(#cond, __FILE__, __LINE__);                                     \
        }                                                                                \
    } while (0)

void check_failed(const char *condition, const char *file, int line)
    __attribute__((noreturn));

/* What check_failed calls last instead of abort(), so that one rank's mistake ends all;
 * `rank` is printed with the place. NULL restores abort(). */
void check_set_abort(void (*end_all)(int code), int rank);

/* Ends the process, every rank of it, with this exit code and without another word: for
 * failures from outside that strike where none can be returned (mapped memory). */
void status_end_process(Status code) __attribute__((noreturn));

#endif
