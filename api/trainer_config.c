/* Filling the sections. */
#include "api/trainer_config.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void point_sections(LoopConfig *c)
{
    const Section sections[N_SECTIONS] = {
        {"", "", top_fields, n_top_fields, &c->top},
        {"data", "", data_fields, n_data_fields, &c->data},
        {"checkpoint", "", checkpoint_fields, n_checkpoint_fields, &c->checkpoint},
        {"early_stopping", "", early_stop_fields, n_early_stop_fields,
         &c->early_stopping},
        {"callbacks", "", callback_fields, n_callback_fields, &c->callbacks},
        {"tracking", "", tracking_fields, n_tracking_fields, &c->tracking},
        {"model", "", model_fields, n_model_fields, &c->model},
        {"train", "", train_fields, n_train_fields, &c->train},
        {"predict", "", predict_fields, n_predict_fields, &c->predict},
        {"pretrain", "", pretrain_fields, n_pretrain_fields, &c->pretrain},
    };
    memcpy(c->sections, sections, sizeof sections);
}

static Status take(Config *source, const char *key, const char *value)
{
    if (!value) {
        return STATUS_OK;
    }
    char *assignment = mem_printf("%s=%s", key, value);
    Status status = config_override(source, assignment);
    free(assignment);
    return status;
}

static Status take_fields(Config *source, const MusterTrainerConfig *config)
{
    char keep[24] = "0";
    const MusterCheckpointConfig *checkpoint = &config->checkpoint;
    if (checkpoint->num_to_keep > 0) {
        snprintf(keep, sizeof keep, "%lld", (long long)checkpoint->num_to_keep);
    }
    TRY(take(source, "tracking.experiment_name", config->run.experiment));
    TRY(take(source, "tracking.run_name", config->run.name));
    TRY(take(source, "tracking.uri", config->run.tracking_uri));
    TRY(take(source, "tracking.artifact_root", config->run.artifact_root));
    TRY(take(source, "checkpoint.num_to_keep", checkpoint->num_to_keep ? keep : NULL));
    TRY(take(source, "checkpoint.checkpoint_score_attribute",
             checkpoint->score_attribute));
    TRY(take(source, "checkpoint.checkpoint_score_order", checkpoint->score_order));
    for (size_t i = 0; i < config->n_overrides; i++) {
        TRY(config_override(source, config->overrides[i]));
    }
    return STATUS_OK;
}

/* `experiment` and `tracking.experiment_name` name the same thing. */
static void settle_experiment(LoopConfig *c)
{
    bool given =
        strcmp(config_origin(c->source, "tracking.experiment_name"), "default") != 0;
    char **from = given ? &c->tracking.experiment_name : &c->top.experiment;
    char **to = given ? &c->top.experiment : &c->tracking.experiment_name;
    free(*to);
    *to = mem_strdup(*from);
}

static void add_param(void *context, const char *key, const char *value)
{
    LoopConfig *c = context;
    c->params = mem_grow(c->params, &c->cap_params, c->n_params + 1, sizeof *c->params);
    strlist_add(&c->texts, key);
    strlist_add(&c->texts, value);
    c->params[c->n_params++] =
        (NamedText){c->texts.items[c->texts.n - 2], c->texts.items[c->texts.n - 1]};
}

static void add_value(void *context, const char *key, const char *value)
{
    LoopConfig *c = context;
    c->values = mem_grow(c->values, &c->cap_values, c->n_values + 1, sizeof *c->values);
    strlist_add(&c->texts, key);
    strlist_add(&c->texts, value);
    c->values[c->n_values++] =
        (NamedText){c->texts.items[c->texts.n - 2], c->texts.items[c->texts.n - 1]};
}

bool loop_config_has_data(const LoopConfig *c)
{
    return c->data.train.n > 0;
}

/* The data section only where it says something. */
static void list_params(const MusterTrainerConfig *config, LoopConfig *c)
{
    for (size_t i = 0; i < N_OWN_SECTIONS; i++) {
        if (c->sections[i].target != &c->data || loop_config_has_data(c)) {
            config_flatten(&c->sections[i], 1, add_param, c);
        }
    }
    config_flatten(c->sections + N_OWN_SECTIONS, N_SECTIONS - N_OWN_SECTIONS, add_value,
                   c);
    for (size_t i = 0; i < config->n_params; i++) {
        const char *value = config->params[i].value;
        add_param(c, config->params[i].name, value ? value : "");
    }
}

static Status check_params(const MusterTrainerConfig *config)
{
    for (size_t i = 0; i < config->n_params; i++) {
        if (!config->params[i].name || !*config->params[i].name) {
            return status_set(STATUS_USAGE, "param %zu has no name", i);
        }
    }
    return STATUS_OK;
}

Status loop_config_read(const MusterTrainerConfig *config, LoopConfig *c)
{
    *c = (LoopConfig){0};
    point_sections(c);
    TRY(check_params(config));
    TRY(config_open(config->config_file, &c->source));
    TRY(tracking_config_environment(c->source));
    TRY(take_fields(c->source, config));
    TRY(config_apply(c->source, c->sections, N_SECTIONS));
    settle_experiment(c);
    if (loop_config_has_data(c)) {
        TRY(data_config_check(&c->data, c->source));
    }
    TRY(tracking_config_check(&c->tracking, c->source));
    list_params(config, c);
    return STATUS_OK;
}

void loop_config_free(LoopConfig *c)
{
    config_free(c->sections, N_SECTIONS);
    config_close(c->source);
    free(c->params);
    free(c->values);
    strlist_free(&c->texts);
    *c = (LoopConfig){0};
}
