/* Models of a training: drawn anew, started from a folder, or restored. */
#include "trainer/members.h"

#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "trainer/start_report.h"
#include "trainer/start_words.h"

#include <stdlib.h>

/* Parted moments are parted over all ranks: none train side by side then. */
static OptimizerConfig optimizer_config(const TrainJob *job)
{
    const TrainConfig *train = job->train;
    return (OptimizerConfig){
        .shard = train->shard_optimizer ? job->ranks : NULL,
        .kind = (OptimizerKind)train->optimizer,
        .momentum = train->momentum,
        .lr = train->lr,
        .embedding_lr = train->embedding_lr,
        .wide_lr = train->wide_lr,
        .weight_decay = train->weight_decay,
        .beta1 = train->beta1,
        .beta2 = train->beta2,
        .eps = train->eps,
        .clip_norm = train->clip_norm,
        .ema = train->ema,
    };
}

Optimizer *train_open_optimizer(const TrainJob *job, const Classifier *model)
{
    OptimizerConfig config = optimizer_config(job);
    return optimizer_open(model, &config);
}

Optimizer *train_open_whole_optimizer(const TrainJob *job, const Classifier *model)
{
    OptimizerConfig config = optimizer_config(job);
    config.shard = NULL;
    return optimizer_open(model, &config);
}

static ModelSizes sizes_of(const TrainJob *job)
{
    const Preprocessor *pre = job->preprocessor;
    const ModelConfig *model = job->model;
    return (ModelSizes){
        .n_classes = preprocessor_n_classes(pre),
        .multi_label = preprocessor_label_separator(pre) != NULL,
        .vocab_size =
            model->vocab_rows ? (size_t)model->vocab_rows : preprocessor_vocab_size(pre),
        .ngram_buckets = preprocessor_ngram_buckets(pre),
        .max_tokens =
            model->positions ? (size_t)model->positions : preprocessor_max_words(pre),
        .wide_buckets = preprocessor_wide_buckets(pre),
        .pad_token = preprocessor_pad_row(pre),
    };
}

/* Tables must have a row for every token, and for every place in a text. */
static Status check_sizes(const TrainJob *job)
{
    const ModelSizes sizes = sizes_of(job);
    size_t vocabulary = preprocessor_vocab_size(job->preprocessor);
    size_t longest = preprocessor_max_words(job->preprocessor);
    if (sizes.vocab_size < vocabulary) {
        status_set(STATUS_CONFIG,
                   "model.vocab_rows: %zu rows, but the vocabulary has %zu tokens",
                   sizes.vocab_size, vocabulary);
        status_hint("use the model's own vocabulary (data.vocab)");
        return STATUS_CONFIG;
    }
    if (sizes.max_tokens < longest) {
        status_set(STATUS_CONFIG,
                   "data.max_words: %zu tokens, but the model has %zu positions", longest,
                   sizes.max_tokens);
        status_hint("data.max_words=%zu cuts longer texts", sizes.max_tokens);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static Status start_from_folder(const TrainJob *job, Classifier *model, bool tell)
{
    const char *dir = job->model->init_from;
    if (job->model->arch != ARCH_BERT || !dir || !*dir) {
        return STATUS_OK;
    }
    InitReport report;
    Status status = classifier_init_from(model, dir, &report);
    if (status == STATUS_OK && tell) {
        start_report_tell(dir, &report);
    }
    init_report_free(&report);
    return status;
}

/* Leaves what it opened to be closed also on failure. */
static Status open_fresh(const TrainJob *job, uint64_t seed, CheckpointMember *out)
{
    ModelSizes sizes = sizes_of(job);
    TRY(check_sizes(job));
    out->model = classifier_create(job->model, &sizes, seed);
    if (job->init_words) {
        start_from_words(out->model, job->init_words, job->preprocessor);
    }
    out->optimizer = out->elsewhere ? NULL : train_open_optimizer(job, out->model);
    TRY(start_from_folder(job, out->model, seed == job->seed));
    return classifier_set_rates(out->model, &job->train->freeze, job->train->layer_decay);
}

Status train_open_fresh(const TrainJob *job, Classifier **model, Optimizer **optimizer)
{
    CheckpointMember member = {0};
    Status status = open_fresh(job, job->seed, &member);
    *model = member.model;
    *optimizer = member.optimizer;
    return ranks_agree(job->ranks, status);
}

/* No `groups`: all optimizers are elsewhere. */
static void name_members(const TrainJob *job, const SeedGroups *groups, Members *members)
{
    *members = (Members){.n = (size_t)job->train->seeds};
    for (size_t m = 0; m < members->n; m++) {
        members->of[m].seed = job->seed + m;
        members->of[m].elsewhere = !groups || !groups->mine[m];
    }
}

void members_close(Members *members)
{
    for (size_t m = 0; m < members->n; m++) {
        optimizer_close(members->of[m].optimizer);
        classifier_close(members->of[m].model);
    }
}

/* Leaves the members to be closed also on failure. */
static Status restore(const TrainJob *job, Members *members)
{
    CheckpointMember *first = &members->of[0];
    OptimizerConfig config = optimizer_config(job);
    ModelSizes sizes = sizes_of(job);
    TRY(checkpoint_restore(job->resume_from, &first->model, &config, &first->optimizer,
                           &first->at));
    checkpoint_member_let_go(first);
    TRY(checkpoint_check_shape(job->resume_from, first->model, job->model, &sizes));
    TRY(checkpoint_restore_more(job->resume_from, first->model, &config, first + 1,
                                members->n - 1));
    for (size_t m = 0; m < members->n; m++) {
        TRY(classifier_set_rates(members->of[m].model, &job->train->freeze,
                                 job->train->layer_decay));
    }
    return STATUS_OK;
}

Status train_check_resume(const TrainJob *job)
{
    Members members;
    Status status = STATUS_OK;
    if (job->resume_from) {
        name_members(job, NULL, &members);
        status = restore(job, &members);
        members_close(&members);
    }
    if (status == STATUS_DAMAGED) {
        manifest_hint_siblings(job->resume_from);
    }
    return ranks_agree(job->ranks, status);
}

TrainPosition members_position(const Members *members)
{
    TrainPosition sum = members->of[0].at;
    for (size_t m = 1; m < members->n; m++) {
        const TrainPosition *at = &members->of[m].at;
        sum.step_in_epoch += at->step_in_epoch;
        sum.step += at->step;
        sum.loss_sum += at->loss_sum;
        sum.texts_seen += at->texts_seen;
    }
    return sum;
}

Status members_open(const TrainJob *job, const SeedGroups *groups, Members *members)
{
    name_members(job, groups, members);
    if (job->resume_from) {
        return ranks_agree(job->ranks, restore(job, members));
    }
    Status status = STATUS_OK;
    for (size_t m = 0; m < members->n && status == STATUS_OK; m++) {
        status = open_fresh(job, members->of[m].seed, &members->of[m]);
    }
    return ranks_agree(job->ranks, status);
}
