/* The train loop without callbacks: how fast training is, and what it ends with.
 * bench/train runs it beside PyTorch, bench/scale on one and two ranks.
 *
 *     train_steps [--test] [--steps N] [--warmup N] CONFIG [section.key=value ...]
 *
 * Prints a JSON object: tokens/s and GFLOP/s of the optimizer steps (the words the deep
 * branch reads; arithmetic of the dense part alone), CPU seconds of reading, fitting and
 * training, and the metrics of the validation split; of the test split only with --test,
 * since whoever tunes must not see it. The first --warmup steps train, but outside of the
 * clock; --steps counts those after them. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/prepared.h"
#include "model/training.h"
#include "tracker/config.h"
#include "trainer/checkpointer.h"
#include "trainer/comm.h"
#include "trainer/config.h"
#include "trainer/early_stop.h"
#include "trainer/plan.h"
#include "trainer/pretrain.h"
#include "trainer/start_words.h"
#include "trainer/train_step.h"
#include "trainer/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Job {
    int64_t seed;
    char *experiment;
} Job;

static const Field JOB_FIELDS[] = {
    {"experiment", FIELD_TEXT, offsetof(Job, experiment), "Default", .help = "name"},
    {"seed", FIELD_INT, offsetof(Job, seed), "42", 0, 1e18, .help = "of every draw"},
};

typedef struct Bench {
    Job job;
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    PreparedData prepared;
    WordVectors vectors; /* n 0 without model.init_from */
    AddedWords added;
    const Preprocessor *pre; /* its own */
    Dataset *train_set, *val_set, *test_set;
    Classifier *classifier;
    Optimizer *optimizer;
    Ranks ranks;
    double prepare_s, train_s, wall_s; /* CPU, CPU, clock */
    bool want_test;
    int64_t max_steps; /* 0 = all of the config's epochs */
    int64_t warmup;    /* steps before the clock starts */
    size_t tokens;     /* trained on */
    double dense_flop;
} Bench;

enum { N_SECTIONS = 8 };

/* What a bench does not use is read all the same, so that any config will do. */
static void list_sections(Bench *bench, Section out[N_SECTIONS])
{
    static CheckpointConfig checkpoint;
    static EarlyStopConfig early_stopping;
    static TrackingConfig tracking;
    static PretrainConfig pretrain;
    const Section sections[N_SECTIONS] = {
        {"", "", JOB_FIELDS, 2, &bench->job},
        {"data", "", data_fields, n_data_fields, &bench->data},
        {"model", "", model_fields, n_model_fields, &bench->model},
        {"train", "", train_fields, n_train_fields, &bench->train},
        {"checkpoint", "", checkpoint_fields, n_checkpoint_fields, &checkpoint},
        {"early_stopping", "", early_stop_fields, n_early_stop_fields, &early_stopping},
        {"tracking", "", tracking_fields, n_tracking_fields, &tracking},
        {"pretrain", "", pretrain_fields, n_pretrain_fields, &pretrain},
    };
    memcpy(out, sections, sizeof sections);
}

static Status read_config(Bench *bench, int argc, char **argv)
{
    Section sections[N_SECTIONS];
    Config *config;
    list_sections(bench, sections);
    TRY(config_open(argv[1], &config));
    Status status = STATUS_OK;
    for (int i = 2; i < argc && status == STATUS_OK; i++) {
        status = config_override(config, argv[i]);
    }
    if (status == STATUS_OK) {
        status = config_apply(config, sections, N_SECTIONS);
    }
    config_close(config);
    return status;
}

/* The words of the first vectors belong to the vocabulary. */
static Status read_vectors(Bench *bench)
{
    const char *dir = bench->model.init_from;
    if (!dir || !*dir) {
        return STATUS_OK;
    }
    TRY(word_vectors_load(dir, &bench->vectors));
    bench->added =
        (AddedWords){bench->vectors.n, bench->vectors.words, bench->vectors.digest};
    bench->data.added = &bench->added;
    return STATUS_OK;
}

