/* The loop itself. Everything that computes is Collective and runs on all ranks; what
 * touches files, the terminal or the store runs on rank 0, behind is_root(). */
#include "trainer/train_loop.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "model/schedule.h"
#include "trainer/plan.h"
#include "trainer/plateau.h"
#include "trainer/start_words.h"
#include "trainer/train_step.h"
#include "trainer/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_METRICS = 48, METRIC_NAME = 32, MAX_CHECKPOINT_PATH = 4096 };

typedef struct Loop {
    const TrainJob *job;
    CheckpointMember members[MAX_MEMBERS]; /* the models, of train.seeds seeds */
    Stepper *steppers[MAX_MEMBERS];
    size_t n_members;
    char names[MAX_METRICS][METRIC_NAME]; /* of metrics that name a seed */
    Checkpointer *checkpointer;           /* rank 0 */
    uint32_t *order;                      /* [n] this epoch's examples */
    size_t n;                             /* training examples */
    int64_t steps_per_epoch, total_steps; /* of all members together */
    TrainPosition at; /* of all members: steps, losses and texts added up */
    int64_t restored_iteration;
    double began, report_began; /* clock_seconds() */
    double steps_timed, seconds_per_step;
    double lr;
    Plateau plateau;      /* with that scheduler */
    bool stop;            /* a callback has seen enough */
    int64_t saved_step;   /* of the newest checkpoint */
    bool checkpoint_lost; /* the last one could not be written */
    char checkpoint_error[512];
    char partial[MAX_CHECKPOINT_PATH]; /* a mid-epoch checkpoint to be replaced */
} Loop;

static bool is_root(const Loop *loop)
{
    return loop->job->ranks->rank == 0;
}

static OptimizerConfig optimizer_config(const TrainConfig *train)
{
    return (OptimizerConfig){
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
    };
}

