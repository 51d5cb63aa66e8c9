/* The commands below `muster models`, and how they print versions. */
#ifndef MUSTER_CLI_MODELS_H
#define MUSTER_CLI_MODELS_H

#include "base/json.h"
#include "cli/command.h"
#include "cli/output.h"
#include "tracker/registry.h"

/* models_list.c */
extern const Command command_models_list, command_models_show, command_models_versions;

/* models_register.c */
extern const Command command_models_register;

/* models_change.c */
extern const Command command_models_alias, command_models_stage, command_models_delete,
    command_models_tag;

/* models_print.c: an object of a version, and a table of several (`name` with the model's
 * name in it). */
void write_version_json(JsonWriter *w, const ModelVersion *version);
void print_versions(const ModelVersions *versions, bool name, Output *output);
void print_versions_csv(const ModelVersions *versions, Output *output);

/* One version as the whole answer of a command: "DONE models:/NAME/VERSION", or JSON. */
void print_version_done(const Invocation *invocation, const ModelVersion *version,
                        const char *done);

#endif
