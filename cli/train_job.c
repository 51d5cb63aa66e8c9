/* The life of a training: config, data, run, loop, end. Each step is agreed on by all
 * ranks before the next begins; rank 0 alone touches the store and the result folder. */
#include "cli/train_job.h"

#include "cli/evaluate.h"
#include "cli/lr_find.h"
#include "cli/pretrain.h"
#include "cli/reproduction.h"
#include "cli/rank_threads.h"
#include "cli/same_everywhere.h"
#include "cli/train_config.h"
#include "cli/train_run.h"
#include "cli/train_sets.h"
#include "cli/train_start.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pulse.h"
#include "data/prepared.h"
#include "trainer/launch.h"
#include "trainer/members.h"
#include "trainer/rank_console.h"
#include "trainer/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything a training holds; freed together. */
typedef struct TrainJobState {
    const Ranks *ranks;
    const TrainOptions *options;
    WholeConfig config;
    ResumePoint resume;
    PreparedData data;
    TrainSets sets;
    TrainStart start;
    NamedText digests[4];
    TrainJob loop;
    TrainingRun *run; /* rank 0 */
} TrainJobState;

/* Those who watch over the ranks go by the config. */
static void tell_policy(const TrainJobState *job)
{
    const TrainConfig *train = &job->config.train;
    char text[64];
    watch_set_timeout(train->hang_timeout_s);
    if (job->ranks->rank == 0) {
        snprintf(text, sizeof text, "%lld %g",
                 job->options->reproduction || job->options->sweep
                     ? 0LL
                     : (long long)train->max_failures,
                 train->hang_timeout_s);
        launch_tell(LAUNCH_POLICY, text);
        if (train->max_failures > 0 && launch_detect().kind != LAUNCHER_MUSTER) {
            log_note("train.max_failures: only --ranks N starts a job again");
        }
    }
}

static Status read_config(TrainJobState *job, const char *const *args, size_t n_args)
{
    const char *path = n_args > 0 && !strchr(args[0], '=') ? args[0] : NULL;
    size_t skip = path ? 1 : 0;
    const Reproduction *repeated = job->options->reproduction;
    if (repeated) {
        path = NULL;
        skip = 0;
        args = (const char *const *)repeated->params.items;
        n_args = repeated->params.n;
    }
    ConfigFiles files = {path, job->resume.params_json};
    whole_config_init(&job->config);
    Status status = whole_config_read(&job->config, &files, args + skip, n_args - skip,
                                      job->options, job->ranks->size);
    if (status == STATUS_OK) {
        tell_policy(job); /* before others are waited for */
    }
    TRY(ranks_agree(job->ranks, status));
    return same_everywhere(job->ranks, job->config.digest, STATUS_CONFIG, "the config");
}

/* People who just typed the command may not know that there are more cores to use. Told
 * when config and data are good: an error should stand alone. */
static void note_one_rank(void)
{
    int cores = comm_host().cores;
    if (launch_detect().kind == LAUNCHER_NONE && cores > 1) {
        log_note("one rank; --ranks %d would use all cores", cores);
    } else if (launch_detect().kind == LAUNCHER_NONE) {
        log_note("one rank");
    }
}

/* A run that is resumed or reproduced must see the rows it was trained on. */
static Status check_same_data(const TrainJobState *job)
{
    const Splits *splits = &job->data.splits;
    if (job->options->reproduction && job->ranks->rank == 0) {
        const NamedText digests[] = {
            {"train", tokenized_digest(splits->rows)},
            {"test", splits->test_rows ? tokenized_digest(splits->test_rows) : ""},
            {"split", splits->digest},
        };
        return reproduction_check_data(job->options->reproduction, digests, 3);
    }
    if (!job->resume.checkpoint_dir) {
        return STATUS_OK;
    }
    return resume_check_digest(&job->resume, job->data.splits.digest);
}

/* A data set that is kept is prepared by rank 0 with all cores; the others sleep, and
 * then find it there (or make it, where the cache is the node's own). */
