/* What every call of Muster's libraries returns, and how to learn more about a failure.
 *
 * A call that can fail for outside reasons returns a MusterStatus: MUSTER_OK, or why not.
 * The calling thread then holds a message for people ("runs.db: locked by process 4711")
 * and often a hint of what to do next; both stay until the next failure on that thread.
 * Results go through trailing out-parameters, which a failed call leaves untouched.
 *
 * Two things end the process instead of returning: exhausted memory, and a broken promise
 * of the library itself, with one line on stderr. Nothing else here ends it, changes its
 * signal handlers, locale, working folder or environment, or writes to stdout.
 *
 * Stable: codes and calls keep their meaning within a major version of the library; new
 * codes may be added, so treat a code that you do not know as MUSTER_FAILED. */
#ifndef MUSTER_STATUS_H
#define MUSTER_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared libraries export. */
#if defined(__GNUC__)
#define MUSTER_API __attribute__((visibility("default")))
#else
#define MUSTER_API
#endif

/* The numbers are those that the program `muster` exits with. */
typedef enum MusterStatus {
    MUSTER_OK = 0,
    MUSTER_FAILED = 1,       /* anything without a better name: a full disk, I/O */
    MUSTER_USAGE = 2,        /* an argument is wrong, or the store's rules refuse it */
    MUSTER_CONFIG = 3,       /* a config file or an override is wrong */
    MUSTER_DATA = 4,         /* rows, or a file that was to be read, are wrong */
    MUSTER_DAMAGED = 5,      /* a store or checkpoint is damaged, or not one of ours */
    MUSTER_NOT_FOUND = 6,    /* no such run, experiment, store, file */
    MUSTER_DENIED = 7,       /* permission, authentication, locked by another process */
    MUSTER_NETWORK = 8,      /* a tracking server did not answer as it should */
    MUSTER_DIVERGED = 9,     /* NaN or infinity in training */
    MUSTER_GATE = 10,        /* a figure that had to be reached was not */
    MUSTER_REQUEUE = 75,     /* stopped by SIGTERM or SIGUSR1 after a good checkpoint */
    MUSTER_INTERRUPTED = 130 /* Ctrl-C, after a checkpoint */
} MusterStatus;

/* The message of the last call that failed on this thread; "" when none has. One line of
 * UTF-8 without a trailing newline. Borrowed: valid until the thread's next call into the
 * library. Never NULL. */
MUSTER_API const char *muster_status_message(void);

/* What to do about it; "" when there is nothing to say. Borrowed as the message is. */
MUSTER_API const char *muster_status_hint(void);

/* "not found", "denied"...: the name of a code, for logs and JSON; "unknown" for a number
 * that is none. Static storage, never NULL. */
MUSTER_API const char *muster_status_name(MusterStatus status);

/* "0.1.0": the version of the library that runs, which may be newer than this header.
 * Static storage. */
MUSTER_API const char *muster_version(void);

/* What the library has to say while calls go well: warnings (a store that does not
 * answer) and notes. By default each is one line on stderr: "muster: warning: ...". */
typedef enum MusterLogLevel {
    MUSTER_LOG_NOTE = 1,
    MUSTER_LOG_WARNING = 2
} MusterLogLevel;

/* `text` is one line without newline, borrowed for the call. May be called on any thread,
 * one call at a time; must not call back into the library. */
typedef void (*MusterLogFunction)(MusterLogLevel level, const char *text, void *user);

/* Sends warnings and notes of the whole process to `function` with `user`; NULL restores
 * stderr. When this returns the function before is not being called and never will be.
 * Thread-safe. */
MUSTER_API void muster_set_log(MusterLogFunction function, void *user);

#ifdef __cplusplus
}
#endif

#endif
