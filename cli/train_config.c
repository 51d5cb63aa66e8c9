/* Sections of all parts, read together. */
#include "cli/train_config.h"

#include "cli/bert_config.h"
#include "cli/label_config.h"
#include "cli/lite_config.h"

#include "base/files.h"
#include "base/json.h"
#include "base/mem.h"
#include "data/facts.h"

#include <stdlib.h>
#include <string.h>

void whole_config_init(WholeConfig *w)
{
    *w = (WholeConfig){0};
    const Section sections[N_ALL_SECTIONS] = {
        {"", "keys without a section", top_fields, n_top_fields, &w->top},
        {"data", "where rows come from and how text becomes numbers", data_fields,
         n_data_fields, &w->data},
        {"model", "the classifier", model_fields, n_model_fields, &w->model},
        {"train", "the train loop", train_fields, n_train_fields, &w->train},
        {"checkpoint", "which checkpoints are kept", checkpoint_fields,
         n_checkpoint_fields, &w->checkpoint},
        {"early_stopping", "ending before the last epoch", early_stop_fields,
         n_early_stop_fields, &w->early_stopping},
        {"callbacks", "what else listens to a training", callback_fields,
         n_callback_fields, &w->callbacks},
        {"predict", "how answers are given", predict_fields, n_predict_fields,
         &w->predict},
        {"tracking", "the run store", tracking_fields, n_tracking_fields, &w->tracking},
        {"pretrain", "what to start from: muster pretrain", pretrain_fields,
         n_pretrain_fields, &w->pretrain},
    };
    memcpy(w->sections, sections, sizeof sections);
    memcpy(w->recorded, sections + 1, sizeof w->recorded);
}

void whole_config_free(WholeConfig *w)
{
    config_free(w->sections, N_ALL_SECTIONS);
    free(w->init_place);
    w->init_place = NULL;
    config_close(w->source);
    w->source = NULL;
}

void train_job_help(FILE *out)
{
    WholeConfig whole;
    whole_config_init(&whole);
    config_help(whole.sections, N_TRAIN_SECTIONS, out);
}

enum { PARAMS_LIMIT = 1 << 20 };

/* A value of params.json as the command line would give it; NULL when there is none. Free
 * with free(). */
static char *text_of_param(const Json *value)
{
    char number[32];
    switch (json_type(value)) {
    case JSON_STRING:
        return *json_string(value) ? mem_strdup(json_string(value)) : NULL;
    case JSON_INT:
        return mem_printf("%lld", (long long)json_int(value, 0));
    case JSON_DOUBLE:
        text_from_double(json_double(value, 0), number);
        return mem_strdup(number);
    case JSON_BOOL:
        return mem_strdup(json_bool(value, false) ? "true" : "false");
    default:
        return NULL;
    }
}

/* A resumed run's own values: params.json holds every dotted key. */
static Status take_params(Config *config, const char *params_json)
{
    Json *json = NULL;
    TRY(json_load(params_json, PARAMS_LIMIT, STATUS_DAMAGED, &json));
    Status status = STATUS_OK;
    for (size_t i = 0; i < json_size(json) && status == STATUS_OK; i++) {
        const Json *value;
        const char *key = json_key(json, i, &value);
        char *text = text_of_param(value);
        if (text) {
            char *assignment = mem_printf("%s=%s", key, text);
            status = config_override(config, assignment);
            free(assignment);
        }
        free(text);
    }
    json_free(json);
    return status;
}

static Status take_option(Config *config, const char *key, const char *value)
{
    if (!value) {
        return STATUS_OK;
    }
    char *assignment = mem_printf("%s=%s", key, value);
    Status status = config_override(config, assignment);
    free(assignment);
    return status;
}

/* The values that a resumed run chose for what its config leaves to the rows. */
static Status take_chosen(WholeConfig *w, const char *params_json)
{
    Json *json = NULL;
    TRY(json_load(params_json, PARAMS_LIMIT, STATUS_DAMAGED, &json));
    Status status = STATUS_OK;
    for (size_t i = 0; i < N_TRAIN_SECTIONS; i++) {
        const Section *section = &w->sections[i];
        for (size_t k = 0; k < section->n_fields && status == STATUS_OK; k++) {
            if (!config_is_auto(section, &section->fields[k])) {
                continue;
            }
            char *key = mem_printf("%s.%s", section->name, section->fields[k].key);
            char *text = text_of_param(json_get(json, key));
            status = take_option(w->source, key, text);
            free(text);
            free(key);
        }
    }
    json_free(json);
    TRY(status);
    return config_apply(w->source, w->sections, N_ALL_SECTIONS);
}

