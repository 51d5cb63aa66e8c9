/* Composes and reads checkpoint folders from the parts that model/ and data/ write. */
#include "trainer/checkpoint.h"

#include "base/pulse.h"
#include "base/fault.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "model/params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT_VERSION = 1, JSON_LIMIT = 64 << 20, CHECKPOINT_FILE = 64 };

static void write_section(JsonWriter *w, const Section *section)
{
    json_write_key(w, section->name);
    json_begin_object(w);
    for (size_t i = 0; i < section->n_fields; i++) {
        if (section->fields[i].placement) {
            continue;
        }
        char *value = config_value(section, &section->fields[i]);
        json_write_key(w, section->fields[i].key);
        json_write_string(w, value);
        free(value);
    }
    json_end_object(w);
}

static void write_position(JsonWriter *w, const TrainPosition *at, int64_t step)
{
    json_write_key(w, "epoch");
    json_write_int(w, at->epoch);
    json_write_key(w, "step_in_epoch");
    json_write_int(w, at->step_in_epoch);
    json_write_key(w, "step");
    json_write_int(w, step);
    json_write_key(w, "iteration");
    json_write_int(w, at->iteration);
}

/* The seeds of the other models, in the order of the mean. */
static void write_members(JsonWriter *w, const CheckpointInfo *info)
{
    if (info->n_more == 0) {
        return;
    }
    json_write_key(w, "more_seeds");
    json_begin_array(w);
    for (size_t i = 0; i < info->n_more; i++) {
        json_write_int(w, (int64_t)info->more[i].seed);
    }
    json_end_array(w);
}

/* From which probability on each label is given. */
static void write_thresholds(JsonWriter *w, const Preprocessor *pre,
                             const double *thresholds)
{
    if (!thresholds) {
        return;
    }
    json_write_key(w, "thresholds");
    json_begin_object(w);
    for (size_t i = 0; i < preprocessor_n_classes(pre); i++) {
        json_write_key(w, preprocessor_label(pre, i));
        json_write_double(w, thresholds[i]);
    }
    json_end_object(w);
}

static Status save_description(const char *dir, const Preprocessor *pre,
                               const CheckpointInfo *info)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    json_write_key(&w, "format_version");
    json_write_int(&w, FORMAT_VERSION);
    write_position(&w, info->position,
                   info->n_more > 0 ? info->step : info->position->step);
    json_write_key(&w, "metrics");
    json_begin_object(&w);
    for (size_t i = 0; i < info->n_metrics; i++) {
        json_write_key(&w, info->metrics[i].name);
        json_write_double(&w, info->metrics[i].value);
    }
    json_end_object(&w);
    json_write_key(&w, "seed");
    json_write_int(&w, (int64_t)info->seed);
    write_members(&w, info);
    write_thresholds(&w, pre, info->thresholds);
    json_write_key(&w, "digests");
    json_begin_object(&w);
    for (size_t i = 0; i < info->n_digests; i++) {
        json_write_key(&w, info->digests[i].name);
        json_write_string(&w, info->digests[i].value);
    }
    json_end_object(&w);
    for (size_t i = 0; i < info->n_sections; i++) {
        write_section(&w, &info->sections[i]);
    }
    json_write_key(&w, "preprocessor");
    preprocessor_describe(pre, &w);
    json_end_object(&w);
    strbuf_add_char(&out, '\n');
    char *path = path_join(dir, "muster.json");
    Status status = file_write(path, out.p, out.n);
    free(path);
    strbuf_free(&out);
    return status;
}

/* The optimizer's arrays and the position's exact sums; and the weights themselves, when
 * the model's file has their average. */
