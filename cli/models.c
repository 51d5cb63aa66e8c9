/* `muster models`: what can be done with the models of the registry. */
#include "cli/models.h"

extern const Command command_models;

static const Command *const BELOW[] = {
    &command_models_register, &command_models_list,   &command_models_show,
    &command_models_versions, &command_models_alias,  &command_models_stage,
    &command_models_tag,      &command_models_delete, NULL};

const Command command_models = {
    .name = "models",
    .summary = "registers models under names, with versions, aliases and stages",
    .usage = "models register|list|show|versions|alias|stage|tag|delete [options]",
    .details = "A version is named models:/NAME/VERSION, models:/NAME@ALIAS or "
               "models:/NAME/STAGE wherever a\nrun or a checkpoint is taken.",
    .below = BELOW,
};