static Status prepare(TrainJobState *job)
{
    const DataConfig *config = &job->config.data;
    uint64_t seed = (uint64_t)job->config.top.seed;
    bool kept = job->ranks->size > 1 && prepared_is_kept(config);
    bool root = job->ranks->rank == 0;
    Status status = STATUS_OK;
    if (root || !kept) {
        rank_threads_alone(kept);
        status = prepared_open(config, seed, root, &job->data);
        rank_threads_alone(false);
    }
    if (kept) {
        job->ranks->wait(job->ranks->self);
        TRY(ranks_agree(job->ranks, status));
        if (!root) {
            status = prepared_open(config, seed, false, &job->data);
        }
    }
    return status;
}

/* What the config leaves to the rows: the same values on all ranks. */
static Status resolve_config(TrainJobState *job)
{
    Status status =
        whole_config_resolve(&job->config, &job->data.facts, job->ranks->size);
    TRY(ranks_agree(job->ranks, status));
    return same_everywhere(job->ranks, job->config.digest, STATUS_CONFIG, "the config");
}

static Status explain(TrainJobState *job)
{
    return job->ranks->rank == 0
               ? whole_config_explain(&job->config, job->ranks->size, stdout)
               : STATUS_OK;
}

static Status open_sets(TrainJobState *job)
{
    return train_sets_open(&job->data, &job->config.train, (uint64_t)job->config.top.seed,
                           &job->sets);
}

/* Ranks must start from the same vectors. */
static Status read_start(TrainJobState *job)
{
    if (!job->resume.checkpoint_dir) {
        TRY(pretrain_for_training(&job->config, job->ranks));
    }
    Status status = train_start_open(&job->config, &job->resume, &job->start);
    TRY(ranks_agree(job->ranks, status));
    if (!job->start.added.digest) {
        return STATUS_OK;
    }
    return same_everywhere(job->ranks, job->start.added.digest, STATUS_CONFIG,
                           "model.init_from");
}

static Status read_data(TrainJobState *job)
{
    const DataConfig *config = &job->config.data;
    pulse_phase(PULSE_DATA);
    fault_point("data");
    TRY(read_start(job));
    Status status = prepare(job);
    status = status == STATUS_OK ? check_same_data(job) : status;
    TRY(ranks_agree(job->ranks, status));
    const Splits *splits = &job->data.splits;
    TRY(same_everywhere(job->ranks, splits->digest, STATUS_DATA, "the data"));
    TRY(resolve_config(job));
    TRY(ranks_agree(job->ranks, open_sets(job)));
    rank_threads_tell();
    note_one_rank();
    log_note("%zu texts to train on, %zu to validate, %zu to test, %zu %s",
             splits->n_train, splits->n_val, splits->n_test,
             preprocessor_n_classes(job->data.preprocessor),
             config->label_separator ? "labels" : "classes");
    return STATUS_OK;
}

static Status open_run(TrainJobState *job)
{
    Status status = STATUS_OK;
    if (job->ranks->rank == 0) {
        status = training_run_open(&job->config, &job->data.splits, &job->resume,
                                   job->ranks->size, job->options, &job->run);
    }
    TRY(ranks_agree(job->ranks, status));
    if (job->config.tracking.console) {
        rank_console_keep(job->ranks, job->run ? training_run_dir(job->run) : NULL);
    }
    return STATUS_OK;
}

static void prepare_loop(TrainJobState *job, const volatile sig_atomic_t *signal)
{
    const WholeConfig *config = &job->config;
    const Splits *splits = &job->data.splits;
    const TokenizedRows *tests = splits->test_rows;
    job->digests[0] = (NamedText){"train", tokenized_digest(splits->rows)};
    job->digests[1] = (NamedText){"test", tests ? tokenized_digest(tests) : ""};
    job->digests[2] = (NamedText){"split", splits->digest};
    bool init = job->start.added.digest != NULL;
    job->digests[3] = (NamedText){"init", job->start.added.digest};
    job->loop = (TrainJob){
        .ranks = job->ranks,
        .train = &config->train,
        .model = &config->model,
        .checkpoint = &config->checkpoint,
        .predict = &config->predict,
        .seed = (uint64_t)config->top.seed,
        .preprocessor = job->data.preprocessor,
        .train_set = job->sets.train,
        .val_set = job->sets.val,
        .resume_from = job->resume.checkpoint_dir,
        .system_interval_s = config->tracking.system_metrics
                                 ? config->tracking.system_metrics_interval
                                 : 0,
        .init_words = job->start.vectors.n > 0 ? &job->start.vectors : NULL,
        .info = {.sections = config->recorded,
                 .n_sections = N_RECORDED_SECTIONS,
                 .seed = (uint64_t)config->top.seed,
                 .digests = job->digests,
                 .n_digests = init ? 4 : 3},
        .signal = signal,
    };
}

