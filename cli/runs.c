/* `muster runs`: what can be done with the runs of a store. */
#include "cli/runs.h"

extern const Command command_runs;

static const Command *const BELOW[] = {
    &command_runs_list,   &command_runs_show,    &command_runs_compare,
    &command_runs_diff,   &command_runs_best,    &command_runs_plot,
    &command_runs_watch,  &command_runs_note,    &command_runs_tag,
    &command_runs_rename, &command_runs_export,  &command_runs_delete,
    &command_runs_rm,     &command_runs_restore, NULL,
};

const Command command_runs = {
    .name = "runs",
    .summary = "lists, shows, compares, plots, watches and changes the runs of the store",
    .usage = "runs COMMAND [arguments] [options]",
    .below = BELOW,
};
