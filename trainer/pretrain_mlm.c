/* Epochs of steps; what they begin from; the folder at the end. */
#include "trainer/pretrain_mlm.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "model/finite.h"
#include "model/schedule.h"
#include "trainer/mlm_step.h"
#include "trainer/plan.h"
#include "trainer/start_report.h"
#include "trainer/start_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double TERMINAL_S = 0.2, PLAIN_S = 5;

typedef struct Run {
    const MlmJob *job;
    Classifier *model;
    Optimizer *optimizer;
    MlmStepper *stepper;
    uint32_t *order; /* [n] this epoch's texts */
    size_t n;
    int64_t steps_per_epoch, total_steps, step;
    int64_t epoch;
    uint64_t tokens, total_tokens;
    double loss_sum, n_hidden; /* of this epoch */
    double lr;
    double began, next_told;
    bool terminal, drawn;
} Run;

/* ---- the model ---- */

ModelSizes mlm_sizes(const ModelConfig *model, const Preprocessor *pre)
{
    ModelSizes sizes = {
        .vocab_size =
            model->vocab_rows ? (size_t)model->vocab_rows : preprocessor_vocab_size(pre),
        .ngram_buckets = preprocessor_ngram_buckets(pre),
        .max_tokens =
            model->positions ? (size_t)model->positions : preprocessor_max_words(pre),
        .pad_token = preprocessor_pad_row(pre),
        .pieces = preprocessor_has_pieces(pre),
    };
    preprocessor_ngrams(pre, &sizes.ngram_min, &sizes.ngram_max);
    return sizes;
}

