/* The commands below `muster runs`, a file each, for cli/runs.c. */
#ifndef MUSTER_CLI_RUNS_H
#define MUSTER_CLI_RUNS_H

#include "cli/command.h"

/* What every command takes for a run (run_reference_find). */
#define RUN_REFERENCE_HELP                                                               \
    "RUN is an id, the beginning of one, a name, last, or "                              \
    "best:EXPERIMENT[:METRIC[:min|max]],\n"                                              \
    "or models:/NAME/VERSION or models:/NAME@ALIAS for the run it came from."

extern const Command command_runs_list, command_runs_show, command_runs_compare,
    command_runs_diff, command_runs_best, command_runs_plot, command_runs_watch,
    command_runs_note, command_runs_tag, command_runs_rename, command_runs_export,
    command_runs_delete, command_runs_rm, command_runs_restore;

#endif
