/* Leaves, their sum, the update. How many tokens are hidden is known once all leaves are
 * summed, so leaves give sums and the mean is taken then. */
#include "trainer/mlm_step.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/finite.h"
#include "model/gemm_bf16.h"
#include "trainer/gradient_sum.h"
#include "trainer/hide_tokens.h"
#include "trainer/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct MlmStepper {
    MlmStepperParts parts;
    const Gemm *gemm;
    WordTable word_table;
    BatchPacker *packer;
    TokenHider *hider;
    MlmWorkspace *workspace;
    BatchPlan plan;
    GradientSum sum;
};

/* As train_step.c's: no step allocates. Each token of a leaf may be a word of its own. */
static void reserve(MlmStepper *s)
{
    size_t batch = train_step_texts(s->parts.config), n_leaves = s->plan.n_leaves;
    PackedBatch largest;
    batch_packer_reserve(s->packer, (batch + n_leaves - 1) / n_leaves, &largest);
    size_t units = s->word_table.n + 1;
    largest.n_words = largest.n_tokens < units ? largest.n_tokens : units;
    token_hider_reserve(s->hider, largest.n_tokens);
    mlm_workspace_reserve(s->workspace, s->parts.model, &largest);
    size_t rows = n_leaves * largest.n_words, most = 2 * units;
    size_t begin, end;
    ranks_share(s->parts.ranks, n_leaves, &begin, &end);
    gradient_sum_reserve(&s->sum, s->parts.ranks, end - begin, rows < most ? rows : most);
}

MlmStepper *mlm_stepper_open(const MlmStepperParts *parts)
{
    const TrainConfig *config = parts->config;
    size_t H = (size_t)classifier_config(parts->model)->hidden;
    size_t n_dense = classifier_n_dense(parts->model) + MLM_EXTRA;
    MlmStepper *s = mem_zalloc(1, sizeof *s);
    s->parts = *parts;
    s->gemm = config->precision == PRECISION_BF16 ? gemm_bf16() : gemm_fp32();
    s->word_table = dataset_words(parts->texts->examples);
    s->packer = batch_packer_open(parts->texts->examples);
    s->hider = token_hider_open(parts->texts->examples, parts->texts->preprocessor,
                                parts->seed, parts->mask_rate);
    s->workspace = mlm_workspace_open(parts->model);
    batch_plan_init(&s->plan, train_step_leaves(config), train_step_texts(config));
    gradient_sum_init(&s->sum, n_dense, H);
    if (config->gradient_dtype == PRECISION_BF16) {
        gradient_sum_use_bf16(&s->sum, MLM_EXTRA);
    }
    reserve(s);
    return s;
}

void mlm_stepper_close(MlmStepper *s)
{
    if (!s) {
        return;
    }
    batch_packer_close(s->packer);
    token_hider_close(s->hider);
    mlm_workspace_close(s->workspace);
    batch_plan_free(&s->plan);
    gradient_sum_free(&s->sum);
    free(s);
}

static size_t length_of(const void *context, uint32_t example)
{
    return dataset_length(context, example);
}

static void run_leaf(MlmStepper *s, size_t leaf, const MlmStepAt *at)
{
    size_t first = s->plan.start[leaf], n = s->plan.start[leaf + 1] - first;
    PartialSum *part = gradient_sum_next(&s->sum);
    if (n == 0) {
        memset(part->dense, 0, s->sum.n_dense * sizeof *part->dense);
        part->words.n = 0;
    } else {
        MlmStep step = {s->parts.seed, at->step, true, s->gemm};
        PackedBatch batch;
        HiddenTokens hidden;
        batch_pack(s->packer, s->plan.examples + first, n, &batch);
        token_hider_hide(s->hider, at->epoch, &batch, &hidden);
        mlm_leaf(s->parts.model, s->workspace, &batch, &hidden, &step, part->dense,
                 &part->words);
    }
    gradient_sum_push(&s->sum);
}

/* A weight comes before a gradient: it is the cause. */
static Status diverged(const MlmStepper *s, const StepGradient *grad, uint32_t step)
{
    NotFinite found = {"loss", NAN};
    const char *what = "";
    if (!classifier_find_not_finite(s->parts.model, &found) &&
        gradient_find_not_finite(s->parts.model, grad, &found)) {
        what = "gradient of ";
    }
    char number[32];
    text_from_double((double)found.value, number);
    status_set(STATUS_DIVERGED, "pretraining diverged: %s%s is %s at step %u", what,
               found.tensor, number, step + 1);
    status_hint("a smaller pretrain.lr, or train.clip_norm=1, may help");
    return STATUS_DIVERGED;
}

static Status update(MlmStepper *s, PartialSum *total, const MlmStepAt *at,
                     const MlmStepResult *result)
{
    Classifier *model = s->parts.model;
    mlm_join_gradient(model, total->dense, &total->words, &s->word_table,
                      (float)(1 / result->n_hidden));
    StepGradient grad = {.dense = total->dense,
                         .words = &total->words,
                         .word_table = &s->word_table,
                         .seed = s->parts.seed,
                         .step = at->step,
                         .lr_factor = at->lr_factor};
    double norm = isfinite(result->loss_sum)
                      ? optimizer_step(s->parts.optimizer, model, &grad)
                      : NAN;
    return isfinite(norm) ? STATUS_OK : diverged(s, &grad, at->step);
}

Status mlm_stepper_step(MlmStepper *s, const uint32_t *examples, size_t n,
                        const MlmStepAt *at, MlmStepResult *out)
{
    size_t begin, end, n_dense = classifier_n_dense(s->parts.model);
    batch_plan_make(&s->plan, examples, n, length_of, s->parts.texts->examples);
    ranks_share(s->parts.ranks, s->plan.n_leaves, &begin, &end);
    gradient_sum_begin(&s->sum);
    for (size_t leaf = begin; leaf < end; leaf++) {
        run_leaf(s, leaf, at);
    }
    PartialSum *total = gradient_sum_finish(&s->sum, s->parts.ranks);
    *out = (MlmStepResult){(double)total->dense[n_dense + MLM_LOSS],
                           (double)total->dense[n_dense + MLM_COUNT]};
    return out->n_hidden > 0 ? update(s, total, at, out) : STATUS_OK;
}