/* Tables must have a row for every token, and for every place in a text. */
static Status check_sizes(const ModelSizes *sizes, const Preprocessor *pre)
{
    size_t vocabulary = preprocessor_vocab_size(pre),
           longest = preprocessor_max_words(pre);
    if (sizes->vocab_size < vocabulary) {
        status_set(STATUS_CONFIG,
                   "model.vocab_rows: %zu rows, but the vocabulary has %zu tokens",
                   sizes->vocab_size, vocabulary);
        status_hint("use the model's own vocabulary (data.vocab)");
        return STATUS_CONFIG;
    }
    if (sizes->max_tokens < longest) {
        status_set(STATUS_CONFIG,
                   "data.max_words: %zu tokens, but the model has %zu positions", longest,
                   sizes->max_tokens);
        status_hint("data.max_words=%zu cuts longer texts", sizes->max_tokens);
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}

static OptimizerConfig optimizer_config(const MlmJob *job)
{
    const TrainConfig *train = job->train;
    return (OptimizerConfig){.shard = train->shard_optimizer ? job->ranks : NULL,
                             .kind = (OptimizerKind)train->optimizer,
                             .momentum = train->momentum,
                             .lr = job->config->lr,
                             .embedding_lr = job->config->lr,
                             .weight_decay = train->weight_decay,
                             .beta1 = train->beta1,
                             .beta2 = train->beta2,
                             .eps = train->eps,
                             .clip_norm = train->clip_norm};
}

static Status start_bert(const MlmJob *job, Classifier *model)
{
    const char *dir = job->model->init_from;
    InitReport report;
    if (job->model->arch != ARCH_BERT || !dir || !*dir) {
        return STATUS_OK;
    }
    Status status = classifier_init_from(model, dir, &report);
    if (status == STATUS_OK) {
        start_report_tell(dir, &report);
    }
    init_report_free(&report);
    return status;
}

static Status open_model(Run *run)
{
    const MlmJob *job = run->job;
    const Preprocessor *pre = job->texts->preprocessor;
    ModelConfig config = *job->model;
    config.head = HEAD_TOKENS;
    config.word_dropout = 0; /* words are hidden as it is */
    ModelSizes sizes = mlm_sizes(&config, pre);
    TRY(check_sizes(&sizes, pre));
    run->model = classifier_create(&config, &sizes, job->seed);
    if (job->start) {
        start_from_words(run->model, job->start, pre);
    }
    return start_bert(job, run->model);
}

/* ---- progress ---- */

static double mean_loss(const Run *run)
{
    return run->n_hidden > 0 ? run->loss_sum / run->n_hidden : 0;
}

/* Rank 0. */
static void tell(Run *run)
{
    double now = clock_seconds();
    if (run->job->ranks->rank != 0 || now < run->next_told) {
        return;
    }
    double speed = (double)run->tokens / (now - run->began);
    char left[24];
    clock_format_duration((double)(run->total_tokens - run->tokens) / speed, left);
    const char *form =
        "%sepoch %lld/%lld  %3.0f%%  %.0f tokens/s  loss %.4f  lr %.2e  left %s%s";
    fprintf(stderr, form, run->terminal ? "\r" : "", (long long)run->epoch + 1,
            (long long)run->job->config->epochs,
            100 * (double)run->tokens / (double)run->total_tokens, speed, mean_loss(run),
            run->lr, left, run->terminal ? "\033[K" : "\n");
    run->drawn = run->terminal;
    run->next_told = now + (run->terminal ? TERMINAL_S : PLAIN_S);
}

/* The line goes; what stays is the epoch's loss. */
static void tell_epoch(Run *run)
{
    if (run->drawn) {
        fputs("\r\033[K", stderr);
        run->drawn = false;
    }
    log_note("epoch %lld/%lld: loss %.4f", (long long)run->epoch + 1,
             (long long)run->job->config->epochs, mean_loss(run));
}

/* ---- steps ---- */

static Status train_step(Run *run, size_t first, size_t n)
{
    const MlmJob *job = run->job;
    double factor = schedule_factor((ScheduleKind)job->train->scheduler, run->step,
                                    run->total_steps, job->train->warmup);
    MlmStepAt at = {(uint32_t)run->step, (uint32_t)run->epoch, factor};
    MlmStepResult result;
    TRY(mlm_stepper_step(run->stepper, run->order + first, n, &at, &result));
    run->loss_sum += result.loss_sum;
    run->n_hidden += result.n_hidden;
    run->lr = job->config->lr * factor;
    for (size_t i = 0; i < n; i++) {
        run->tokens += dataset_length(job->texts->examples, run->order[first + i]);
    }
    run->step++;
    tell(run);
    return STATUS_OK;
}

static Status train_epoch(Run *run)
{
    size_t batch = train_step_texts(run->job->train);
    plan_epoch(run->order, run->n, run->job->seed, run->epoch);
    run->loss_sum = run->n_hidden = 0;
    for (size_t first = 0; first < run->n; first += batch) {
        size_t left = run->n - first;
        TRY(train_step(run, first, left < batch ? left : batch));
    }
    tell_epoch(run);
    return STATUS_OK;
}

static Status open_run(Run *run, const MlmJob *job)
{
    const Dataset *set = job->texts->examples;
    size_t batch = train_step_texts(job->train);
    *run = (Run){.job = job, .n = dataset_size(set)};
    TRY(ranks_agree(job->ranks, open_model(run)));
    OptimizerConfig config = optimizer_config(job);
    run->optimizer = optimizer_open(run->model, &config);
    MlmStepperParts parts = {job->ranks, job->train, job->config->mask_rate,
                             job->seed,  run->model, run->optimizer,
                             job->texts};
    run->stepper = mlm_stepper_open(&parts);
    run->order = mem_alloc(run->n, sizeof *run->order);
    run->steps_per_epoch = (int64_t)((run->n + batch - 1) / batch);
    run->total_steps = run->steps_per_epoch * job->config->epochs;
    run->total_tokens = dataset_n_tokens(set) * (uint64_t)job->config->epochs;
    run->terminal = isatty(STDERR_FILENO);
    run->began = clock_seconds();
    run->next_told = run->began + (run->terminal ? TERMINAL_S : PLAIN_S);
    return STATUS_OK;
}

/* What is saved is finite. The same on all ranks. */
static Status check_finite(const Run *run)
{
    NotFinite found;
    if (!classifier_find_not_finite(run->model, &found)) {
        return STATUS_OK;
    }
    status_set(STATUS_DIVERGED, "pretraining diverged: %s is not finite", found.tensor);
    status_hint("a smaller pretrain.lr, or train.clip_norm=1, may help");
    return STATUS_DIVERGED;
}

static void close_run(Run *run)
{
    mlm_stepper_close(run->stepper);
    optimizer_close(run->optimizer);
    classifier_close(run->model);
    free(run->order);
}

Status pretrain_mlm_run(const MlmJob *job, MlmResult *out)
{
    Run run;
    double cpu = clock_cpu_seconds();
    Status status = open_run(&run, job);
    for (; run.epoch < job->config->epochs && status == STATUS_OK; run.epoch++) {
        status = train_epoch(&run);
    }
    status = status == STATUS_OK ? check_finite(&run) : status;
    if (status == STATUS_OK) {
        *out = (MlmResult){.model = run.model,
                           .loss = mean_loss(&run),
                           .tokens = run.tokens,
                           .seconds = clock_seconds() - run.began,
                           .cpu_seconds = clock_cpu_seconds() - cpu};
        run.model = NULL;
    }
    close_run(&run);
    return status;
}

void mlm_result_free(MlmResult *result)
{
    classifier_close(result->model);
    *result = (MlmResult){0};
}

/* ---- saving ---- */

static Status save_facts(const MlmResult *result, const MlmJob *job, const char *dir,
                         const Section *sections, size_t n_sections)
{
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 2);
    json_begin_object(&w);
    json_write_key(&w, "objective");
    json_write_string(&w, "mlm");
    json_write_key(&w, "seed");
    json_write_int(&w, (int64_t)job->seed);
    json_write_key(&w, "corpus_digest");
    json_write_string(&w, job->texts->digest);
    json_write_key(&w, "loss");
    json_write_double(&w, result->loss);
    for (size_t i = 0; i < n_sections; i++) {
        config_write_json(&sections[i], &w);
    }
    json_end_object(&w);
    strbuf_add_char(&out, '\n');
    char *path = path_join(dir, "pretrain.json");
    Status status = file_write(path, out.p, out.n);
    free(path);
    strbuf_free(&out);
    return status;
}

static Status compose(const MlmResult *result, const MlmJob *job, const char *dir,
                      const Section *sections, size_t n_sections)
{
    TRY(dir_make(dir));
    TRY(classifier_save(result->model, dir, NULL));
    TRY(preprocessor_save_tokenizer(job->texts->preprocessor, dir));
    TRY(save_facts(result, job, dir, sections, n_sections));
    return manifest_write(dir);
}

Status mlm_result_save(const MlmResult *result, const MlmJob *job, const char *dir,
                       const Section *sections, size_t n_sections)
{
    char *aside = mem_printf("%s.tmp", dir);
    Status status = tree_remove(aside);
    if (status == STATUS_OK) {
        status = compose(result, job, aside, sections, n_sections);
    }
    status = status == STATUS_OK ? tree_replace(aside, dir) : status;
    if (status != STATUS_OK) {
        char *message = mem_strdup(status_message());
        tree_remove(aside); /* must not lose the reason */
        status_set(status, "%s", message);
        free(message);
    }
    free(aside);
    return status;
}
