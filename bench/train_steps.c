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
#include "bench/job.h"
#include "trainer/comm.h"
#include "trainer/plan.h"
#include "trainer/train_step.h"
#include "trainer/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bench {
    BenchJob job;
    Ranks ranks;
    double train_s, wall_s; /* CPU, clock */
    int64_t max_steps;      /* 0 = all of the config's epochs */
    int64_t warmup;         /* steps before the clock starts */
    size_t tokens;          /* trained on */
    double dense_flop;
} Bench;

/* Tokens, and multiply-adds of the dense part, forward and backward: 6 per weight of a
 * layer and token, and 12 T H per token for attention's products over T tokens. */
static void count_work(Bench *bench, const uint32_t *examples, size_t n)
{
    const ModelConfig *c = &bench->job.model;
    double H = (double)c->hidden, F = (double)c->ff;
    for (size_t i = 0; i < n; i++) {
        double T = (double)dataset_length(bench->job.train_set, examples[i]);
        bench->tokens += (size_t)T;
        bench->dense_flop +=
            T * (double)c->layers * (6 * (4 * H * H + 2 * H * F) + 12 * T * H);
    }
}

static Status train(Bench *bench)
{
    size_t n = dataset_size(bench->job.train_set),
           batch = train_step_texts(&bench->job.train);
    int64_t per_epoch = (int64_t)((n + batch - 1) / batch);
    int64_t total = per_epoch * bench->job.train.epochs;
    uint32_t *order = mem_alloc(n, sizeof *order);
    Stepper *stepper =
        stepper_open(&bench->ranks, &bench->job.train, (uint64_t)bench->job.seed,
                     bench->job.classifier, bench->job.optimizer, bench->job.train_set);
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
    Classifier *average = optimizer_average(bench->job.optimizer, bench->job.classifier);
    Classifier *answers = average ? average : bench->job.classifier;
    ValidationRequest request = {.models = &answers,
                                 .n_models = 1,
                                 .set = set,
                                 .batch_size = (size_t)bench->job.train.eval_batch_size};
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
        {"prepare_cpu_s", bench->job.prepare_s},
        {"train_cpu_s", bench->train_s},
        {"train_wall_s", bench->wall_s},
        {"ranks", bench->ranks.size},
        {"dense_floats", (double)classifier_n_dense(bench->job.classifier)},
    };
    StrBuf out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&w, numbers[i].name);
        json_write_double(&w, numbers[i].value);
    }
    print_split(&w, bench, "val", bench->job.val_set);
    print_split(&w, bench, "test", bench->job.test_set);
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
            bench->job.want_test = true;
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
    Status status = bench_job_read(&bench.job, argc, argv);
    status = status == STATUS_OK ? bench_job_prepare(&bench.job) : status;
    status = status == STATUS_OK ? train(&bench) : status;
    if (status == STATUS_OK) {
        print(&bench);
    } else {
        log_status();
    }
    bench_job_close(&bench.job);
    comm_close();
    return (int)status;
}