static ModelSizes sizes_of(const TrainJob *job)
{
    const Preprocessor *pre = job->preprocessor;
    const ModelConfig *model = job->model;
    return (ModelSizes){
        .n_classes = preprocessor_n_classes(pre),
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

static char *first_names(const StrList *names)
{
    enum { SHOWN = 4 };
    StrBuf out = {0};
    for (size_t i = 0; i < names->n && i < SHOWN; i++) {
        strbuf_printf(&out, "%s%s", i ? ", " : "", names->items[i]);
    }
    if (names->n > SHOWN) {
        strbuf_printf(&out, " and %zu more", names->n - SHOWN);
    }
    strbuf_add_char(&out, '\0');
    return out.p;
}

static void tell_start_weights(const char *dir, const InitReport *report)
{
    log_note("%zu tensors from %s", report->n_taken, dir);
    const struct {
        const char *what;
        const StrList *names;
    } lists[] = {{"not there, drawn anew", &report->drawn},
                 {"there, but not used", &report->unused}};
    for (size_t i = 0; i < 2; i++) {
        if (lists[i].names->n > 0) {
            char *names = first_names(lists[i].names);
            log_note("%s: %s", lists[i].what, names);
            free(names);
        }
    }
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
        tell_start_weights(dir, &report);
    }
    init_report_free(&report);
    return status;
}

/* Leaves what it opened to be closed also on failure. */
static Status open_fresh(const TrainJob *job, uint64_t seed, CheckpointMember *out)
{
    OptimizerConfig config = optimizer_config(job->train);
    ModelSizes sizes = sizes_of(job);
    TRY(check_sizes(job));
    out->model = classifier_create(job->model, &sizes, seed);
    if (job->init_words) {
        start_from_words(out->model, job->init_words, job->preprocessor);
    }
    out->optimizer = optimizer_open(out->model, &config);
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

static size_t name_members(const TrainJob *job, CheckpointMember *members)
{
    size_t n = (size_t)job->train->seeds;
    for (size_t m = 0; m < n; m++) {
        members[m] = (CheckpointMember){.seed = job->seed + m};
    }
    return n;
}

static void close_members(CheckpointMember *members, size_t n)
{
    for (size_t m = 0; m < n; m++) {
        optimizer_close(members[m].optimizer);
        classifier_close(members[m].model);
    }
}

/* Leaves the members to be closed also on failure. */
static Status restore(const TrainJob *job, CheckpointMember *members, size_t n)
{
    OptimizerConfig config = optimizer_config(job->train);
    ModelSizes sizes = sizes_of(job);
    TRY(checkpoint_restore(job->resume_from, &members[0].model, &config,
                           &members[0].optimizer, &members[0].at));
    TRY(checkpoint_check_shape(job->resume_from, members[0].model, job->model, &sizes));
    TRY(checkpoint_restore_more(job->resume_from, members[0].model, &config, members + 1,
                                n - 1));
    for (size_t m = 0; m < n; m++) {
        TRY(classifier_set_rates(members[m].model, &job->train->freeze,
                                 job->train->layer_decay));
    }
    return STATUS_OK;
}

Status train_check_resume(const TrainJob *job)
{
    CheckpointMember members[MAX_MEMBERS];
    Status status = STATUS_OK;
    if (job->resume_from) {
        size_t n = name_members(job, members);
        status = restore(job, members, n);
        close_members(members, n);
    }
    if (status == STATUS_DAMAGED) {
        manifest_hint_siblings(job->resume_from);
    }
    return ranks_agree(job->ranks, status);
}

/* Where the training stands as a whole. */
static void add_positions(Loop *loop)
{
    TrainPosition sum = loop->members[0].at;
    for (size_t m = 1; m < loop->n_members; m++) {
        const TrainPosition *at = &loop->members[m].at;
        sum.step_in_epoch += at->step_in_epoch;
        sum.step += at->step;
        sum.loss_sum += at->loss_sum;
        sum.texts_seen += at->texts_seen;
    }
    loop->at = sum;
}

/* Fresh weights, or those of the checkpoint. */
static Status open_models(Loop *loop)
{
    const TrainJob *job = loop->job;
    Status status = STATUS_OK;
    loop->n_members = name_members(job, loop->members);
    if (job->resume_from) {
        status = restore(job, loop->members, loop->n_members);
        add_positions(loop);
        loop->restored_iteration = loop->at.iteration;
        snprintf(loop->partial, sizeof loop->partial, "%s",
                 loop->at.step_in_epoch > 0 ? job->resume_from : "");
    } else {
        for (size_t m = 0; m < loop->n_members && status == STATUS_OK; m++) {
            status = open_fresh(job, loop->members[m].seed, &loop->members[m]);
        }
    }
    return ranks_agree(job->ranks, status);
}

/* Rank 0: takes up what retention knew, and clears away what the reports up to here do
 * not know: the later work of a run that is resumed from an earlier point. */
static Status restore_history(Loop *loop)
{
    const TrainJob *job = loop->job;
    StrList unknown = {0};
    Status status = checkpointer_restore(loop->checkpointer, job->start.result_dir,
                                         loop->at.iteration, &unknown);
    if (status == STATUS_OK && job->train->scheduler == SCHEDULE_PLATEAU) {
        status =
            plateau_replay(&loop->plateau, job->start.result_dir, loop->at.iteration);
    }
    for (size_t i = 0; i < unknown.n && status == STATUS_OK; i++) {
        if (strcmp(path_base(unknown.items[i]), path_base(job->resume_from)) != 0) {
            status = tree_remove(unknown.items[i]);
        }
    }
    strlist_free(&unknown);
    return status;
}

static int64_t steps_in_all(const TrainConfig *train, int64_t per_epoch)
{
    if (train->fast_dev_run > 0) {
        return train->fast_dev_run < per_epoch ? train->fast_dev_run : per_epoch;
    }
    return train->max_steps > 0 ? train->max_steps : per_epoch * train->epochs;
}

static bool keeps_checkpoints(const Loop *loop)
{
    return loop->job->train->fast_dev_run == 0;
}

/* Rank 0 has seen the reports; all go by what it has made of them. */
static void share_plateau(Loop *loop)
{
    const Ranks *ranks = loop->job->ranks;
    int mine = is_root(loop) ? (int)loop->plateau.n_reduced : 0;
    loop->plateau.n_reduced = ranks->max(ranks->self, mine);
}

static Status open_loop(Loop *loop, const TrainJob *job)
{
    *loop = (Loop){.job = job, .n = dataset_size(job->train_set)};
    size_t batch = train_step_texts(job->train);
    loop->steps_per_epoch = (int64_t)((loop->n + batch - 1) / batch);
    loop->total_steps = steps_in_all(job->train, loop->steps_per_epoch);
    loop->order = mem_alloc(loop->n, sizeof *loop->order);
    TRY(open_models(loop));
    for (size_t m = 0; m < loop->n_members; m++) {
        const CheckpointMember *member = &loop->members[m];
        loop->steppers[m] =
            stepper_open(job->ranks, job->train, member->seed, member->model,
                         member->optimizer, job->train_set);
    }
    loop->steps_per_epoch *= (int64_t)loop->n_members;
    loop->total_steps *= (int64_t)loop->n_members;
    loop->plateau =
        plateau_begin(job->train->plateau_factor, job->train->plateau_patience,
                      job->train->min_lr / job->train->lr);
    Status status = STATUS_OK;
    if (is_root(loop)) {
        loop->checkpointer = checkpointer_open(job->checkpoint);
        status = job->resume_from ? restore_history(loop) : STATUS_OK;
    }
    TRY(ranks_agree(job->ranks, status));
    share_plateau(loop);
    return STATUS_OK;
}

static void close_loop(Loop *loop)
{
    checkpointer_close(loop->checkpointer);
    for (size_t m = 0; m < loop->n_members; m++) {
        stepper_close(loop->steppers[m]);
    }
    close_members(loop->members, loop->n_members);
    free(loop->order);
}

static void tell_start(Loop *loop)
{
    loop->began = loop->report_began = clock_seconds();
    if (!is_root(loop)) {
        return;
    }
    TrialStart start = loop->job->start;
    start.n_ranks = loop->job->ranks->size;
    start.n_epochs =
        (loop->total_steps + loop->steps_per_epoch - 1) / loop->steps_per_epoch;
    start.steps_per_epoch = loop->steps_per_epoch < loop->total_steps
                                ? loop->steps_per_epoch
                                : loop->total_steps;
    start.n_examples = (int64_t)loop->n;
    start.resumed = loop->job->resume_from != NULL;
    start.start_iteration = loop->at.iteration;
    callbacks_start(loop->job->callbacks, &start);
}

static void tell_step(Loop *loop, const StepResult *result, double seconds)
{
    if (!is_root(loop)) {
        return;
    }
    /* A mean over the last steps: recent ones count more, the first few fully. */
    double weight = loop->steps_timed < 50 ? 1 / (loop->steps_timed + 1) : 0.02;
    loop->seconds_per_step += weight * (seconds - loop->seconds_per_step);
    loop->steps_timed++;
    double texts =
        (double)loop->n * (double)loop->n_members / (double)loop->steps_per_epoch;
    StepEnd step = {
        .step = loop->at.step,
        .epoch = loop->at.epoch,
        .step_in_epoch = loop->at.step_in_epoch,
        .steps_per_epoch = loop->steps_per_epoch,
        .loss = result->loss,
        .lr = result->lr,
        .examples_per_s = texts / loop->seconds_per_step,
        .time_left_s =
            (double)(loop->total_steps - loop->at.step) * loop->seconds_per_step,
    };
    callbacks_step(loop->job->callbacks, &step);
}

/* Is there a step left in the current epoch? */
static bool in_epoch(const Loop *loop)
{
    return loop->at.step_in_epoch < loop->steps_per_epoch &&
           loop->at.step < loop->total_steps;
}

/* Overfitting takes the same batches every epoch, in the order they were chosen. */
static void plan_order(Loop *loop, const CheckpointMember *member)
{
    if (loop->job->train->overfit_batches == 0) {
        plan_epoch(loop->order, loop->n, member->seed, member->at.epoch);
        return;
    }
    for (size_t i = 0; i < loop->n; i++) {
        loop->order[i] = (uint32_t)i;
    }
}

static bool member_in_epoch(const Loop *loop, const CheckpointMember *member)
{
    int64_t n = (int64_t)loop->n_members;
    return member->at.step_in_epoch < loop->steps_per_epoch / n &&
           member->at.step < loop->total_steps / n;
}

/* What the learning rates are multiplied by at a step of a member. */
static double lr_factor(const Loop *loop, int64_t step)
{
    const TrainConfig *train = loop->job->train;
    double factor =
        schedule_factor((ScheduleKind)train->scheduler, step,
                        loop->total_steps / (int64_t)loop->n_members, train->warmup);
    return train->scheduler == SCHEDULE_PLATEAU ? factor * plateau_factor(&loop->plateau)
                                                : factor;
}

/* The rest of one model's epoch. */
static Status run_member(Loop *loop, size_t m, bool *asked)
{
    const TrainJob *job = loop->job;
    CheckpointMember *member = &loop->members[m];
    size_t batch = train_step_texts(job->train);
    plan_order(loop, member);
    while (member_in_epoch(loop, member) && !*asked) {
        size_t first = (size_t)member->at.step_in_epoch * batch;
        size_t n = loop->n - first < batch ? loop->n - first : batch;
        double before = clock_seconds();
        StepResult result;
        TRY(stepper_step_with(loop->steppers[m], loop->order + first, n, member->at.step,
                              lr_factor(loop, member->at.step), *job->signal != 0,
                              &result));
        member->at.step++;
        member->at.step_in_epoch++;
        member->at.loss_sum += result.loss * (double)n;
        member->at.texts_seen += (double)n;
        loop->lr = result.lr;
        *asked = result.stop;
        add_positions(loop);
        tell_step(loop, &result, clock_seconds() - before);
    }
    return stepper_check(loop->steppers[m], member->at.step);
}

/* The rest of the current epoch, one model after the other. *asked: a signal wants the
 * end; the positions say how far the epoch came. */
static Status run_epoch(Loop *loop, bool *asked)
{
    for (size_t m = 0; m < loop->n_members; m++) {
        TRY(run_member(loop, m, asked));
    }
    return STATUS_OK;
}

/* A metric whose name is made up here. */
static NamedValue named(Loop *loop, size_t i, const char *stem, size_t seed, double value)
{
    snprintf(loop->names[i], METRIC_NAME, seed ? "%s_seed_%zu" : "%s", stem, seed);
    return (NamedValue){loop->names[i], value};
}

/* Mean and (n - 1) standard deviation over the seeds, under their own names. */
static size_t add_spread(Loop *loop, NamedValue *metrics, size_t at, const char *stem,
                         const double *values)
{
    double n = (double)loop->n_members, mean = 0, squares = 0;
    char name[METRIC_NAME];
    for (size_t m = 0; m < loop->n_members; m++) {
        metrics[at] = named(loop, at, stem, m + 1, values[m]);
        mean += values[m] / n;
        at++;
    }
    for (size_t m = 0; m < loop->n_members; m++) {
        squares += (values[m] - mean) * (values[m] - mean);
    }
    snprintf(name, sizeof name, "%s_mean", stem);
    metrics[at] = named(loop, at, name, 0, mean);
    at++;
    snprintf(name, sizeof name, "%s_std", stem);
    metrics[at] = named(loop, at, name, 0, sqrt(squares / (n - 1)));
    return at + 1;
}

static size_t add_validation(Loop *loop, NamedValue *metrics, size_t n)
{
    const TrainJob *job = loop->job;
    ValidationResult results[MAX_MEMBERS + 1];
    Classifier *models[MAX_MEMBERS];
    double losses[MAX_MEMBERS], f1s[MAX_MEMBERS];
    for (size_t m = 0; m < loop->n_members; m++) {
        models[m] = loop->members[m].model;
    }
    validate(job->ranks, models, loop->n_members, job->val_set,
             (size_t)job->train->eval_batch_size, results);
    metrics[n++] = (NamedValue){"val_loss", results[0].loss};
    metrics[n++] = (NamedValue){"val_accuracy", results[0].accuracy};
    metrics[n++] = (NamedValue){"val_f1", results[0].f1};
    if (loop->n_members == 1) {
        return n;
    }
    for (size_t m = 0; m < loop->n_members; m++) {
        losses[m] = results[m + 1].loss;
        f1s[m] = results[m + 1].f1;
    }
    n = add_spread(loop, metrics, n, "val_loss", losses);
    return add_spread(loop, metrics, n, "val_f1", f1s);
}

static size_t measure(Loop *loop, NamedValue metrics[MAX_METRICS])
{
    size_t n = 0;
    metrics[n++] = (NamedValue){"epoch", (double)loop->at.epoch};
    metrics[n++] = (NamedValue){"lr", loop->lr};
    metrics[n++] = (NamedValue){"train_loss", loop->at.loss_sum / loop->at.texts_seen};
    return loop->job->val_set ? add_validation(loop, metrics, n) : n;
}

/* Rank 0: writes the folder; a failure is remembered and tried again next time, the older
 * checkpoints stay. */
static bool save(Loop *loop, const char *dir, const NamedValue *metrics, size_t n)
{
    CheckpointInfo info = loop->job->info;
    info.metrics = metrics;
    info.n_metrics = n;
    info.position = &loop->members[0].at;
    info.step = loop->at.step;
    info.more = loop->members + 1;
    info.n_more = loop->n_members - 1;
    Status status = checkpoint_save(dir, loop->members[0].model, loop->job->preprocessor,
                                    loop->members[0].optimizer, &info);
    loop->checkpoint_lost = status != STATUS_OK;
    loop->saved_step = status == STATUS_OK ? loop->at.step : loop->saved_step;
    if (status != STATUS_OK) {
        log_warning("checkpoint not saved, older ones are kept: %s", status_message());
        snprintf(loop->checkpoint_error, sizeof loop->checkpoint_error, "%.500s",
                 status_message());
    }
    return status == STATUS_OK;
}

static void drop_checkpoint(Loop *loop, const char *dir)
{
    if (tree_remove(dir) != STATUS_OK) {
        log_warning("old checkpoint not removed: %s", status_message());
        return;
    }
    callbacks_checkpoint_removed(loop->job->callbacks, dir);
}

/* What retention ranks a checkpoint by; NaN when the report has no such metric. */
static double score_of(const Loop *loop, const NamedValue *metrics, size_t n)
{
    Report report = {.metrics = metrics, .n_metrics = n};
    const char *name = loop->job->checkpoint->checkpoint_score_attribute;
    return report_value(&report, name ? name : "val_loss", NAN);
}

/* Rank 0: the checkpoint of this report, if it is due. Returns its path or NULL; what
 * retention no longer wants is in `dropped`. */
static char *save_report(Loop *loop, const NamedValue *metrics, size_t n, bool due,
                         StrList *dropped)
{
    if (!due) {
        return NULL;
    }
    char name[CHECKPOINT_NAME];
    checkpointer_next_name(loop->checkpointer, name);
    char *dir = path_join(loop->job->start.result_dir, name);
    if (!save(loop, dir, metrics, n)) {
        free(dir);
        return NULL;
    }
    checkpointer_added(loop->checkpointer, dir, score_of(loop, metrics, n), dropped);
    if (*loop->partial && strcmp(loop->partial, dir) != 0) {
        strlist_add(dropped, loop->partial);
    }
    loop->partial[0] = '\0';
    return dir;
}

static void fill_automatic(const Loop *loop, Report *report, bool done)
{
    double now = clock_seconds();
    int64_t wall = clock_wall_ms();
    report->step = loop->at.step;
    report->timestamp = wall / 1000;
    clock_format_date(wall, report->date);
    report->time_this_iter_s = now - loop->report_began;
    report->time_since_restore = now - loop->began;
    report->time_total_s = report->time_since_restore + loop->job->time_before_s;
    report->training_iteration = loop->at.iteration;
    report->iterations_since_restore = loop->at.iteration - loop->restored_iteration;
    report->trial_id = loop->job->start.trial_id;
    report->hostname = loop->job->start.hostname;
    report->node_ip = loop->job->start.node_ip;
    report->pid = loop->job->start.pid;
    report->done = done;
}

static void begin_next_epoch(Loop *loop)
{
    for (size_t m = 0; m < loop->n_members; m++) {
        TrainPosition *at = &loop->members[m].at;
        at->epoch++;
        at->iteration++;
        at->step_in_epoch = 0;
        at->loss_sum = at->texts_seen = 0;
    }
    add_positions(loop);
}

/* Rank 0: lets the plateau see the report's loss. */
static void watch_plateau(Loop *loop, const NamedValue *metrics, size_t n)
{
    if (loop->job->train->scheduler != SCHEDULE_PLATEAU) {
        return;
    }
    Report report = {.metrics = metrics, .n_metrics = n};
    double loss =
        report_value(&report, "val_loss", report_value(&report, "train_loss", NAN));
    if (plateau_see(&loop->plateau, loss) && loop->at.step < loop->total_steps) {
        log_note("val_loss stands still: learning rates x %g from here",
                 plateau_factor(&loop->plateau));
    }
}

/* One report: measure on all ranks, tell on rank 0, and let all know whether to stop. */
static void make_report(Loop *loop)
{
    NamedValue metrics[MAX_METRICS];
    size_t n = measure(loop, metrics);
    begin_next_epoch(loop);
    bool last = loop->at.step >= loop->total_steps;
    if (is_root(loop)) {
        watch_plateau(loop, metrics, n);
        Report report = {.metrics = metrics, .n_metrics = n};
        StrList dropped = {0};
        report.should_checkpoint =
            keeps_checkpoints(loop) &&
            checkpointer_due(loop->checkpointer, loop->at.iteration, last);
        char *dir = save_report(loop, metrics, n, report.should_checkpoint, &dropped);
        report.checkpoint_dir = dir;
        fill_automatic(loop, &report, last);
        callbacks_report(loop->job->callbacks, &report, &loop->stop);
        for (size_t i = 0; i < dropped.n; i++) {
            drop_checkpoint(loop, dropped.items[i]);
        }
        strlist_free(&dropped);
        free(dir);
    }
    loop->report_began = clock_seconds();
    loop->stop = loop->job->ranks->max(loop->job->ranks->self, loop->stop);
    share_plateau(loop);
}

/* A signal came: keep what there is, between two steps of an epoch. */
static Status stop_for_signal(Loop *loop)
{
    const Ranks *ranks = loop->job->ranks;
    int number = ranks->max(ranks->self, (int)*loop->job->signal);
    if (is_root(loop) && keeps_checkpoints(loop) && loop->saved_step != loop->at.step) {
        char dir[MAX_CHECKPOINT_PATH];
        snprintf(dir, sizeof dir, "%s/checkpoint_%06lld_step_%06lld",
                 loop->job->start.result_dir, (long long)loop->at.iteration,
                 (long long)loop->at.step);
        if (save(loop, dir, NULL, 0) && *loop->partial) {
            drop_checkpoint(loop, loop->partial);
        }
    }
    Status status = number == SIGINT ? STATUS_INTERRUPTED : STATUS_REQUEUE;
    if (ranks->max(ranks->self, loop->checkpoint_lost)) {
        return status_set(STATUS_FAILED, "stopped by a signal without a checkpoint: %s",
                          loop->checkpoint_error);
    }
    status_set(status, "stopped by %s at step %lld, %s a checkpoint",
               number == SIGINT ? "Ctrl-C" : strsignal(number), (long long)loop->at.step,
               keeps_checkpoints(loop) ? "after" : "without");
    if (keeps_checkpoints(loop)) {
        status_hint("continue with: muster train --resume %s", loop->job->start.run_id);
    }
    return status;
}

static Status run_epochs(Loop *loop)
{
    bool asked = false;
    while (loop->at.step < loop->total_steps && !loop->stop) {
        TRY(run_epoch(loop, &asked));
        if (asked && in_epoch(loop)) {
            return stop_for_signal(loop);
        }
        make_report(loop);
        if (asked && loop->at.step < loop->total_steps) {
            return stop_for_signal(loop);
        }
    }
    return STATUS_OK;
}

/* What can still be had of a training that diverged: no checkpoint holds what is not
 * finite. */
static void hint_last_checkpoint(const Loop *loop)
{
    const char *last = checkpointer_last(loop->checkpointer);
    last = last ? last : loop->job->resume_from;
    char *hint = mem_strdup(status_hint_text());
    status_hint("%s; %s%s", hint,
                last ? "the last good checkpoint is kept: "
                     : "there is no checkpoint yet",
                last ? last : "");
    free(hint);
}

static Status tell_end(Loop *loop, Status status)
{
    const TrainJob *job = loop->job;
    if (is_root(loop)) {
        if (status == STATUS_DIVERGED) {
            hint_last_checkpoint(loop);
        }
        char *error = mem_strdup(status == STATUS_OK ? NULL : status_message());
        char *hint = mem_strdup(status_hint_text());
        if (status == STATUS_OK && loop->checkpoint_lost) {
            error = mem_printf("the last checkpoint was not saved: %s",
                               loop->checkpoint_error);
            status = STATUS_FAILED;
        }
        TrialEnd end = {
            .status = status,
            .error = error,
            .time_total_s = clock_seconds() - loop->began + job->time_before_s,
            .best_checkpoint = checkpointer_best(loop->checkpointer),
        };
        callbacks_end(job->callbacks, &end);
        if (status == STATUS_OK && job->callbacks->failed) {
            status = status_set(STATUS_FAILED, "%s", job->callbacks->error);
        } else if (status != STATUS_OK) {
            status_set(status, "%s", error);
            status_hint("%s", hint);
        }
        free(error);
        free(hint);
    }
    return (Status)job->ranks->max(job->ranks->self, (int)status);
}

Status train_loop(const TrainJob *job)
{
    Loop loop;
    Status status = open_loop(&loop, job);
    if (status == STATUS_OK) {
        tell_start(&loop);
        status = run_epochs(&loop);
        status = tell_end(&loop, status);
    }
    close_loop(&loop);
    return status;
}