static Status save_state(const char *dir, const char *name, const Classifier *raw,
                         const Optimizer *optimizer, const TrainPosition *at)
{
    size_t n_raw = raw ? classifier_n_tensors(raw) : 0;
    Tensor *tensors = mem_alloc(OPTIMIZER_TENSORS + 2 + n_raw, sizeof *tensors);
    size_t n = optimizer_state(optimizer, tensors);
    const int64_t counts[] = {at->epoch, at->step_in_epoch, at->step, at->iteration};
    const double sums[] = {at->loss_sum, at->texts_seen};
    tensors[n++] = (Tensor){.name = "position.counts",
                            .type = TENSOR_I64,
                            .rank = 1,
                            .dims = {4},
                            .data = counts};
    tensors[n++] = (Tensor){.name = "position.sums",
                            .type = TENSOR_F64,
                            .rank = 1,
                            .dims = {2},
                            .data = sums};
    if (raw) {
        classifier_tensors(raw, tensors + n);
    }
    char *path = path_join(dir, name);
    Status status = safetensors_write(path, tensors, n + n_raw, NULL, 0);
    free(path);
    free(tensors);
    return status;
}

static Status save_member(const char *dir, const CheckpointMember *member,
                          const CheckpointInfo *info)
{
    char name[CHECKPOINT_FILE];
    const Optimizer *optimizer =
        member->elsewhere ||
                (member->optimizer && optimizer_is_sharded(member->optimizer))
            ? info->fetch(info->context, member)
            : member->optimizer;
    Classifier *average = optimizer_average(optimizer, member->model);
    snprintf(name, sizeof name, CHECKPOINT_WEIGHTS, (unsigned long long)member->seed);
    Status status = classifier_save_weights(average ? average : member->model, dir, name);
    if (status == STATUS_OK) {
        snprintf(name, sizeof name, CHECKPOINT_STATE, (unsigned long long)member->seed);
        status =
            save_state(dir, name, average ? member->model : NULL, optimizer, &member->at);
    }
    classifier_close(average);
    return status;
}

static Status save_model(const char *dir, const Classifier *model,
                         const Preprocessor *pre)
{
    size_t n = preprocessor_n_classes(pre);
    const char **labels = mem_alloc(n, sizeof *labels);
    for (size_t i = 0; i < n; i++) {
        labels[i] = preprocessor_label(pre, i);
    }
    Status status = classifier_save(model, dir, labels);
    free(labels);
    return status;
}

static Status save_first(const char *dir, const Classifier *model,
                         const Preprocessor *pre, const Optimizer *optimizer,
                         const TrainPosition *at)
{
    Classifier *average = optimizer_average(optimizer, model);
    Status status = save_model(dir, average ? average : model, pre);
    if (status == STATUS_OK) {
        status = save_state(dir, "training_state.safetensors", average ? model : NULL,
                            optimizer, at);
    }
    classifier_close(average);
    return status;
}

static Status compose(const char *dir, const Classifier *model, const Preprocessor *pre,
                      const Optimizer *optimizer, const CheckpointInfo *info)
{
    TRY(save_first(dir, model, pre, optimizer, info->position));
    fault_point("checkpoint");
    TRY(preprocessor_save(pre, dir));
    for (size_t i = 0; i < info->n_more; i++) {
        TRY(save_member(dir, &info->more[i], info));
    }
    TRY(save_description(dir, pre, info));
    pulse_beat();
    return manifest_write(dir);
}

/* Clearing up must not lose the reason. */
static void remove_quietly(const char *dir)
{
    char *message = mem_strdup(status_message());
    tree_remove(dir);
    status_set(STATUS_FAILED, "%s", message);
    free(message);
}

/* Gives `aside` the name `dir`. An older folder of that name is first put aside as well,
 * not removed in place: whenever the process dies, what has the name is whole. */
static Status put_in_place(const char *aside, const char *dir)
{
    char *old = mem_printf("%s.old.tmp", dir);
    Status status = tree_remove(old);
    if (status == STATUS_OK && rename(dir, old) != 0 && errno != ENOENT) {
        status =
            status_set(STATUS_FAILED, "%s: cannot be replaced: %s", dir, strerror(errno));
    }
    if (status == STATUS_OK && rename(aside, dir) != 0) {
        status = status_set(STATUS_FAILED, "%s: cannot be renamed into place: %s", dir,
                            strerror(errno));
    }
    if (status == STATUS_OK) {
        status = tree_remove(old);
    }
    free(old);
    return status;
}

