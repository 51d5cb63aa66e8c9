/* The run of a training, from its creation to its last line. */
#include "cli/train_run.h"

#include "cli/evaluate.h"
#include "cli/lr_find.h"
#include "cli/rank_threads.h"
#include "cli/reproduction.h"
#include "cli/resume_points.h"
#include "cli/run_end.h"
#include "cli/train_sets.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "build_info.h"
#include "model/dispatch.h"
#include "model/gemm_bf16.h"
#include "tracker/db.h"
#include "tracker/logger.h"
#include "trainer/comm.h"
#include "trainer/early_stop.h"
#include "trainer/host.h"
#include "trainer/launch.h"
#include "trainer/progress.h"
#include "trainer/result_files.h"
#include "trainer/watch.h"
#include "trainer/tensorboard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CALLBACKS = 10, MAX_DATASETS = 2, MAX_LAST_METRICS = 48, TRIAL_ID = 9 };

/* What the end's JSON object tells; kept by a callback of our own. */
typedef struct Ending {
    NamedValue metrics[MAX_LAST_METRICS];
    size_t n_metrics;
    char *best_checkpoint;
} Ending;

struct TrainingRun {
    const WholeConfig *config;
    const ResumePoint *resume;
    const TrainOptions *options;
    TrackedRun tracked;
    char *result_dir;
    char trial_id[TRIAL_ID];
    char host[HOST_NAME], ip[HOST_IP];
    char notice[TRAIN_NOTICE];
    NamedText *params; /* keys are interned by the tables' names in `texts` */
    size_t n_params, cap_params;
    StrList texts;
    LoggerDataset datasets[MAX_DATASETS];
    size_t n_datasets;
    Callback callbacks[MAX_CALLBACKS];
    CallbackList list;
    const volatile sig_atomic_t *signal;
    Ending ending;
};

/* --- facts --- */

static void add_param(void *context, const char *key, const char *value)
{
    TrainingRun *run = context;
    run->params =
        mem_grow(run->params, &run->cap_params, run->n_params + 1, sizeof *run->params);
    strlist_add(&run->texts, key);
    const char *own_key = run->texts.items[run->texts.n - 1];
    strlist_add(&run->texts, value);
    const char *own_value = run->texts.items[run->texts.n - 1];
    run->params[run->n_params++] = (NamedText){own_key, own_value};
}

static char *files_name(const StrList *files)
{
    return files->n > 0 ? mem_strdup(path_base(files->items[0])) : mem_strdup("data");
}

/* A number of rows under its name. */
typedef struct PartSize {
    const char *name;
    size_t n;
} PartSize;

/* One file list as the run's input, and what its rows went to. */
typedef struct Input {
    const StrList *files;
    const TokenizedRows *rows;
    PartSize parts[3];
    const char *context;
} Input;

static void write_count(JsonWriter *w, const char *key, size_t n)
{
    json_write_key(w, key);
    json_write_int(w, (int64_t)n);
}

/* Rows, classes and splits, as a data set of a run describes itself. */
static char *profile_of(const Input *input)
{
    const StrList *labels = tokenized_labels(input->rows);
    size_t *counts = mem_alloc(labels->n, sizeof *counts);
    splits_count_labels(input->rows, counts);
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    write_count(&w, "num_rows", tokenized_size(input->rows));
    write_count(&w, "invalid_utf8_rows", tokenized_n_invalid(input->rows));
    json_write_key(&w, "splits");
    json_begin_object(&w);
    for (size_t i = 0; i < 3 && input->parts[i].name; i++) {
        write_count(&w, input->parts[i].name, input->parts[i].n);
    }
    json_end_object(&w);
    json_write_key(&w, "classes");
    json_begin_object(&w);
    for (size_t i = 0; i < labels->n; i++) {
        write_count(&w, labels->items[i], counts[i]);
    }
    json_end_object(&w);
    json_end_object(&w);
    free(counts);
    return strbuf_take(&text);
}

