/* The table of the `train:` section. */
#include "trainer/config.h"

#include "model/gemm_bf16.h"
#include "trainer/config_auto.h"

static const char *const LOSS_NAMES[] = {"cross_entropy", "focal", "bce", NULL};
static const char *const CLASS_WEIGHT_NAMES[] = {"none", "balanced", NULL};

/* In the order of WideLoss. */
static const char *const WIDE_LOSS_NAMES[] = {"same", "squared_hinge", NULL};

/* In the order of Precision. */
static const char *const PRECISIONS[] = {"fp32", "bf16", NULL};

/* In the order of ScheduleKind. */
static const char *const SCHEDULERS[] = {"cosine",       "linear",  "constant",
                                         "inverse_sqrt", "plateau", NULL};

/* In the order of OptimizerKind. */
static const char *const OPTIMIZERS[] = {"adamw", "adam", "sgd", "adagrad", NULL};

const Field top_fields[] = {
    {"experiment", FIELD_TEXT, offsetof(TopConfig, experiment), "Default",
     .help = "runs are grouped by it"},
    {"seed", FIELD_INT, offsetof(TopConfig, seed), "42", 0, 9e15,
     .help = "of every random draw: splits, weights, order, dropout"},
};

const size_t n_top_fields = sizeof top_fields / sizeof top_fields[0];

#define AT(field) offsetof(TrainConfig, field)

