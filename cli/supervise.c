/* Restarts: which ends deserve one, the pause before it, and the command line of the next
 * try. */
#include "cli/supervise.h"

#include "cli/run_end.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "trainer/launch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BACKOFF_LIMIT_S = 60, MAX_REASON = 600 };

/* Why the job ended, in a line. */
static void describe(const LaunchReport *report, Status status, char out[MAX_REASON])
{
    if (status != STATUS_OK) {
        snprintf(out, MAX_REASON, "%s", status_message());
    } else {
        snprintf(out, MAX_REASON, "the training failed with exit code %d",
                 report->exit_code);
    }
}

/* Rank 0 died, or hung, before it could. */
static void record_end(const LaunchReport *report, const char *reason)
{
    if (!report->run_id || report->recorded || report->exit_code == STATUS_OK) {
        return;
    }
    Status ended = report->by_user ? STATUS_INTERRUPTED : STATUS_FAILED;
    char *hint = mem_strdup(status_hint_text());
    if (run_end_record(report->store_uri, report->run_id, ended, reason) != STATUS_OK) {
        log_warning("the run's end could not be recorded: %s", status_message());
    }
    status_set((Status)report->exit_code, "%s", reason);
    status_hint("%s", hint);
    free(hint);
}

/* What another try may mend: the machine's faults, not those of command line, config,
 * rows or numbers, and nothing that a user wanted. */
static bool deserves_restart(const LaunchReport *report)
{
    return !report->by_user && (report->broken || report->exit_code == STATUS_FAILED ||
                                report->exit_code == STATUS_NETWORK);
}

/* 1, 2, 4, ... seconds. */
static int backoff(int restart)
{
    int seconds = 1;
    for (int i = 1; i < restart && seconds < BACKOFF_LIMIT_S; i++) {
        seconds *= 2;
    }
    return seconds < BACKOFF_LIMIT_S ? seconds : BACKOFF_LIMIT_S;
}

/* The command line of a restart: `train --restart RUN ...`; the user's own from before
 * there was a run. Free the array. */
static char **next_command(const Invocation *invocation, char *restart)
{
    size_t n = (size_t)invocation->argc, at = 0;
    char **argv = mem_zalloc(n + 2, sizeof *argv);
    argv[at++] = invocation->argv[0];
    argv[at++] = invocation->argv[1];
    if (restart) {
        argv[at++] = restart;
    }
    for (size_t i = 2; i < n; i++) {
        argv[at++] = invocation->argv[i];
    }
    return argv;
}

/* The signals by which a user ends a training. */
static sigset_t user_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    return set;
}

/* The run ends where its last checkpoint stands. */
static Status stop_for_signal(const LaunchReport *report, int number)
{
    Status status = number == SIGINT ? STATUS_INTERRUPTED : STATUS_REQUEUE;
    if (report->run_id) {
        run_end_record(report->store_uri, report->run_id, status, NULL);
    }
    status_set(status, "stopped by %s before a restart",
               number == SIGINT ? "Ctrl-C" : strsignal(number));
    if (report->run_id) {
        status_hint("continue with: muster train --resume %s", report->run_id);
    }
    return status;
}

/* Tells of it and waits. Returns the number of a signal that ended the wait, or 0. */
static int begin_restart(const LaunchReport *report, int n, const char *reason)
{
    char text[16];
    int seconds = backoff(n);
    sigset_t asked = user_signals(), before;
    sigprocmask(SIG_BLOCK, &asked, &before);
    snprintf(text, sizeof text, "%d", n);
    setenv(FAULT_ENV_RESTARTS, text, 1);
    log_warning("%s; restart %d of %d in %d s", reason, n, report->max_failures, seconds);
    if (report->run_id && run_end_count_restart(report->store_uri, report->run_id, n,
                                                reason) != STATUS_OK) {
        log_warning("the restart could not be recorded: %s", status_message());
    }
    int number = sigtimedwait(&asked, NULL, &(struct timespec){.tv_sec = seconds});
    sigprocmask(SIG_SETMASK, &before, NULL);
    return number > 0 ? number : 0;
}

Status supervise(int n_ranks, const Invocation *invocation, bool *said)
{
    char *restart = NULL, **argv = next_command(invocation, NULL);
    LaunchReport report;
    Status status;
    for (int restarts = 0;;) {
        char reason[MAX_REASON];
        status = launch_supervise(n_ranks, argv, &report);
        describe(&report, status, reason);
        record_end(&report, reason);
        if (!deserves_restart(&report) || restarts >= report.max_failures) {
            break;
        }
        int number = begin_restart(&report, ++restarts, reason);
        if (number) {
            status = stop_for_signal(&report, number);
            break;
        }
        if (report.run_id && !restart) {
            restart = mem_printf("--restart=%s", report.run_id);
            free(argv);
            argv = next_command(invocation, restart);
        }
        launch_report_free(&report);
    }
    *said = status == STATUS_OK && report.exit_code != 0;
    status = *said ? (Status)report.exit_code : status;
    launch_report_free(&report);
    free(restart);
    free(argv);
    return status;
}
