/* `muster experiments`: what can be done with the experiments of a store. */
#include "cli/experiments.h"

extern const Command command_experiments;

static const Command *const BELOW[] = {
    &command_experiments_list,   &command_experiments_show,
    &command_experiments_create, &command_experiments_rename,
    &command_experiments_delete, &command_experiments_restore,
    &command_experiments_tag,    NULL};

const Command command_experiments = {
    .name = "experiments",
    .summary = "lists, makes, renames, tags, deletes and restores experiments",
    .usage = "experiments list|show|create|rename|delete|restore|tag [options]",
    .below = BELOW,
};