const Field train_fields[] = {
    {"epochs", FIELD_INT, AT(epochs), "auto", 1, 1e6, .automatic = train_auto_epochs,
     .help = "passes over the training split; auto: by its rows, 25 up to 1,000, 6 above "
             "15,000"},
    {"max_steps", FIELD_INT, AT(max_steps), "0", 0, 1e15, .unit = "steps",
     .help = "end after so many optimizer steps, whatever epochs says; 0 = off"},
    {"batch_size", FIELD_INT, AT(batch_size), "auto", 1, 1 << 20, .unit = "texts",
     .automatic = train_auto_batch_size,
     .help =
         "per optimizer step, all ranks together; auto: 32 up to 1,000 training rows, "
         "else 64"},
    {"eval_batch_size", FIELD_INT, AT(eval_batch_size), "32", 1, 1 << 20, .unit = "texts",
     .help = "per forward pass in validation"},
    {"leaves", FIELD_INT, AT(leaves), "8", 1, 4096,
     .help = "parts of a batch whose gradients are added in one fixed tree; a power of "
             "two, at least the ranks"},
    {"accumulate", FIELD_INT, AT(accumulate), "1", 1, 4096, .unit = "batches",
     .help = "one optimizer step from so many batches, in the memory of one; the same as "
             "batch_size and leaves times as large"},
    {"lr", FIELD_DOUBLE, AT(lr), "2e-3", 0, 1e3, .above_min = true, .help = "dense part"},
    {"embedding_lr", FIELD_DOUBLE, AT(embedding_lr), "2e-3", 0, 1e3,
     .help = "word and n-gram vectors"},
    {"wide_lr", FIELD_DOUBLE, AT(wide_lr), "auto", 0, 1e6,
     .automatic = train_auto_wide_lr,
     .help = "SGD of the wide branch, for a batch of 32; scaled with the batch; auto: 60 "
             "up to 10,000 training rows, else 100"},
    {"weight_decay", FIELD_DOUBLE, AT(weight_decay), "0.05", 0, 100,
     .help = "on matrices of the dense part"},
    {"beta1", FIELD_DOUBLE, AT(beta1), "0.9", 0, 0.999999, .help = "Adam"},
    {"beta2", FIELD_DOUBLE, AT(beta2), "0.999", 0, 0.999999, .help = "Adam"},
    {"eps", FIELD_DOUBLE, AT(eps), "1e-8", 0, 1, .above_min = true, .help = "Adam"},
    {"warmup", FIELD_DOUBLE, AT(warmup), "0.1", 0, 1,
     .help = "share of the steps with a rising learning rate"},
    {"optimizer", FIELD_CHOICE, AT(optimizer), "adamw", .choices = OPTIMIZERS,
     .help = "of the dense part, and of the rows of words that a batch touched"},
    {"momentum", FIELD_DOUBLE, AT(momentum), "0.9", 0, 0.999999,
     .help = "sgd; what a row that is not touched keeps stands still"},
    {"scheduler", FIELD_CHOICE, AT(scheduler), "cosine", .choices = SCHEDULERS,
     .help =
         "learning rates after the warm-up; cosine and linear end at 0; plateau falls "
         "when val_loss (without validation rows train_loss) stands still"},
    {"plateau_factor", FIELD_DOUBLE, AT(plateau_factor), "0.8", 0, 0.999999,
     .above_min = true, .help = "scheduler plateau: what rates are multiplied by"},
    {"plateau_patience", FIELD_INT, AT(plateau_patience), "3", 0, 1e6, .unit = "reports",
     .help = "scheduler plateau: so many in a row without improvement are borne"},
    {"min_lr", FIELD_DOUBLE, AT(min_lr), "0", 0, 1e3,
     .help = "scheduler plateau: lr falls no further, and other rates no further in "
             "proportion"},
    {"precision", FIELD_CHOICE, AT(precision), "fp32", .choices = PRECISIONS,
     .help =
         "of the layers' matrix products in training; bf16 (AVX512_BF16 or AMX) rounds "
         "what is multiplied, sums and weights stay fp32, and so do answers"},
    {"gradient_dtype", FIELD_CHOICE, AT(gradient_dtype), "fp32", .choices = PRECISIONS,
     .help = "of gradients while leaves and ranks are added up; bf16 halves what ranks "
             "exchange, on any CPU, and has the same bits on 1, 2, 4 and 8 ranks"},
    {"clip_norm", FIELD_DOUBLE, AT(clip_norm), "1", 0, 1e9,
     .help = "largest gradient norm of the dense part; 0 = off"},
    {"ema", FIELD_DOUBLE, AT(ema), "0", 0, 0.999999999,
     .help = "decay of a moving average of all weights, which answers and is saved in "
             "their place, as 0.999; after step t at most (1 + t) / (10 + t); 0 = off"},
    {"loss", FIELD_CHOICE, AT(loss), "cross_entropy", .choices = LOSS_NAMES,
     .help = "of both branches; bce: a sigmoid per class on one-hot targets"},
    {"wide_loss", FIELD_CHOICE, AT(wide_loss), "same", .choices = WIDE_LOSS_NAMES,
     .help = "of the wide branch: same as loss, or squared_hinge, the linear SVM's, one "
             "class against the rest"},
    {"focal_gamma", FIELD_DOUBLE, AT(focal_gamma), "2", 0, 10,
     .help = "how little loss=focal cares for sure examples; 0 = cross_entropy"},
    {"label_smoothing", FIELD_DOUBLE, AT(label_smoothing), "0.1", 0, 0.999,
     .help = "of the deep branch's loss"},
    {"seeds", FIELD_INT, AT(seeds), "1", 1, 16,
     .help = "models trained from seed, seed + 1, ...: saved and served as one, by the "
             "mean of their probabilities"},
    {"seed_groups", FIELD_INT, AT(seed_groups), "0", 0, 16,
     .help =
         "how many groups the ranks part into to train seeds side by side, at most; "
         "1: all ranks train one seed after the other; 0: as many as there are seeds"},
    {"shard_optimizer", FIELD_BOOL, AT(shard_optimizer), "false", .placement = true,
     .help =
         "each rank keeps a part of the optimizer's moments instead of all (ZeRO, stage "
         "1); the same bits, for one more exchange of the weights that move"},
    {"hang_timeout_s", FIELD_DOUBLE, AT(hang_timeout_s), "300", 0, 1e6, .unit = "s",
     .placement = true,
     .help = "a rank that stands still for so long is named and the job ends; more than "
             "the slowest leaf of a batch, or write, takes; 0 = off"},
    {"max_failures", FIELD_INT, AT(max_failures), "0", 0, 1e6, .placement = true,
     .help =
         "with --ranks: how often a job is started again, from the newest checkpoint, "
         "after a rank died or hung or the training failed"},
    {"fast_dev_run", FIELD_INT, AT(fast_dev_run), "0", 0, 1e6, .unit = "batches",
     .help = "a trial of the machinery: so many training steps and validation batches, "
             "one epoch, nothing kept; 0 = off"},
    {"overfit_batches", FIELD_INT, AT(overfit_batches), "0", 0, 1e6, .unit = "batches",
     .help = "train on the same few batches every epoch, in one order, and validate on "
             "them, to see that the model can learn them by heart; 0 = off"},
    {"class_weights", FIELD_CHOICE, AT(class_weights), "none",
     .choices = CLASS_WEIGHT_NAMES,
     .help = "balanced: rows / (classes x rows of the class)"},
    {"freeze", FIELD_LIST, AT(freeze),
     .help = "tensors that are not trained, by name: [bert.embeddings.*]"},
    {"layer_decay", FIELD_DOUBLE, AT(layer_decay), "1", 0, 1, .above_min = true,
     .help = "factor on the learning rate from each layer to the one below it"},
};

