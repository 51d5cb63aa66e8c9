/* A step in five movements: deal the batch to leaves, gradients of this rank's leaves,
 * add over leaves and ranks, gather the wide branch's share, update. */
#include "trainer/train_step.h"

#include "base/pulse.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/finite.h"
#include "model/gemm_bf16.h"
#include "model/schedule.h"
#include "trainer/gradient_sum.h"
#include "trainer/plan.h"
#include "trainer/wide_gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Stepper {
    const Ranks *ranks;
    const TrainConfig *config;
    uint64_t seed;
    Classifier *model;
    Optimizer *optimizer;
    const Dataset *train;
    const Gemm *gemm;
    WordTable word_table;
    float *class_weight; /* [C], or NULL for ones */
    BatchPacker *packer;
    Workspace *workspace;
    BatchPlan plan;
    GradientSum sum;
    float *dlogits; /* [batch, C] of the global batch, in plan order */
    WideGather wide;
    double *rank_seconds; /* [size] that each computes in a step, smoothed */
    double leaf_began;    /* clock_seconds() */
    size_t *texts;        /* [size] texts of each rank */
    size_t *counts;       /* [size] bytes each rank adds to dlogits */
};

/* The dense sum carries, after the gradient: two losses and a wish to stop. */
static size_t at_stop(const Stepper *s)
{
    return classifier_n_dense(s->model) + LEAF_EXTRA;
}

/* And how long each rank computed: [size] seconds. */
static size_t at_seconds(const Stepper *s)
{
    return at_stop(s) + 1;
}

static float *balanced_weights(const Dataset *train, size_t C)
{
    size_t n = dataset_size(train);
    size_t *rows = mem_zalloc(C, sizeof *rows);
    float *weight = mem_alloc(C, sizeof *weight);
    for (size_t i = 0; i < n; i++) {
        ClassSet classes = dataset_classes(train, i);
        for (size_t j = 0; j < classes.n; j++) {
            rows[classes.classes[j]]++;
        }
    }
    if (dataset_multi_label(train)) {
        positive_weights_balanced(weight, rows, n, C);
    } else {
        class_weights_balanced(weight, rows, C);
    }
    free(rows);
    return weight;
}

/* Everything as large as the largest batch of this data set asks for, so that no step
 * allocates or meets a page for the first time. */
static void reserve(Stepper *s)
{
    size_t batch = train_step_texts(s->config), n_leaves = s->plan.n_leaves;
    PackedBatch largest;
    batch_packer_reserve(s->packer, (batch + n_leaves - 1) / n_leaves, &largest);
    workspace_reserve(s->workspace, s->model, &largest);
    /* One row more in each leaf, MASK's; two sums of all words at most are merged. */
    size_t rows = n_leaves * (largest.n_words + 1), most = 2 * (s->word_table.n + 1);
    size_t begin, end, features = 0;
    ranks_share(s->ranks, n_leaves, &begin, &end);
    if (end - begin > 1 && classifier_sizes(s->model)->ngram_buckets > 0) {
        size_t words = (end - begin) * largest.n_words, all = s->word_table.n;
        workspace_share_words(s->workspace, s->model, all, words < all ? words : all);
    }
    gradient_sum_reserve(&s->sum, s->ranks, end - begin, rows < most ? rows : most);
    for (size_t i = 0; i < largest.n_texts; i++) {
        features += largest.wide_count[i];
    }
    if (features > 0) {
        optimizer_reserve(s->optimizer, largest.wide_count[0]);
        wide_gather_reserve(&s->wide, s->ranks, batch, n_leaves * features);
    }
}

Stepper *stepper_open(const Ranks *ranks, const TrainConfig *config, uint64_t seed,
                      Classifier *model, Optimizer *optimizer, const Dataset *train)
{
    size_t batch = train_step_texts(config), C = classifier_sizes(model)->n_classes;
    Stepper *s = mem_zalloc(1, sizeof *s);
    s->ranks = ranks;
    s->config = config;
    s->seed = seed;
    s->model = model;
    s->optimizer = optimizer;
    s->train = train;
    s->gemm = config->precision == PRECISION_BF16 ? gemm_bf16() : gemm_fp32();
    s->word_table = dataset_words(train);
    if (config->class_weights == CLASS_WEIGHTS_BALANCED) {
        s->class_weight = balanced_weights(train, C);
    }
    s->packer = batch_packer_open(train);
    s->workspace = workspace_open(model);
    batch_plan_init(&s->plan, train_step_leaves(config), batch);
    size_t n_ranks = (size_t)ranks->size;
    gradient_sum_init(&s->sum, at_seconds(s) + n_ranks,
                      (size_t)classifier_config(model)->hidden);
    s->rank_seconds = mem_zalloc(n_ranks, sizeof *s->rank_seconds);
    if (config->gradient_dtype == PRECISION_BF16) {
        gradient_sum_use_bf16(&s->sum, LEAF_EXTRA + 1 + n_ranks);
    }
    s->dlogits = mem_zalloc_aligned(batch * C, sizeof *s->dlogits);
    s->counts = mem_zalloc((size_t)ranks->size, sizeof *s->counts);
    s->texts = mem_zalloc((size_t)ranks->size, sizeof *s->texts);
    reserve(s);
    return s;
}