static Status train(TrainJobState *job)
{
    if (job->run) {
        training_run_fill(job->run, &job->loop);
    }
    return job->options->sweep ? lr_find_run(&job->loop, job->options)
                               : train_loop(&job->loop);
}

static void close_job(TrainJobState *job)
{
    train_sets_close(&job->sets);
    prepared_close(&job->data);
    train_start_free(&job->start);
    resume_point_free(&job->resume);
    whole_config_free(&job->config);
}

/* Rank 0 looks the run up; the others are told where its checkpoint is. */
static Status find_resume(TrainJobState *job, const char *const *args, size_t n_args)
{
    if (!job->options->resume && !job->options->restart) {
        return STATUS_OK;
    }
    Status status = STATUS_OK;
    if (job->ranks->rank == 0) {
        status = resume_find(job->options, args, n_args, job->ranks->size, &job->resume);
    }
    TRY(ranks_agree(job->ranks, status));
    resume_point_broadcast(&job->resume, job->ranks);
    return STATUS_OK;
}

/* Rank 0 reads the run; the others are told its config. */
static Status find_repeated(const TrainJobState *job)
{
    Reproduction *repeated = job->options->reproduction;
    if (!repeated) {
        return STATUS_OK;
    }
    Status status = job->ranks->rank == 0 ? reproduction_open(repeated) : STATUS_OK;
    TRY(ranks_agree(job->ranks, status));
    reproduction_broadcast(repeated, job->ranks);
    return STATUS_OK;
}

static Status tell_repeated(const TrainJobState *job)
{
    Reproduction *repeated = job->options->reproduction;
    if (!repeated) {
        return STATUS_OK;
    }
    Status status = STATUS_OK;
    if (job->ranks->rank == 0) {
        status = reproduction_tell(repeated, job->options->json);
    }
    return ranks_agree(job->ranks, status);
}

/* Before a training, not after it. */
static Status check_evaluate(const TrainJobState *job)
{
    if (!job->options->evaluate || job->data.splits.n_test > 0) {
        return STATUS_OK;
    }
    status_set(STATUS_CONFIG, "--evaluate: the config has no test rows");
    status_hint("data.test=FILE, or data.test_size=0.2");
    return STATUS_CONFIG;
}

static Status close_run(TrainJobState *job, Status trained)
{
    Status status = STATUS_OK;
    if (job->run) {
        status = training_run_close(job->run, job->ranks, trained);
    } else if (job->options->evaluate && trained == STATUS_OK) {
        status = evaluate_trained(job->ranks, NULL, NULL, NULL);
    }
    return trained != STATUS_OK ? trained : status;
}

Status train_job_run(const Ranks *ranks, const TrainOptions *options,
                     const char *const *args, size_t n_args,
                     const volatile sig_atomic_t *signal)
{
    TrainJobState job = {.ranks = ranks, .options = options};
    Status status = find_resume(&job, args, n_args);
    status = status == STATUS_OK ? find_repeated(&job) : status;
    status = status == STATUS_OK ? read_config(&job, args, n_args) : status;
    if (status == STATUS_OK && options->explain) {
        status = explain(&job);
    } else if (status == STATUS_OK) {
        status = read_data(&job);
        status = status == STATUS_OK ? check_evaluate(&job) : status;
        if (status == STATUS_OK) {
            prepare_loop(&job, signal);
            status = train_check_resume(&job.loop);
        }
        status = status == STATUS_OK ? open_run(&job) : status;
        status = status == STATUS_OK ? train(&job) : status;
        status = close_run(&job, status);
        status = status == STATUS_OK ? tell_repeated(&job) : status;
    }
    close_job(&job);
    return status;
}
