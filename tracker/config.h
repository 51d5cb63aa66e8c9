/* The `tracking:` section: which store, which experiment, and what goes into a run. */
#ifndef MUSTER_TRACKER_CONFIG_H
#define MUSTER_TRACKER_CONFIG_H

#include "base/config.h"

#include <stdint.h>

/* When what is logged into a database counts as kept. */
typedef enum TrackingDurability {
    DURABILITY_NORMAL, /* once committed, whatever becomes of the process; a power cut may
                          cost the last commits, never the file */
    DURABILITY_FULL    /* once the disk has it, so after a power cut too */
} TrackingDurability;

typedef struct TrackingConfig {
    bool enabled;
    char *uri;             /* MLFLOW_TRACKING_URI */
    char *experiment_name; /* MLFLOW_EXPERIMENT_NAME */
    char *run_name;        /* NULL: a memorable one is made */
    char *run_id;          /* MLFLOW_RUN_ID: log into this run; NULL: a new one */
    char *artifact_root;   /* NULL: mlartifacts beside the store */
    bool save_artifact; /* result files and kept checkpoints reach the artifact store */
    int64_t
        step_interval;   /* optimizer steps between points of train_loss_step; 0 = none */
    bool system_metrics; /* processors, memory, disk and network of every node */
    double system_metrics_interval; /* seconds */
    bool console;                   /* what ranks print is kept: logs/rank-<n>.log */
    StrList tags;                   /* "key=value" */
    int durability;                 /* a TrackingDurability */
} TrackingConfig;

extern const Field tracking_fields[];
extern const size_t n_tracking_fields;

/* Puts the environment's MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and MLFLOW_RUN_ID
 * into the config, before config_apply. */
Status tracking_config_environment(Config *source);

/* What the table cannot say: tags without "=", a run id that is none, a bad URI. */
Status tracking_config_check(const TrackingConfig *config, const Config *source);

#endif