const size_t n_train_fields = sizeof train_fields / sizeof train_fields[0];

const char *train_config_purpose(const TrainConfig *config)
{
    if (config->fast_dev_run > 0) {
        return "fast_dev_run";
    }
    return config->overfit_batches > 0 ? "overfit_batches" : NULL;
}

static int64_t power_of_two_from(int64_t n)
{
    int64_t power = 1;
    while (power < n) {
        power *= 2;
    }
    return power;
}

size_t train_step_texts(const TrainConfig *config)
{
    return (size_t)(config->batch_size * config->accumulate);
}

size_t train_step_leaves(const TrainConfig *config)
{
    return (size_t)power_of_two_from(config->leaves * config->accumulate);
}

Status train_config_check(const TrainConfig *config, const Config *source, int n_ranks)
{
    int64_t leaves = power_of_two_from(config->leaves);
    if (config->leaves != leaves) {
        status_set(STATUS_CONFIG, "%s: train.leaves: %lld is no power of two",
                   config_origin(source, "train.leaves"), (long long)config->leaves);
        status_hint(
            "the tree that adds gradients must part evenly over the ranks: %lld or "
            "%lld",
            (long long)leaves / 2, (long long)leaves);
        return STATUS_CONFIG;
    }
    if (config->leaves < n_ranks) {
        status_set(STATUS_CONFIG, "%s: train.leaves: %lld, but there are %d ranks",
                   config_origin(source, "train.leaves"), (long long)config->leaves,
                   n_ranks);
        status_hint("use at most %lld ranks, or set train.leaves=%lld",
                    (long long)config->leaves, (long long)power_of_two_from(n_ranks));
        return STATUS_CONFIG;
    }
    if (config->batch_size != AUTO_INT && config->batch_size < n_ranks) {
        status_set(STATUS_CONFIG,
                   "%s: train.batch_size: %lld texts, fewer than the %d ranks",
                   config_origin(source, "train.batch_size"),
                   (long long)config->batch_size, n_ranks);
        status_hint("allowed: %d or more with this many ranks", n_ranks);
        return STATUS_CONFIG;
    }
    if (config->shard_optimizer && config->seed_groups > 1) {
        status_set(STATUS_CONFIG,
                   "%s: train.shard_optimizer: all ranks train one seed after the other, "
                   "but train.seed_groups is %lld",
                   config_origin(source, "train.shard_optimizer"),
                   (long long)config->seed_groups);
        status_hint("leave one of the two out");
        return STATUS_CONFIG;
    }
    if (config->precision == PRECISION_BF16 && !gemm_bf16()) {
        status_set(
            STATUS_CONFIG,
            "%s: train.precision: bf16 needs AVX512_BF16 or AMX, which this CPU has "
            "not",
            config_origin(source, "train.precision"));
        status_hint("use train.precision: fp32; muster doctor lists what the CPU has");
        return STATUS_CONFIG;
    }
    return STATUS_OK;
}