Status checkpoint_save(const char *dir, const Classifier *model, const Preprocessor *pre,
                       const Optimizer *optimizer, const CheckpointInfo *info)
{
    char *aside = mem_printf("%s.tmp", dir);
    Status status = tree_remove(aside);
    if (status == STATUS_OK) {
        status = dir_make(aside);
    }
    if (status == STATUS_OK) {
        status = compose(aside, model, pre, optimizer, info);
    }
    if (status == STATUS_OK) {
        status = put_in_place(aside, dir);
    }
    if (status == STATUS_OK) {
        char *parent = mem_strndup(dir, (size_t)(path_base(dir) - dir));
        status = dir_sync(*parent ? parent : ".");
        free(parent);
    } else {
        remove_quietly(aside);
    }
    free(aside);
    return status;
}

static Status restore_position(const Safetensors *file, TrainPosition *at)
{
    const void *counts, *sums;
    TRY(safetensors_get(file, "position.counts", TENSOR_I64, 1, (size_t[]){4}, &counts));
    TRY(safetensors_get(file, "position.sums", TENSOR_F64, 1, (size_t[]){2}, &sums));
    const int64_t *c = counts;
    const double *s = sums;
    *at = (TrainPosition){c[0], c[1], c[2], c[3], s[0], s[1]};
    return STATUS_OK;
}

/* `model` has the weights of the model's file, and gets those to go on with. */
static Status restore_state(const char *dir, const char *name, bool averaged,
                            Classifier *model, Optimizer *optimizer,
                            TrainPosition *position)
{
    Safetensors *file = NULL;
    char *path = path_join(dir, name);
    Status status = safetensors_open(path, &file);
    if (status == STATUS_OK && optimizer_check_average(optimizer, file) != STATUS_OK) {
        status_prefix("%s", dir);
        status = STATUS_DAMAGED;
    }
    if (status == STATUS_OK) {
        status = optimizer_restore(optimizer, file);
    }
    if (status == STATUS_OK) {
        status = restore_position(file, position);
    }
    if (status == STATUS_OK && averaged) {
        status = classifier_take_weights(model, file);
    }
    safetensors_close(file);
    free(path);
    return status;
}

Status checkpoint_restore(const char *dir, Classifier **model,
                          const OptimizerConfig *config, Optimizer **optimizer,
                          TrainPosition *position)
{
    TRY(manifest_verify(dir));
    Classifier *loaded = NULL;
    TRY(classifier_load(dir, &loaded));
    Optimizer *state = optimizer_open(loaded, config);
    Status status = restore_state(dir, "training_state.safetensors", config->ema > 0,
                                  loaded, state, position);
    if (status != STATUS_OK) {
        optimizer_close(state);
        classifier_close(loaded);
        return status;
    }
    *model = loaded;
    *optimizer = state;
    return STATUS_OK;
}

void checkpoint_member_let_go(CheckpointMember *member)
{
    if (member->elsewhere) {
        optimizer_close(member->optimizer);
        member->optimizer = NULL;
    }
}

static Status check_members(const char *dir, const CheckpointMember *more, size_t n_more)
{
    char *path = path_join(dir, "muster.json");
    Json *json = NULL;
    Status status = json_load(path, JSON_LIMIT, STATUS_DAMAGED, &json);
    const Json *seeds = json_get(json, "more_seeds");
    bool same = status == STATUS_OK && json_size(seeds) == n_more;
    for (size_t i = 0; same && i < n_more; i++) {
        same = json_int(json_at(seeds, i), -1) == (int64_t)more[i].seed;
    }
    if (status == STATUS_OK && !same) {
        status = status_set(STATUS_DAMAGED,
                            "%s: has the models of %zu seeds, not of the %zu asked for",
                            dir, json_size(seeds) + 1, n_more + 1);
        status_hint("resume with the seed and train.seeds of the run");
    }
    json_free(json);
    free(path);
    return status;
}

