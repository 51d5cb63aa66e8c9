/* The commands below `muster experiments`, one file for those that read and one for those
 * that change. */
#ifndef MUSTER_CLI_EXPERIMENTS_H
#define MUSTER_CLI_EXPERIMENTS_H

#include "cli/command.h"

/* experiments_list.c */
extern const Command command_experiments_list, command_experiments_show;

/* experiments_change.c */
extern const Command command_experiments_create, command_experiments_rename,
    command_experiments_delete, command_experiments_restore, command_experiments_tag;

#endif