static void add_dataset(TrainingRun *run, const Input *input)
{
    const StrList *files = input->files;
    char *parts[] = {files_name(files),
                     files->n > 0 ? path_absolute(files->items[0]) : mem_strdup(""),
                     profile_of(input)};
    const char *owned[3];
    for (size_t i = 0; i < 3; i++) {
        strlist_add_take(&run->texts, parts[i]);
        owned[i] = parts[i];
    }
    run->datasets[run->n_datasets++] =
        (LoggerDataset){.name = owned[0],
                        .digest = tokenized_digest(input->rows),
                        .source = owned[1],
                        .profile = owned[2],
                        .context = input->context};
}

static void collect_facts(TrainingRun *run, const Splits *splits)
{
    const DataConfig *data = &run->config->data;
    config_flatten(run->config->sections, N_TRAIN_SECTIONS, add_param, run);
    Input train = {&data->train,
                   splits->rows,
                   {{"train", splits->n_train}, {"val", splits->n_val}},
                   "training"};
    Input test = {&data->test, splits->test_rows, {{"test", splits->n_test}}, "testing"};
    if (!splits->test_rows) {
        train.parts[2] = test.parts[0];
    }
    add_dataset(run, &train);
    if (splits->test_rows) {
        add_dataset(run, &test);
    }
    host_name(run->host);
    host_ip(run->ip);
}

/* Neither a sweep nor a reproduction answers on stdout as a training does. */
static bool is_training(const TrainOptions *options)
{
    return !options->sweep && !options->reproduction;
}

static const char *source_name(const TrainOptions *options)
{
    if (options->sweep) {
        return "muster lr-find";
    }
    return options->reproduction ? "muster reproduce" : "muster train";
}

static const char *purpose(const TrainingRun *run)
{
    if (run->options->sweep) {
        return LR_FIND_PURPOSE;
    }
    return run->options->reproduction ? REPRODUCE_PURPOSE
                                      : train_config_purpose(&run->config->train);
}

static Status create_run(TrainingRun *run, const Splits *splits, int n_ranks)
{
    const NamedText versions[] = {
        {"muster", MUSTER_VERSION " " MUSTER_COMMIT},
        {"blas", gemm_library()},
        {"mpi", comm_library()},
        {"sqlite", db_library_version()},
    };
    const NamedText digests[] = {
        {"train", tokenized_digest(splits->rows)},
        {"test", splits->test_rows ? tokenized_digest(splits->test_rows) : ""},
        {"split", splits->digest},
    };
    const Gemm *bf16 =
        run->config->train.precision == PRECISION_BF16 ? gemm_bf16() : NULL;
    char kernels[64];
    snprintf(kernels, sizeof kernels, "%s, products %s%s%s", dispatch_kernel_name(),
             gemm_fp32()->name, bf16 ? ", " : "", bf16 ? bf16->name : "");
    RunFacts facts = {
        .source_name = source_name(run->options),
        .n_ranks = n_ranks,
        .n_threads = (int)rank_threads(),
        .kernel_family = kernels,
        .versions = versions,
        .n_versions = sizeof versions / sizeof versions[0],
        .digests = digests,
        .n_digests = sizeof digests / sizeof digests[0],
        .purpose = purpose(run),
        .resume_run_id = run->resume->run_id,
    };
    return logger_create_run(&run->config->tracking, &facts, &run->tracked);
}

/* Results live with the run's artifacts, or, when those are not to be saved, in a folder
 * of their own. */
static Status choose_result_dir(TrainingRun *run)
{
    memcpy(run->trial_id, run->tracked.run_id, TRIAL_ID - 1);
    if (run->resume->result_dir) {
        run->result_dir = mem_strdup(run->resume->result_dir);
    } else if (run->config->tracking.save_artifact) {
        run->result_dir = mem_strdup(run->tracked.artifact_dir);
    } else {
        char *relative = mem_printf("results/%s/%s_%s", run->config->top.experiment,
                                    run->tracked.run_name, run->trial_id);
        run->result_dir = path_absolute(relative);
        free(relative);
    }
    return dir_make(run->result_dir);
}