void stepper_close(Stepper *s)
{
    if (!s) {
        return;
    }
    free(s->class_weight);
    batch_packer_close(s->packer);
    workspace_close(s->workspace);
    batch_plan_free(&s->plan);
    gradient_sum_free(&s->sum);
    wide_gather_free(&s->wide);
    free(s->dlogits);
    free(s->rank_seconds);
    free(s->counts);
    free(s->texts);
    free(s);
}

static size_t length_of(const void *context, uint32_t example)
{
    return dataset_length(context, example);
}

/* What the mean over the batch divides by: as PyTorch, the sum of the labels' weights,
 * but for bce and several labels, whose weights are the classes' and not the examples'.
 */
static double weight_of_batch(const Stepper *s, size_t n)
{
    if (!s->class_weight || s->config->loss == LOSS_BCE ||
        dataset_multi_label(s->train)) {
        return (double)n;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)s->class_weight[dataset_label(s->train, s->plan.examples[i])];
    }
    return sum > 0 ? sum : 1;
}

static void run_leaf(Stepper *s, size_t leaf, const LeafStep *step, bool want_stop)
{
    size_t C = classifier_sizes(s->model)->n_classes;
    size_t first = s->plan.start[leaf], n = s->plan.start[leaf + 1] - first;
    PartialSum *part = gradient_sum_next(&s->sum);
    if (n == 0) {
        memset(part->dense, 0, s->sum.n_dense * sizeof *part->dense);
        part->words.n = 0;
    } else {
        PackedBatch batch;
        batch_pack(s->packer, s->plan.examples + first, n, &batch);
        LeafGradient grad = {part->dense, part->words, s->dlogits + first * C};
        classifier_leaf(s->model, s->workspace, &batch, step, &grad);
        part->words = grad.words;
        wide_gather_add(&s->wide, &batch);
    }
    pulse_beat();
    part->dense[at_stop(s)] = want_stop ? 1 : 0;
    memset(part->dense + at_seconds(s), 0, (size_t)s->ranks->size * sizeof *part->dense);
    part->dense[at_seconds(s) + (size_t)s->ranks->rank] =
        (float)(clock_seconds() - s->leaf_began);
    s->leaf_began = clock_seconds();
    gradient_sum_push(&s->sum);
}

/* Every rank gets the dlogits of the whole batch, a few floats an example, and the
 * features that they belong to. */
static WideTable gather_wide(Stepper *s)
{
    size_t C = classifier_sizes(s->model)->n_classes, mine = 0;
    for (int r = 0; r < s->ranks->size; r++) {
        Ranks other = *s->ranks;
        other.rank = r;
        size_t begin, end;
        ranks_share(&other, s->plan.n_leaves, &begin, &end);
        if (r == s->ranks->rank) {
            mine = s->plan.start[begin] * C;
        }
        s->texts[r] = s->plan.start[end] - s->plan.start[begin];
        s->counts[r] = s->texts[r] * C * sizeof *s->dlogits;
    }
    s->ranks->gather(s->ranks->self, s->dlogits + mine, s->dlogits, s->counts);
    return wide_gather_finish(&s->wide, s->ranks, s->texts);
}

static StepGradient summed_gradient(const Stepper *s, PartialSum *total,
                                    const WideTable *wide, size_t n, const LeafStep *step,
                                    double factor)
{
    return (StepGradient){
        .dense = total->dense,
        .words = &total->words,
        .word_table = &s->word_table,
        .wide_dlogits = s->dlogits,
        .wide_table = wide,
        .examples = s->plan.examples,
        .n_examples = n,
        .seed = step->seed,
        .step = step->step,
        .dropout = step->dropout,
        .lr_factor = factor,
    };
}

static double mixed_loss(const Stepper *s, const float *dense)
{
    size_t at = classifier_n_dense(s->model);
    double w = classifier_sizes(s->model)->wide_buckets
                   ? classifier_config(s->model)->wide_weight
                   : 0;
    return (1 - w) * (double)dense[at + LEAF_LOSS_DEEP] +
           w * (double)dense[at + LEAF_LOSS_WIDE];
}

