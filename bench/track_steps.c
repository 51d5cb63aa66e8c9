/* What tracking costs a training: the same steps with and without it, in blocks that take
 * turns within one process, so that a busy machine is equally busy for both.
 *
 *     track_steps [--blocks N] [--seconds S] [--every N] FOLDER CONFIG [key=value ...]
 *
 * With tracking, the logger is told of every step, as the train loop tells it, and logs
 * the loss of every N-th (default 10, as tracking.step_interval). A block's CPU time is
 * that of all threads, and includes the commit that follows it. Prints a JSON object: of
 * the steps the median and the tenth percentile, which a busy machine leaves alone more,
 * and the median over blocks of their CPU time a step. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bench/job.h"
#include "tracker/logger.h"
#include "trainer/comm.h"
#include "trainer/plan.h"
#include "trainer/train_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS_MAX = 1 << 20, SETTLE_MS = 250 /* more than a commit waits */ };

enum { BLOCKS_MAX = 1024 };

typedef struct Side {
    double *step_s; /* [n] */
    size_t n;
    double block_cpu_s[BLOCKS_MAX]; /* [n_blocks], for each step */
    size_t n_blocks;
} Side;

typedef struct Bench {
    BenchJob job;
    Ranks ranks;
    Stepper *stepper;
    uint32_t *order;
    int64_t step;
    int n_blocks;
    double block_s;
    int64_t every;
    TrackingConfig tracking;
    TrackedRun run;
    Callback logger;
    Side off, on;
} Bench;

static Status step(Bench *bench, double *loss)
{
    size_t n = dataset_size(bench->job.train_set);
    size_t batch = train_step_texts(&bench->job.train);
    int64_t per_epoch = (int64_t)((n + batch - 1) / batch);
    if (bench->step % per_epoch == 0) {
        plan_epoch(bench->order, n, (uint64_t)bench->job.seed, bench->step / per_epoch);
    }
    size_t first = (size_t)(bench->step % per_epoch) * batch;
    StepResult result;
    Status status = stepper_step_with(bench->stepper, bench->order + first,
                                      n - first < batch ? n - first : batch, bench->step,
                                      0.01, false, &result);
    *loss = result.loss;
    bench->step++;
    return status;
}

static Status run_block(Bench *bench, bool track)
{
    Side *side = track ? &bench->on : &bench->off;
    double cpu = clock_cpu_seconds(), began = clock_seconds(), now = began;
    size_t before_n = side->n;
    while (now - began < bench->block_s && side->n < STEPS_MAX) {
        double before = now, loss = 0;
        TRY(step(bench, &loss));
        if (track) {
            StepEnd told = {.step = bench->step, .loss = loss, .lr = 0.001};
            bench->logger.on_step(bench->logger.self, &told);
        }
        now = clock_seconds();
        side->step_s[side->n++] = now - before;
    }
    nanosleep(&(struct timespec){0, SETTLE_MS * 1000000L}, NULL);
    side->block_cpu_s[side->n_blocks++] =
        (clock_cpu_seconds() - cpu) / (double)(side->n - before_n);
    return STATUS_OK;
}

static Status open_logger(Bench *bench, const char *dir)
{
    bench->tracking = (TrackingConfig){.enabled = true,
                                       .uri = mem_printf("sqlite:///%s/runs.db", dir),
                                       .experiment_name = mem_strdup("bench"),
                                       .step_interval = bench->every};
    TRY(logger_create_run(&bench->tracking, NULL, &bench->run));
    LoggerConfig config = {.tracking = &bench->tracking, .run = &bench->run};
    TRY(logger_open(&config, &bench->logger));
    TrialStart start = {.result_dir = bench->run.artifact_dir};
    return bench->logger.on_start(bench->logger.self, &start);
}

static Status close_logger(Bench *bench)
{
    TrialEnd end = {.status = STATUS_OK};
    Status status = bench->logger.on_end(bench->logger.self, &end);
    bench->logger.close(bench->logger.self);
    tracked_run_free(&bench->run);
    free(bench->tracking.uri);
    free(bench->tracking.experiment_name);
    return status;
}

static int compare(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

static double quantile(double *items, size_t n, double q)
{
    qsort(items, n, sizeof *items, compare);
    return items[(size_t)((double)(n - 1) * q)];
}

static void print_side(const char *name, Side *side, const char *end)
{
    printf("\"%s\": {\"steps\": %zu, \"p50_us\": %.3f, \"p10_us\": %.3f, "
           "\"cpu_us\": %.3f}%s",
           name, side->n, quantile(side->step_s, side->n, 0.5) * 1e6,
           quantile(side->step_s, side->n, 0.1) * 1e6,
           quantile(side->block_cpu_s, side->n_blocks, 0.5) * 1e6, end);
}

/* off, on, on, off: what drifts is shared evenly. The first block only warms up. */
static Status train(Bench *bench)
{
    bench->order = mem_alloc(dataset_size(bench->job.train_set), sizeof *bench->order);
    bench->stepper =
        stepper_open(&bench->ranks, &bench->job.train, (uint64_t)bench->job.seed,
                     bench->job.classifier, bench->job.optimizer, bench->job.train_set);
    bench->off.step_s = mem_alloc(STEPS_MAX, sizeof(double));
    bench->on.step_s = mem_alloc(STEPS_MAX, sizeof(double));
    Status status = run_block(bench, true);
    bench->on.n = 0;
    bench->on.n_blocks = 0;
    for (int i = 0; i < bench->n_blocks && i < 2 * BLOCKS_MAX - 2 && status == STATUS_OK;
         i++) {
        status = run_block(bench, i % 4 == 1 || i % 4 == 2);
    }
    stepper_close(bench->stepper);
    free(bench->order);
    return status;
}

static Status run(Bench *bench, int argc, char **argv)
{
    TRY(bench_job_read(&bench->job, argc, argv));
    TRY(bench_job_prepare(&bench->job));
    TRY(open_logger(bench, argv[0]));
    TRY(train(bench));
    return close_logger(bench);
}

int main(int argc, char **argv)
{
    Bench bench = {.n_blocks = 40, .block_s = 0.25, .every = 10};
    int at = 1;
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "--blocks") == 0) {
            bench.n_blocks = atoi(argv[at + 1]);
        } else if (strcmp(argv[at], "--seconds") == 0) {
            bench.block_s = atof(argv[at + 1]);
        } else if (strcmp(argv[at], "--every") == 0) {
            bench.every = atoll(argv[at + 1]);
        }
    }
    if (argc - at < 2) {
        fprintf(stderr,
                "usage: track_steps [--blocks N] [--seconds S] [--every N] FOLDER "
                "CONFIG [section.key=value ...]\n");
        return STATUS_USAGE;
    }
    Status status = comm_open(&bench.ranks);
    status = status == STATUS_OK ? run(&bench, argc - at, argv + at) : status;
    if (status == STATUS_OK) {
        printf("{");
        print_side("off", &bench.off, ", ");
        print_side("on", &bench.on, "}\n");
    } else {
        log_status();
    }
    free(bench.off.step_s);
    free(bench.on.step_s);
    bench_job_close(&bench.job);
    comm_close();
    return (int)status;
}
