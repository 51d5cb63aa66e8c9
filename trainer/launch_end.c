/* What a job came to: the exit code, and which rank is to blame. */
#include "trainer/launch_parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A rank that hung, left or vanished is to blame, whatever code the others ended with. */
static Status blame(Launch *launch, int code)
{
    char who[LAUNCH_REASON];
    int number = code - EXIT_SIGNAL;
    bool by_signal = number > 0 && number < NSIG && code != STATUS_INTERRUPTED;
    if (*launch->news.hung) {
        status_set(STATUS_FAILED, "%s", launch->news.hung);
        status_hint("a stopped process, a file system that does not answer, a lost host; "
                    "how long is borne: train.hang_timeout_s");
        return STATUS_FAILED;
    }
    bool named = launch_news_find_killed(launch->notices.held.p, who, sizeof who);
    if (by_signal) {
        status_set((Status)code, "%s was ended by signal %d (%s)",
                   named           ? who
                   : *launch->lost ? launch->lost
                                   : "a rank",
                   number, strsignal(number));
        if (number == SIGKILL) {
            status_hint("often the kernel, out of memory: see `dmesg`");
        }
        return (Status)code;
    }
    if (*launch->news.died) {
        return status_set(STATUS_FAILED, "%s", launch->news.died);
    }
    return status_set(STATUS_FAILED,
                      "%s has left in the middle of the job (exit code %d)", launch->lost,
                      code);
}

Status launch_conclude(Launch *launch, LaunchReport *report)
{
    int code = WIFEXITED(launch->wait_status)
                   ? WEXITSTATUS(launch->wait_status)
                   : EXIT_SIGNAL + WTERMSIG(launch->wait_status);
    int told = launch_notices_signal(&launch->notices);
    code = told > 0 ? EXIT_SIGNAL + told : code;
    int number = code - EXIT_SIGNAL;
    report->exit_code = code;
    report->by_user = launch->last_signal != 0;
    if (launch->n_interrupts > 1) {
        report->exit_code = STATUS_INTERRUPTED;
        return STATUS_OK;
    }
    if (!launch->attached && launch->last_signal) {
        report->exit_code = EXIT_SIGNAL + launch->last_signal;
        return STATUS_OK;
    }
    if (!launch->attached && code != 0) {
        launch_write(STDERR_FILENO, launch->notices.held.p, launch->notices.held.n);
        return status_set(STATUS_FAILED, "mpirun could not start the job (exit code %d)",
                          code);
    }
    report->broken = *launch->news.hung || *launch->news.died ||
                     (*launch->lost && launch->news.policy && !launch->any_goodbye) ||
                     (number > 0 && number < NSIG && code != STATUS_INTERRUPTED);
    if (report->broken) {
        Status status = blame(launch, code);
        report->exit_code = status;
        return status;
    }
    return STATUS_OK;
}