/* Over the last steps, the recent ones counting more: a rank that is slow once is none to
 * be named. */
static void judge_balance(Stepper *s, const float *seconds, StepResult *out)
{
    double mean = 0;
    int slowest = 0;
    for (int r = 0; r < s->ranks->size; r++) {
        double before = s->rank_seconds[r];
        double weight = before > 0 ? 0.05 : 1;
        s->rank_seconds[r] += weight * ((double)seconds[r] - before);
        mean += s->rank_seconds[r] / s->ranks->size;
        slowest = s->rank_seconds[r] > s->rank_seconds[slowest] ? r : slowest;
    }
    out->slowest_rank = slowest;
    out->imbalance = mean > 0 ? s->rank_seconds[slowest] / mean - 1 : 0;
}

static Status diverged_at(const char *what, const char *name, double value, int64_t step)
{
    char number[32];
    text_from_double(value, number);
    status_set(STATUS_DIVERGED, "training diverged: %s%s is %s at step %lld", what, name,
               number, (long long)step);
    status_hint("a smaller train.lr, or train.clip_norm=1, may help");
    return STATUS_DIVERGED;
}

/* All ranks hold the same sums and weights, so all find the same. A weight comes before a
 * gradient: it is the cause. */
static Status diverged(const Stepper *s, const StepGradient *grad, double loss,
                       int64_t step)
{
    NotFinite found;
    if (classifier_find_not_finite(s->model, &found)) {
        return diverged_at("", found.tensor, (double)found.value, step + 1);
    }
    if (gradient_find_not_finite(s->model, grad, &found)) {
        return diverged_at("gradient of ", found.tensor, (double)found.value, step + 1);
    }
    return diverged_at("the ", "loss", loss, step + 1);
}

Status stepper_check(const Stepper *s, int64_t n_steps)
{
    NotFinite found;
    Status status = STATUS_OK;
    if (classifier_find_not_finite(s->model, &found) ||
        optimizer_find_not_finite(s->optimizer, &found)) {
        status = diverged_at("", found.tensor, (double)found.value, n_steps);
    }
    /* All ranks hold the same, but for moments that they part among them. */
    return optimizer_is_sharded(s->optimizer) ? ranks_agree(s->ranks, status) : status;
}

Status stepper_step(Stepper *s, const uint32_t *examples, size_t n, int64_t step,
                    int64_t total_steps, bool want_stop, StepResult *out)
{
    double factor = schedule_factor((ScheduleKind)s->config->scheduler, step, total_steps,
                                    s->config->warmup);
    return stepper_step_with(s, examples, n, step, factor, want_stop, out);
}

Status stepper_step_with(Stepper *s, const uint32_t *examples, size_t n, int64_t step,
                         double factor, bool want_stop, StepResult *out)
{
    batch_plan_make(&s->plan, examples, n, length_of, s->train);
    LeafStep leaf_step = {
        .seed = s->seed,
        .step = (uint32_t)step,
        .dropout = true,
        .loss = (LossKind)s->config->loss,
        .wide_hinge = s->config->wide_loss == WIDE_LOSS_SQUARED_HINGE,
        .focal_gamma = (float)s->config->focal_gamma,
        .scale = (float)(1 / weight_of_batch(s, n)),
        .label_smoothing = (float)s->config->label_smoothing,
        .class_weight = s->class_weight,
        .gemm = s->gemm,
    };

    size_t begin, end;
    ranks_share(s->ranks, s->plan.n_leaves, &begin, &end);
    gradient_sum_begin(&s->sum);
    wide_gather_begin(&s->wide);
    workspace_begin_step(s->workspace);
    s->leaf_began = clock_seconds();
    for (size_t leaf = begin; leaf < end; leaf++) {
        run_leaf(s, leaf, &leaf_step, want_stop);
    }
    PartialSum *total = gradient_sum_finish(&s->sum, s->ranks);
    WideTable wide = {0};
    if (classifier_sizes(s->model)->wide_buckets > 0) {
        wide = gather_wide(s);
    }

    out->stop = total->dense[at_stop(s)] > 0;
    out->loss = mixed_loss(s, total->dense);
    judge_balance(s, total->dense + at_seconds(s), out);
    out->lr = s->config->lr * factor;
    StepGradient grad = summed_gradient(s, total, &wide, n, &leaf_step, factor);
    out->grad_norm =
        isfinite(out->loss) ? optimizer_step(s->optimizer, s->model, &grad) : NAN;
    return isfinite(out->grad_norm) ? STATUS_OK : diverged(s, &grad, out->loss, step);
}
