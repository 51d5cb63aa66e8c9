/* The run of `muster exec`: made by the first task of a job and found by the others. */
#ifndef MUSTER_CLI_EXEC_RUN_H
#define MUSTER_CLI_EXEC_RUN_H

#include "cli/exec_child.h"
#include "tracker/config.h"

typedef struct ExecRun ExecRun;

/* Task 0 creates the run (or takes up MLFLOW_RUN_ID) with the command, machine and git
 * state in its tags; the others wait for it to appear in the store. From then on the
 * console is kept, and system metrics where this task is its node's first one. `config`
 * and `argv` are borrowed until close. */
Status exec_run_open(TrackingConfig *config, char *const argv[], ExecRun **out);

/* Lets the child log into the same run: MLFLOW_RUN_ID, MLFLOW_TRACKING_URI,
 * MLFLOW_EXPERIMENT_ID in this process' environment. */
void exec_run_export(const ExecRun *run);

/* Logs what system metrics have gathered. Returns at once. */
void exec_run_tick(void *run);

/* Records how the command ended, and frees. */
Status exec_run_close(ExecRun *run, const ChildEnd *end);

#endif