Status checkpoint_restore_more(const char *dir, const Classifier *first,
                               const OptimizerConfig *config, CheckpointMember *more,
                               size_t n_more)
{
    TRY(check_members(dir, more, n_more));
    for (size_t i = 0; i < n_more; i++) {
        char name[CHECKPOINT_FILE];
        unsigned long long seed = more[i].seed;
        snprintf(name, sizeof name, CHECKPOINT_WEIGHTS, seed);
        TRY(classifier_load_weights(first, dir, name, &more[i].model));
        more[i].optimizer = optimizer_open(more[i].model, config);
        snprintf(name, sizeof name, CHECKPOINT_STATE, seed);
        TRY(restore_state(dir, name, config->ema > 0, more[i].model, more[i].optimizer,
                          &more[i].at));
        checkpoint_member_let_go(&more[i]);
    }
    return STATUS_OK;
}

static void write_shape(const Param *param, char out[64])
{
    if (!param) {
        snprintf(out, 64, "none");
    } else if (param->columns) {
        snprintf(out, 64, "[%zu, %zu]", param->rows, param->columns);
    } else {
        snprintf(out, 64, "[%zu]", param->rows);
    }
}

static const Param *same_name(const ParamTable *table, const char *name)
{
    for (size_t i = 0; i < table->n; i++) {
        if (strcmp(table->items[i].name, name) == 0) {
            return &table->items[i];
        }
    }
    return NULL;
}

/* Of the tensors of `a`, the first that `b` has not or has in another shape. */
static bool find_difference(const ParamTable *a, const ParamTable *b, const char **name)
{
    for (size_t i = 0; i < a->n; i++) {
        const Param *mine = &a->items[i], *other = same_name(b, mine->name);
        if (!other || other->rows != mine->rows || other->columns != mine->columns) {
            *name = mine->name;
            return true;
        }
    }
    return false;
}

static Status refuse_shape(const char *dir, const char *key, int64_t there, int64_t here,
                           const ParamTable *saved, const ParamTable *wanted)
{
    char tensor[256] = "";
    const char *name;
    if (find_difference(saved, wanted, &name) || find_difference(wanted, saved, &name)) {
        char shapes[2][64];
        write_shape(same_name(saved, name), shapes[0]);
        write_shape(same_name(wanted, name), shapes[1]);
        snprintf(tensor, sizeof tensor, " (tensor \"%s\": %s, expected %s)", name,
                 shapes[0], shapes[1]);
    }
    status_set(STATUS_DAMAGED, "%s: made with %s %lld, expected %lld%s", dir, key,
               (long long)there, (long long)here, tensor);
    status_hint("resume with the config and data the run was begun with, or start a new "
                "run");
    return STATUS_DAMAGED;
}

Status checkpoint_check_shape(const char *dir, const Classifier *model,
                              const ModelConfig *config, const ModelSizes *sizes)
{
    const ModelConfig *c = classifier_config(model);
    const ModelSizes *s = classifier_sizes(model);
    const struct {
        const char *key;
        int64_t there, here;
    } facts[] = {
        {"model.hidden", c->hidden, config->hidden},
        {"model.layers", c->layers, config->layers},
        {"model.heads", c->heads, config->heads},
        {"model.ff", c->ff, config->ff},
        {"classes:", (int64_t)s->n_classes, (int64_t)sizes->n_classes},
        {"data.label_separator, labels by themselves:", s->multi_label,
         sizes->multi_label},
        {"a vocabulary of", (int64_t)s->vocab_size, (int64_t)sizes->vocab_size},
        {"data.ngram_buckets", (int64_t)s->ngram_buckets, (int64_t)sizes->ngram_buckets},
        {"data.max_words", (int64_t)s->max_tokens, (int64_t)sizes->max_tokens},
        {"wide buckets:", (int64_t)s->wide_buckets, (int64_t)sizes->wide_buckets},
    };
    Status status = STATUS_OK;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0] && status == STATUS_OK; i++) {
        if (facts[i].there != facts[i].here) {
            ParamTable saved = params_of(c, s), wanted = params_of(config, sizes);
            status = refuse_shape(dir, facts[i].key, facts[i].there, facts[i].here,
                                  &saved, &wanted);
            params_free(&saved);
            params_free(&wanted);
        }
    }
    return status;
}

