/* `muster exec`: any command as a run. */
#include "cli/exec_run.h"

#include "base/config.h"
#include "base/console_capture.h"
#include "base/mem.h"
#include "cli/command.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 1000 };

static struct ExecOptions {
    const char *experiment, *run_name, *tracking_uri;
} options;

#define AT(field) offsetof(struct ExecOptions, field)

static const Option OPTIONS[] = {
    {.name = "experiment",
     .kind = OPTION_TEXT,
     .offset = AT(experiment),
     .value = "NAME",
     .help = "created when missing"},
    {.name = "run-name",
     .kind = OPTION_TEXT,
     .offset = AT(run_name),
     .value = "NAME",
     .help = "instead of a made-up one"},
    {.name = "tracking-uri",
     .kind = OPTION_TEXT,
     .offset = AT(tracking_uri),
     .value = "URI",
     .help = "the run store, sqlite:///PATH"},
};

static Status take(Config *config, const char *key, const char *value)
{
    if (!value) {
        return STATUS_OK;
    }
    char *assignment = mem_printf("tracking.%s=%s", key, value);
    Status status = config_override(config, assignment);
    free(assignment);
    return status;
}

/* The `tracking:` section as flags and environment have it. */
static Status read_config(const Section *section, TrackingConfig *tracking)
{
    Config *config = NULL;
    TRY(config_open(NULL, &config));
    Status status = tracking_config_environment(config);
    status = status == STATUS_OK ? take(config, "experiment_name", options.experiment)
                                 : status;
    status = status == STATUS_OK ? take(config, "run_name", options.run_name) : status;
    status = status == STATUS_OK ? take(config, "uri", options.tracking_uri) : status;
    status = status == STATUS_OK ? config_apply(config, section, 1) : status;
    status = status == STATUS_OK ? tracking_config_check(tracking, config) : status;
    config_close(config);
    return status;
}

/* The command's own code is ours. A signal is worth a word, anything else the command has
 * said itself. */
static Status conclude(const char *command, const ChildEnd *end)
{
    if (end->signal_number) {
        return status_set((Status)end->exit_code, "%s was ended by signal %d (%s)",
                          command, end->signal_number, strsignal(end->signal_number));
    }
    if (end->exit_code != 0) {
        command_silence();
    }
    return (Status)end->exit_code;
}

static Status run_tracked(TrackingConfig *tracking, char *const argv[])
{
    ExecRun *run;
    ChildEnd end;
    TRY(exec_run_open(tracking, argv, &run));
    exec_run_export(run);
    Status started = exec_child_run(argv, TICK_MS, exec_run_tick, run, &end);
    char *message = mem_strdup(status_message()), *hint = mem_strdup(status_hint_text());
    Status logged = exec_run_close(run, &end);
    Status status;
    if (started != STATUS_OK) {
        status = status_set((Status)end.exit_code, "%s", message);
        status_hint("%s", hint);
    } else {
        status = end.exit_code != 0 ? conclude(argv[0], &end) : logged;
    }
    free(message);
    free(hint);
    return status;
}

static Status run(const Invocation *invocation)
{
    TrackingConfig tracking = {0};
    const Section section = {"tracking", "", tracking_fields, n_tracking_fields,
                             &tracking};
    char **argv = mem_zalloc(invocation->n_args + 1, sizeof *argv);
    memcpy(argv, invocation->args, invocation->n_args * sizeof *argv);
    Status status = read_config(&section, &tracking);
    if (status == STATUS_OK) {
        if (tracking.console) {
            console_capture_begin();
        }
        status = run_tracked(&tracking, argv);
    }
    config_free(&section, 1);
    free(argv);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster exec -- python train.py --lr 0.1",
     "any command, its output kept with the run"},
    {"muster exec --experiment sweeps --run-name a -- ./job.sh", "named"},
    {"mpirun -n 4 muster exec -- ./solver", "one run, a log for each rank"},
};

const Command command_exec = {
    .name = "exec",
    .summary = "run any command as a run: output, exit code, machine, git state",
    .usage = "exec [options] -- COMMAND [arguments ...]",
    .details =
        "The command keeps its terminal and exit code (128 + n when signal n ended it). "
        "What it\nlogs with MLFLOW_RUN_ID and MLFLOW_TRACKING_URI, which it is given, "
        "joins the run.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = ANY_ARGS,
    .arg = "COMMAND (behind --)",
    .run = run,
};