static Status prepare(Bench *bench)
{
    TRY(read_vectors(bench));
    const PreparedData *data = &bench->prepared;
    const Splits *s = &data->splits;
    double before = clock_cpu_seconds();
    TRY(prepared_open(&bench->data, (uint64_t)bench->job.seed, false, &bench->prepared));
    Section sections[N_SECTIONS];
    list_sections(bench, sections);
    config_resolve(NULL, sections, N_SECTIONS, &bench->prepared.facts);
    TRY(prepared_dataset(data, s->train, s->n_train, &bench->train_set));
    if (s->n_val > 0) {
        TRY(prepared_dataset(data, s->val, s->n_val, &bench->val_set));
    }
    bench->prepare_s = clock_cpu_seconds() - before;
    bench->pre = data->preprocessor;
    if (bench->want_test && s->n_test > 0) {
        DatasetSource source = {.rows = splits_test_rows(s),
                                .index = s->test,
                                .n = s->n_test,
                                .labelled = true};
        TRY(dataset_open(bench->pre, &source, &bench->test_set));
    }
    const ModelConfig *m = &bench->model;
    ModelSizes sizes = {
        .n_classes = preprocessor_n_classes(bench->pre),
        .vocab_size =
            m->vocab_rows ? (size_t)m->vocab_rows : preprocessor_vocab_size(bench->pre),
        .ngram_buckets = preprocessor_ngram_buckets(bench->pre),
        .max_tokens =
            m->positions ? (size_t)m->positions : preprocessor_max_words(bench->pre),
        .wide_buckets = preprocessor_wide_buckets(bench->pre),
    };
    const TrainConfig *t = &bench->train;
    OptimizerConfig config = {
        .kind = (OptimizerKind)t->optimizer,
        .momentum = t->momentum,
        .lr = t->lr,
        .embedding_lr = t->embedding_lr,
        .wide_lr = t->wide_lr,
        .weight_decay = t->weight_decay,
        .beta1 = t->beta1,
        .beta2 = t->beta2,
        .eps = t->eps,
        .clip_norm = t->clip_norm,
        .ema = t->ema,
    };
    bench->classifier =
        classifier_create(&bench->model, &sizes, (uint64_t)bench->job.seed);
    if (bench->vectors.n > 0) {
        start_from_words(bench->classifier, &bench->vectors, bench->pre);
    }
    bench->optimizer = optimizer_open(bench->classifier, &config);
    return STATUS_OK;
}

/* Tokens, and multiply-adds of the dense part, forward and backward: 6 per weight of a
 * layer and token, and 12 T H per token for attention's products over T tokens. */
static void count_work(Bench *bench, const uint32_t *examples, size_t n)
{
    const ModelConfig *c = &bench->model;
    double H = (double)c->hidden, F = (double)c->ff;
    for (size_t i = 0; i < n; i++) {
        double T = (double)dataset_length(bench->train_set, examples[i]);
        bench->tokens += (size_t)T;
        bench->dense_flop +=
            T * (double)c->layers * (6 * (4 * H * H + 2 * H * F) + 12 * T * H);
    }
}

static Status train(Bench *bench)
{
    size_t n = dataset_size(bench->train_set), batch = train_step_texts(&bench->train);
    int64_t per_epoch = (int64_t)((n + batch - 1) / batch);
    int64_t total = per_epoch * bench->train.epochs;
    uint32_t *order = mem_alloc(n, sizeof *order);
    Stepper *stepper =
        stepper_open(&bench->ranks, &bench->train, (uint64_t)bench->job.seed,
                     bench->classifier, bench->optimizer, bench->train_set);
    Status status = STATUS_OK;
    double before = clock_cpu_seconds(), began = clock_seconds();
    int64_t last = bench->max_steps ? bench->warmup + bench->max_steps : total;
    last = last < total ? last : total;
    for (int64_t step = 0; step < last && status == STATUS_OK; step++) {
        if (step == bench->warmup) {
            before = clock_cpu_seconds();
            began = clock_seconds();
        }
        if (step % per_epoch == 0) {
            plan_epoch(order, n, (uint64_t)bench->job.seed, step / per_epoch);
        }
        size_t first = (size_t)(step % per_epoch) * batch;
        size_t texts = n - first < batch ? n - first : batch;
        StepResult result;
        status = stepper_step(stepper, order + first, texts, step, total, false, &result);
        if (step >= bench->warmup) {
            count_work(bench, order + first, texts);
        }
    }
    bench->train_s = clock_cpu_seconds() - before;
    bench->wall_s = clock_seconds() - began;
    stepper_close(stepper);
    free(order);
    return status;
}