/* --- callbacks --- */

static Status remember_report(void *self, const Report *report, bool *stop)
{
    (void)stop;
    Ending *ending = self;
    size_t n =
        report->n_metrics < MAX_LAST_METRICS ? report->n_metrics : MAX_LAST_METRICS;
    memcpy(ending->metrics, report->metrics, n * sizeof *report->metrics);
    ending->n_metrics = n;
    return STATUS_OK;
}

static Status remember_end(void *self, const TrialEnd *end)
{
    Ending *ending = self;
    free(ending->best_checkpoint);
    ending->best_checkpoint = mem_strdup(end->best_checkpoint);
    return STATUS_OK;
}

static Callback *next_callback(TrainingRun *run)
{
    CHECK(run->list.n < MAX_CALLBACKS);
    return &run->callbacks[run->list.n++];
}

static Status open_callbacks(TrainingRun *run)
{
    run->list.items = run->callbacks;
    *next_callback(run) = (Callback){.name = "ending",
                                     .self = &run->ending,
                                     .on_report = remember_report,
                                     .on_end = remember_end};
    result_files_open(next_callback(run));
    if (run->config->early_stopping.enabled && run->config->train.fast_dev_run == 0) {
        early_stop_open(&run->config->early_stopping, next_callback(run));
    }
    if (run->config->callbacks.tensorboard) {
        tensorboard_open(run->config->tracking.step_interval, next_callback(run));
    }
    LoggerConfig logger = {
        .tracking = &run->config->tracking,
        .run = &run->tracked,
        .datasets = run->datasets,
        .n_datasets = run->n_datasets,
    };
    TRY(logger_open(&logger, next_callback(run)));
    if (!run->options->sweep) {
        ProgressOptions progress = {
            .results = run->options->json || run->options->reproduction ? NULL : stdout,
            .terminal = -1};
        progress_open(&progress, next_callback(run));
    }
    if (run->options->reproduction) {
        reproduction_callback(run->options->reproduction, next_callback(run));
    }
    return STATUS_OK;
}

/* Keeps the reason. */
static void abandon(TrainingRun *run, Status status)
{
    char *message = mem_strdup(status_message());
    char *hint = mem_strdup(status_hint_text());
    if (run->tracked.run_id && run->list.n == 0) {
        logger_abandon_run(&run->tracked, status);
    }
    training_run_close(run, &ranks_single, status);
    status_set(status, "%s", message);
    status_hint("%s", hint);
    free(message);
    free(hint);
}

static void tell_supervisor(const TrainingRun *run)
{
    if (run->tracked.store_uri) {
        char *text = mem_printf("%s\n%s", run->tracked.run_id, run->tracked.store_uri);
        launch_tell(LAUNCH_RUN, text);
        free(text);
    }
}

/* From the watching thread: the training itself stands still, waiting for a rank that is
 * dead or hangs. A user who had asked for the end gets that. */
static Status record_failure(void *context, const char *reason)
{
    const TrainingRun *run = context;
    int number = run->signal ? (int)*run->signal : 0;
    Status status = number == 0        ? STATUS_FAILED
                    : number == SIGINT ? STATUS_INTERRUPTED
                                       : STATUS_REQUEUE;
    if (run->tracked.store_uri &&
        run_end_record(run->tracked.store_uri, run->tracked.run_id, status,
                       status == STATUS_FAILED ? reason : NULL) == STATUS_OK) {
        launch_tell(LAUNCH_RECORDED, "");
    }
    return status == STATUS_INTERRUPTED ? status : STATUS_FAILED;
}