static Status check_version(const char *path, const Json *json)
{
    int64_t version = json_int(json_get(json, "format_version"), 0);
    if (version == FORMAT_VERSION) {
        return STATUS_OK;
    }
    status_set(STATUS_DAMAGED, "%s: format_version %lld, this program reads %d", path,
               (long long)version, FORMAT_VERSION);
    if (version > FORMAT_VERSION) {
        status_hint("it was written by a newer version of Muster");
    }
    return STATUS_DAMAGED;
}

/* The steps a complete, undamaged checkpoint had done; -1 for what is no checkpoint to
 * resume from. */
static Status resumable_step(const char *dir, int64_t *step)
{
    char *json_path = path_join(dir, "muster.json");
    char *state_path = path_join(dir, "training_state.safetensors");
    Json *json = NULL;
    Status status = STATUS_OK;
    *step = -1;
    if (file_exists(state_path)) {
        status = manifest_verify(dir);
        if (status == STATUS_OK) {
            status = json_load(json_path, JSON_LIMIT, STATUS_DAMAGED, &json);
        }
        if (status == STATUS_OK) {
            status = check_version(json_path, json);
        }
        if (status == STATUS_OK) {
            *step = json_int(json_get(json, "step"), -1);
        }
    }
    json_free(json);
    free(state_path);
    free(json_path);
    return status;
}

static bool is_checkpoint_name(const char *name)
{
    static const char PREFIX[] = "checkpoint_";
    size_t n = strlen(name);
    bool aside = n > 4 && strcmp(name + n - 4, ".tmp") == 0;
    return strncmp(name, PREFIX, sizeof PREFIX - 1) == 0 && !aside;
}

/* No checkpoint is good. What is wrong with the newest is the reason; without any there
 * was nothing to resume. */
static Status refuse_all(const char *result_dir, const char *damage)
{
    if (damage) {
        status_set(STATUS_DAMAGED, "%s", damage);
        status_hint("the run has no other checkpoint to resume from; start a new run");
        return STATUS_DAMAGED;
    }
    status_set(STATUS_NOT_FOUND, "%s: no checkpoint to resume from", result_dir);
    status_hint("start a new run, or use --resume=auto to allow a fresh start");
    return STATUS_NOT_FOUND;
}

Status checkpoint_find_latest(const char *result_dir, char **out)
{
    StrList names = {0}, damages = {0};
    TRY(dir_list(result_dir, &names));
    char *best = NULL;
    int64_t best_step = -1, step;
    for (size_t i = 0; i < names.n; i++) {
        if (!is_checkpoint_name(names.items[i])) {
            continue;
        }
        char *dir = path_join(result_dir, names.items[i]);
        if (resumable_step(dir, &step) != STATUS_OK) {
            strlist_add(&damages, status_message());
        }
        if (step > best_step) {
            free(best);
            best = mem_strdup(dir);
            best_step = step;
        }
        free(dir);
    }
    for (size_t i = 0; i + (best ? 0 : 1) < damages.n; i++) {
        log_warning("not resumable: %s", damages.items[i]);
    }
    Status status = STATUS_OK;
    if (!best) {
        status =
            refuse_all(result_dir, damages.n > 0 ? damages.items[damages.n - 1] : NULL);
    }
    strlist_free(&damages);
    strlist_free(&names);
    *out = best ? best : *out;
    return status;
}