/* Collective. */
static void print_split(JsonWriter *w, const Bench *bench, const char *name,
                        const Dataset *set)
{
    if (!set) {
        return;
    }
    ValidationResult result;
    Classifier *average = optimizer_average(bench->optimizer, bench->classifier);
    Classifier *answers = average ? average : bench->classifier;
    ValidationRequest request = {.models = &answers,
                                 .n_models = 1,
                                 .set = set,
                                 .batch_size = (size_t)bench->train.eval_batch_size};
    validate(&bench->ranks, &request, NULL, &result);
    classifier_close(average);
    json_write_key(w, name);
    json_begin_object(w);
    json_write_key(w, "loss");
    json_write_double(w, result.loss);
    json_write_key(w, "accuracy");
    json_write_double(w, result.accuracy);
    json_write_key(w, "f1");
    json_write_double(w, result.f1);
    json_end_object(w);
}

static void print(const Bench *bench)
{
    double tokens = (double)bench->tokens;
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"tokens_per_s", tokens / bench->train_s},
        {"gflop_per_s", bench->dense_flop / bench->train_s * 1e-9},
        {"tokens", tokens},
        {"prepare_cpu_s", bench->prepare_s},
        {"train_cpu_s", bench->train_s},
        {"train_wall_s", bench->wall_s},
        {"ranks", bench->ranks.size},
        {"dense_floats", (double)classifier_n_dense(bench->classifier)},
    };
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&w, numbers[i].name);
        json_write_double(&w, numbers[i].value);
    }
    print_split(&w, bench, "val", bench->val_set);
    print_split(&w, bench, "test", bench->test_set);
    json_end_object(&w);
    if (bench->ranks.rank == 0) {
        puts(out.p);
    }
    strbuf_free(&out);
}

/* How many words of the command line were options. */
static int read_options(Bench *bench, int argc, char **argv)
{
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--test") == 0) {
            bench->want_test = true;
        } else if (strcmp(argv[at], "--steps") == 0 && at + 1 < argc) {
            bench->max_steps = atoll(argv[++at]);
        } else if (strcmp(argv[at], "--warmup") == 0 && at + 1 < argc) {
            bench->warmup = atoll(argv[++at]);
        } else {
            return argc;
        }
    }
    return at - 1;
}

int main(int argc, char **argv)
{
    Bench bench = {0};
    if (comm_open(&bench.ranks) != STATUS_OK) {
        log_status();
        return STATUS_FAILED;
    }
    int n_options = read_options(&bench, argc, argv);
    argc -= n_options;
    argv += n_options;
    if (argc < 2) {
        fprintf(stderr, "usage: train_steps [--test] [--steps N] [--warmup N] CONFIG "
                        "[section.key=value ...]\n");
        return STATUS_USAGE;
    }
    Status status = read_config(&bench, argc, argv);
    status = status == STATUS_OK ? prepare(&bench) : status;
    status = status == STATUS_OK ? train(&bench) : status;
    if (status == STATUS_OK) {
        print(&bench);
    } else {
        log_status();
    }
    optimizer_close(bench.optimizer);
    classifier_close(bench.classifier);
    dataset_close(bench.train_set);
    dataset_close(bench.val_set);
    dataset_close(bench.test_set);
    prepared_close(&bench.prepared);
    word_vectors_free(&bench.vectors);
    comm_close();
    return (int)status;
}
