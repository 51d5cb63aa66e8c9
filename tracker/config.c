/* The fields of `tracking:`, and the environment's say in them. */
#include "tracker/config.h"

#include "tracker/store.h"
#include "tracker/validate.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(TrackingConfig, field)

static const char *const DURABILITIES[] = {
    [DURABILITY_NORMAL] = "normal", [DURABILITY_FULL] = "full", NULL};

const Field tracking_fields[] = {
    {"enabled", FIELD_BOOL, AT(enabled), "true", .help = "log the run into a store"},
    {"uri", FIELD_TEXT, AT(uri), "sqlite:///muster.db",
     .help = "the store: sqlite:///FILE (environment: MLFLOW_TRACKING_URI)"},
    {"experiment_name", FIELD_TEXT, AT(experiment_name), "Default",
     .help = "experiment, created when missing (environment: MLFLOW_EXPERIMENT_NAME)"},
    {"run_name", FIELD_TEXT, AT(run_name), NULL,
     .help = "name of the run; a memorable one is made when absent"},
    {"run_id", FIELD_TEXT, AT(run_id), NULL,
     .help = "log into this existing run (environment: MLFLOW_RUN_ID)"},
    {"artifact_root", FIELD_TEXT, AT(artifact_root), NULL,
     .help = "folder for new experiments' artifacts; mlartifacts beside the store when "
             "absent"},
    {"save_artifact", FIELD_BOOL, AT(save_artifact), "true",
     .help = "keep result files and checkpoints with the run's artifacts"},
    {"step_interval", FIELD_INT, AT(step_interval), "10", .min = 0, .max = 1e9,
     .unit = "steps", .help = "log train_loss_step every so many steps; 0 = never"},
    {"system_metrics", FIELD_BOOL, AT(system_metrics), "true",
     .help = "log processors, memory, disk and network of every node as system/... "
             "(environment: MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING)"},
    {"system_metrics_interval", FIELD_DOUBLE, AT(system_metrics_interval), "10",
     .min = 0.05, .max = 86400, .unit = "s",
     .help = "from one look at the machine to the next (environment: "
             "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL)"},
    {"console", FIELD_BOOL, AT(console), "true",
     .help = "keep what each rank prints with the run: logs/rank-<n>.log, 10 MB at most"},
    {"durability", FIELD_CHOICE, AT(durability), "normal", .choices = DURABILITIES,
     .help = "full: each commit waits for the disk, so that a power cut costs nothing; "
             "normal: it may cost the last commits"},
    {"tags", FIELD_LIST, AT(tags), NULL, .help = "tags of the run: [key=value, ...]"},
};

const size_t n_tracking_fields = sizeof tracking_fields / sizeof tracking_fields[0];

static Status take_variable(Config *source, const char *variable, const char *key)
{
    const char *value = getenv(variable);
    return value && *value ? config_environment(source, variable, key, value) : STATUS_OK;
}

Status tracking_config_environment(Config *source)
{
    TRY(take_variable(source, "MLFLOW_TRACKING_URI", "tracking.uri"));
    TRY(take_variable(source, "MLFLOW_EXPERIMENT_NAME", "tracking.experiment_name"));
    TRY(take_variable(source, "MLFLOW_RUN_ID", "tracking.run_id"));
    TRY(take_variable(source, "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING",
                      "tracking.system_metrics"));
    return take_variable(source, "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL",
                         "tracking.system_metrics_interval");
}

/* Puts the place of a value before the message, as every config error has it. */
static Status wrong(const Config *source, const char *key)
{
    char hint[512];
    snprintf(hint, sizeof hint, "%s", status_hint_text());
    status_prefix("%s: %s", config_origin(source, key), key);
    status_hint("%s", hint);
    return STATUS_CONFIG;
}

static Status check_tag(const char *tag)
{
    const char *equals = strchr(tag, '=');
    if (!equals || equals == tag) {
        return status_set(STATUS_CONFIG, "expected key=value, found \"%s\"", tag);
    }
    char key[LIMIT_KEY * 4 + 2];
    snprintf(key, sizeof key, "%.*s", (int)(equals - tag), tag);
    return validate_key("tag", key);
}

Status tracking_config_check(const TrackingConfig *config, const Config *source)
{
    if (!config->enabled) {
        return STATUS_OK;
    }
    char *resolved = NULL;
    if (store_uri_resolve(config->uri, &resolved) != STATUS_OK) {
        return wrong(source, "tracking.uri");
    }
    free(resolved);
    if (config->run_id && validate_run_id(config->run_id) != STATUS_OK) {
        return wrong(source, "tracking.run_id");
    }
    ExperimentCreate experiment = {.name = config->experiment_name};
    if (validate_experiment(&experiment) != STATUS_OK) {
        return wrong(source, "tracking.experiment_name");
    }
    for (size_t i = 0; i < config->tags.n; i++) {
        if (check_tag(config->tags.items[i]) != STATUS_OK) {
            return wrong(source, "tracking.tags");
        }
    }
    return STATUS_OK;
}
