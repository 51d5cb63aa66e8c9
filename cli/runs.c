/* `muster runs`: what can be done with the runs of a store. */
#include "cli/runs.h"

extern const Command command_runs;

static const Command *const BELOW[] = {&command_runs_list,
                                       &command_runs_show,
                                       &command_runs_plot,
                                       &command_runs_diff,
                                       &command_runs_delete,
                                       &command_runs_restore,
                                       NULL};

const Command command_runs = {
    .name = "runs",
    .summary =
        "lists, shows and compares the runs of the store, deletes and restores them",
    .usage = "runs list|show|diff|delete|restore [options]",
    .below = BELOW,
};