Status training_run_open(const WholeConfig *config, const Splits *splits,
                         const ResumePoint *resume, int n_ranks,
                         const TrainOptions *options, TrainingRun **out)
{
    TrainingRun *run = mem_zalloc(1, sizeof *run);
    run->config = config;
    run->resume = resume;
    run->options = options;
    collect_facts(run, splits);
    Status status = create_run(run, splits, n_ranks);
    if (status == STATUS_OK) {
        status = choose_result_dir(run);
    }
    if (status == STATUS_OK && resume->run_id && run->tracked.store_uri) {
        status = resume_points_deliver(run->tracked.store_uri, run->tracked.run_id,
                                       run->result_dir);
    }
    if (status == STATUS_OK) {
        status = open_callbacks(run);
    }
    if (status != STATUS_OK) {
        abandon(run, status);
        return status;
    }
    log_note("run %s (%s) in experiment %s", run->tracked.run_name, run->trial_id,
             config->top.experiment);
    tell_supervisor(run);
    watch_on_failure(record_failure, run);
    *out = run;
    return STATUS_OK;
}

const char *training_run_dir(const TrainingRun *run)
{
    return run->result_dir;
}

void training_run_fill(TrainingRun *run, TrainJob *job)
{
    train_sets_notice(&run->config->train, run->notice);
    job->callbacks = &run->list;
    run->signal = job->signal;
    job->time_before_s = run->resume->time_before_s;
    job->start = (TrialStart){
        .run_id = run->tracked.run_id,
        .run_name = run->tracked.run_name,
        .trial_id = run->trial_id,
        .experiment = run->config->top.experiment,
        .result_dir = run->result_dir,
        .hostname = run->host,
        .node_ip = run->ip,
        .pid = getpid(),
        .params = run->params,
        .n_params = run->n_params,
        .notice = *run->notice ? run->notice : NULL,
    };
}

/* --- the end --- */

static const char *end_name(Status status)
{
    switch (status) {
    case STATUS_OK:
        return "FINISHED";
    case STATUS_REQUEUE:
    case STATUS_INTERRUPTED:
        return "KILLED";
    default:
        return "FAILED";
    }
}

/* After the callbacks: the logger has delivered all there is to know of the run. */
static Status evaluate_run(const TrainingRun *run, const Ranks *ranks, Status trained,
                           JsonWriter *json)
{
    if (!run->options->evaluate || trained != STATUS_OK) {
        return STATUS_OK;
    }
    return evaluate_trained(ranks, run->config->tracking.uri, run->tracked.run_id, json);
}

static Status print_json(const TrainingRun *run, const Ranks *ranks, Status status)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    const NamedText texts[] = {
        {"run_id", run->tracked.run_id},
        {"run_name", run->tracked.run_name},
        {"experiment_id", run->tracked.experiment_id},
        {"status", end_name(status)},
        {"artifact_uri", run->tracked.artifact_uri},
        {"checkpoint", run->ending.best_checkpoint},
    };
    json_begin_object(&w);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_write_key(&w, texts[i].name);
        json_write_string(&w, texts[i].value);
    }
    json_write_key(&w, "metrics");
    json_begin_object(&w);
    for (size_t i = 0; i < run->ending.n_metrics; i++) {
        json_write_key(&w, run->ending.metrics[i].name);
        json_write_double(&w, run->ending.metrics[i].value);
    }
    json_end_object(&w);
    Status evaluated = evaluate_run(run, ranks, status, &w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
    return evaluated;
}

Status training_run_close(TrainingRun *run, const Ranks *ranks, Status status)
{
    Status evaluated = STATUS_OK;
    callbacks_close(&run->list);
    watch_on_failure(NULL, NULL);
    launch_tell(LAUNCH_RECORDED, "");
    if (run->tracked.run_id && run->options->json && is_training(run->options)) {
        evaluated = print_json(run, ranks, status);
    } else if (run->result_dir && status == STATUS_OK && is_training(run->options)) {
        log_note("results and checkpoints: %s", run->result_dir);
        if (run->config->train.fast_dev_run == 0 && !run->options->evaluate) {
            log_note("next: muster evaluate %s --split test", run->trial_id);
        }
        evaluated = evaluate_run(run, ranks, status, NULL);
    }
    free(run->ending.best_checkpoint);
    free(run->result_dir);
    free(run->params);
    strlist_free(&run->texts);
    tracked_run_free(&run->tracked);
    free(run);
    return evaluated;
}