static Status take_all(Config *config, const char *params_json,
                       const char *const *overrides, size_t n_overrides,
                       const TrainOptions *options)
{
    if (params_json) {
        TRY(take_params(config, params_json));
    }
    TRY(tracking_config_environment(config));
    for (size_t i = 0; i < n_overrides; i++) {
        TRY(config_override(config, overrides[i]));
    }
    TRY(take_option(config, "tracking.experiment_name", options->experiment));
    TRY(take_option(config, "tracking.run_name", options->run_name));
    return take_option(config, "tracking.uri", options->tracking_uri);
}

/* Given, not left to its default: somebody who names a folder to start from has not asked
 * for it to be made. */
static bool makes_vectors(const WholeConfig *w, const Config *config)
{
    const char *from = w->model.init_from, *out = w->pretrain.out;
    return w->pretrain.objective == OBJECTIVE_SKIPGRAM && w->model.arch == ARCH_LITE &&
           from && *from && out && strcmp(from, out) == 0 &&
           strcmp(config_origin(config, "pretrain.out"), "default") != 0;
}

/* Margins tell one label from all others; several labels a text have no such side. */
static Status check_wide_loss(const WholeConfig *w, const Config *config)
{
    if (w->train.wide_loss == WIDE_LOSS_SAME || !w->data.label_separator) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG, "%s: train.wide_loss: goes with one label a text",
               config_origin(config, "train.wide_loss"));
    status_hint("train.wide_loss=same");
    return STATUS_CONFIG;
}

static Status check_all(const WholeConfig *w, const Config *config, int n_ranks)
{
    TRY(data_config_check(&w->data, config));
    TRY(model_config_check(&w->model, config));
    TRY(check_wide_loss(w, config));
    TRY(train_config_check(&w->train, config, n_ranks));
    return tracking_config_check(&w->tracking, config);
}

static void add_to_digest(void *sha, const char *key, const char *value)
{
    sha256_add(sha, key, strlen(key) + 1);
    sha256_add(sha, value, strlen(value) + 1);
}

/* `experiment` and `tracking.experiment_name` name the same thing; flag and environment
 * set the second, most files the first. */
static void settle_experiment(WholeConfig *w, const Config *config)
{
    bool given =
        strcmp(config_origin(config, "tracking.experiment_name"), "default") != 0;
    char **from = given ? &w->tracking.experiment_name : &w->top.experiment;
    char **to = given ? &w->top.experiment : &w->tracking.experiment_name;
    free(*to);
    *to = mem_strdup(*from);
}

static void digest_values(WholeConfig *w)
{
    Sha256 *sha = sha256_begin();
    config_flatten(w->sections, N_TRAIN_SECTIONS, add_to_digest, sha);
    sha256_end(sha, w->digest);
}

static Status fill(WholeConfig *w, const ConfigFiles *files, const char *const *overrides,
                   size_t n_overrides, const TrainOptions *options)
{
    const char *below = files->path ? NULL : files->params_json;
    TRY(config_open(files->path, &w->source));
    TRY(take_all(w->source, below, overrides, n_overrides, options));
    TRY(config_apply(w->source, w->sections, N_ALL_SECTIONS));
    if (files->path && files->params_json) {
        TRY(take_chosen(w, files->params_json));
    }
    settle_experiment(w, w->source);
    bool settled = below || options->reproduction;
    TRY(bert_config_settle(w, w->source, settled));
    TRY(lite_config_settle(w, w->source, settled));
    return label_config_settle(w, w->source);
}

Status whole_config_read(WholeConfig *w, const ConfigFiles *files,
                         const char *const *overrides, size_t n_overrides,
                         const TrainOptions *options, int n_ranks)
{
    TRY(fill(w, files, overrides, n_overrides, options));
    w->init_place = mem_strdup(config_origin(w->source, "model.init_from"));
    w->makes_vectors = makes_vectors(w, w->source);
    TRY(check_all(w, w->source, n_ranks));
    digest_values(w);
    return STATUS_OK;
}

Status whole_config_resolve(WholeConfig *w, const DataFacts *facts, int n_ranks)
{
    config_resolve(w->source, w->sections, N_TRAIN_SECTIONS, facts);
    digest_values(w);
    return check_all(w, w->source, n_ranks);
}

Status whole_config_explain(WholeConfig *w, int n_ranks, FILE *out)
{
    DataFacts facts;
    if (config_has_auto(w->sections, N_TRAIN_SECTIONS)) {
        if (data_facts_read(&w->data, (uint64_t)w->top.seed, &facts) == STATUS_OK) {
            TRY(whole_config_resolve(w, &facts, n_ranks));
        } else {
            config_leave_auto(w->source, status_message());
        }
    }
    config_explain(w->source, w->sections, N_TRAIN_SECTIONS, out);
    return STATUS_OK;
}
