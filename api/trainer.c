/* A training from its config to its end, around a loop that is not ours. What callbacks,
 * files and the store do is theirs; here they are wired. */
#include "api/worker.h"

#include "base/clock.h"
#include "base/console_capture.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "tracker/logger.h"
#include "trainer/comm.h"
#include "trainer/host.h"
#include "trainer/launch.h"
#include "trainer/progress.h"
#include "trainer/rank_console.h"
#include "trainer/result_files.h"
#include "trainer/stop_signals.h"
#include "trainer/tensorboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN_CALLBACKS = 5, TRIAL_ID = 9 };

/* Everything a training holds; freed together. */
typedef struct Training {
    MusterTrainerConfig config; /* whole, however old the caller's header is */
    LoopConfig settings;
    ResumePoint resume;
    TrackedRun tracked; /* rank 0, as all below */
    CallbackList callbacks;
    char trial_id[TRIAL_ID];
    char host[HOST_NAME], ip[HOST_IP];
    MusterWorker worker;
} Training;

/* ---- the ranks of this process: MPI comes up once, and goes at its end ---- */

static Status open_ranks(const Ranks **out)
{
    static Ranks ranks;
    static bool opened;
    if (!opened) {
        TRY(comm_open(&ranks));
        /* Not when a training ends: mpirun ends the whole job as soon as one rank has
         * left with a code, and rank 0 has still to print why. */
        atexit(comm_close);
        opened = true;
    }
    Launcher launcher = launch_detect();
    if (ranks.size == 1 && launcher.size > 1) {
        status_set(STATUS_FAILED,
                   "%s started %d tasks, but each sees an MPI job of one rank",
                   launcher.name, launcher.size);
        status_hint("the launcher and this MPI library do not know each other: try srun "
                    "--mpi=pmix, or mpirun");
        return STATUS_FAILED;
    }
    *out = &ranks;
    return STATUS_OK;
}

static Status take_config(const MusterTrainerConfig *config, MusterTrainerConfig *out)
{
    size_t size = config->struct_size;
    *out = (MusterTrainerConfig){0};
    if (size == 0) {
        status_set(STATUS_USAGE, "MusterTrainerConfig.struct_size is 0");
        status_hint("MusterTrainerConfig config = MUSTER_TRAINER_CONFIG_INIT;");
        return STATUS_USAGE;
    }
    memcpy(out, config, size < sizeof *out ? size : sizeof *out);
    return out->train_loop
               ? STATUS_OK
               : status_set(STATUS_USAGE, "MusterTrainerConfig.train_loop is missing");
}

/* ---- the run ---- */

static Status find_resume(Training *t)
{
    const char *reference = t->config.resume;
    if (!reference) {
        return STATUS_OK;
    }
    const TrackingConfig *tracking = &t->settings.tracking;
    ResumeRequest request = {.store_uri = tracking->uri,
                             .experiment = tracking->experiment_name,
                             .reference = reference,
                             .find_checkpoint = worker_checkpoint_find};
    TRY(resume_point_find(&request, &t->resume));
    if (!t->resume.run_id && strcmp(reference, "auto") != 0) {
        return status_set(STATUS_NOT_FOUND,
                          "nothing to resume: no unfinished run with a checkpoint in "
                          "experiment %s",
                          tracking->experiment_name);
    }
    return STATUS_OK;
}

/* Results live with the run's artifacts, or, when those are not to be saved, in a folder
 * of their own. */
static char *choose_result_dir(const Training *t)
{
    if (t->resume.result_dir) {
        return mem_strdup(t->resume.result_dir);
    }
    if (t->settings.tracking.save_artifact) {
        return mem_strdup(t->tracked.artifact_dir);
    }
    char *relative = mem_printf("results/%s/%s_%s", t->settings.top.experiment,
                                t->tracked.run_name, t->trial_id);
    char *dir = path_absolute(relative);
    free(relative);
    return dir;
}

static Status create_run(Training *t)
{
    char program[4096] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    const NamedText versions[] = {{"muster", muster_version()}, {"mpi", comm_library()}};
    RunFacts facts = {.source_name = n > 0 ? program : NULL,
                      .n_ranks = t->worker.ranks->size,
                      .versions = versions,
                      .n_versions = sizeof versions / sizeof versions[0],
                      .resume_run_id = t->resume.run_id};
    TRY(logger_create_run(&t->settings.tracking, &facts, &t->tracked));
    memcpy(t->trial_id, t->tracked.run_id, TRIAL_ID - 1);
    t->worker.run_id = mem_strdup(t->tracked.run_id);
    t->worker.result_dir = choose_result_dir(t);
    return dir_make(t->worker.result_dir);
}

/* ---- callbacks ---- */

static Callback *next_callback(Training *t)
{
    return &t->callbacks.items[t->callbacks.n++];
}

static Status open_callbacks(Training *t)
{
    const LoopConfig *settings = &t->settings;
    t->callbacks.items =
        mem_zalloc(OWN_CALLBACKS + t->config.n_callbacks, sizeof *t->callbacks.items);
    for (size_t i = 0; i < t->config.n_callbacks; i++) {
        *next_callback(t) = t->config.callbacks[i];
    }
    result_files_open(next_callback(t));
    if (settings->early_stopping.enabled) {
        early_stop_open(&settings->early_stopping, next_callback(t));
    }
    if (settings->callbacks.tensorboard) {
        tensorboard_open(settings->tracking.step_interval, next_callback(t));
    }
    LoggerConfig logger = {.tracking = &settings->tracking, .run = &t->tracked};
    TRY(logger_open(&logger, next_callback(t)));
    if (!t->config.quiet) {
        ProgressOptions progress = {.results = stdout, .terminal = -1};
        progress_open(&progress, next_callback(t));
    }
    return STATUS_OK;
}

static TrialStart describe(Training *t)
{
    host_name(t->host);
    host_ip(t->ip);
    return (TrialStart){
        .run_id = t->tracked.run_id,
        .run_name = t->tracked.run_name,
        .trial_id = t->trial_id,
        .experiment = t->settings.top.experiment,
        .result_dir = t->worker.result_dir,
        .hostname = t->host,
        .node_ip = t->ip,
        .pid = getpid(),
        .n_ranks = t->worker.ranks->size,
        .n_epochs = t->config.n_iterations,
        .steps_per_epoch = t->config.steps_per_iteration,
        .n_examples = t->config.n_examples,
        .params = t->settings.params,
        .n_params = t->settings.n_params,
        .resumed = t->resume.run_id != NULL,
        .start_iteration = t->worker.iteration,
        .stop = &t->worker.stop,
    };
}

/* What a run that is continued from an earlier point had done later goes. */
static Status restore_history(Training *t)
{
    StrList unknown = {0};
    Status status = checkpointer_restore(t->worker.checkpointer, t->worker.result_dir,
                                         t->worker.iteration, &unknown);
    for (size_t i = 0; i < unknown.n && status == STATUS_OK; i++) {
        if (strcmp(path_base(unknown.items[i]), path_base(t->resume.checkpoint_dir))) {
            status = tree_remove(unknown.items[i]);
        }
    }
    strlist_free(&unknown);
    return status;
}

/* Rank 0: all that must be there before the loop begins. */
static Status open_run(Training *t)
{
    TRY(create_run(t));
    TRY(open_callbacks(t));
    t->worker.callbacks = &t->callbacks;
    t->worker.checkpointer = checkpointer_open(&t->settings.checkpoint);
    if (t->resume.run_id) {
        TRY(restore_history(t));
    }
    if (!t->config.quiet) {
        log_note("run %s (%s) in experiment %s", t->tracked.run_name, t->trial_id,
                 t->settings.top.experiment);
    }
    t->worker.start = describe(t);
    return STATUS_OK;
}

/* ---- its life ---- */

/* Rank 0 looks up and creates; all know the same when this returns. */
static Status open_training(Training *t)
{
    const Ranks *ranks = t->worker.ranks;
    MusterWorker *worker = &t->worker;
    Status status = loop_config_read(&t->config, &t->settings);
    TRY(ranks_agree(ranks, status));
    if (ranks->rank == 0) {
        status = find_resume(t);
    }
    TRY(ranks_take_status(ranks, 0, status));
    resume_point_broadcast(&t->resume, ranks);
    if (t->resume.checkpoint_dir) {
        int64_t step = 0;
        status =
            worker_checkpoint_read(t->resume.checkpoint_dir, &worker->iteration, &step);
        TRY(ranks_agree(ranks, status));
        worker->restored_iteration = worker->iteration;
        worker->step = worker->reported_step = step;
    }
    if (ranks->rank == 0) {
        status = open_run(t);
    }
    TRY(ranks_take_status(ranks, 0, status));
    ranks_broadcast_text(ranks, &worker->run_id);
    ranks_broadcast_text(ranks, &worker->result_dir);
    if (t->settings.tracking.console) {
        rank_console_keep(ranks, worker->result_dir);
    }
    return STATUS_OK;
}

/* What the loop returned on any rank, and the signal that ended it. */
static Status run_loop(Training *t)
{
    MusterWorker *worker = &t->worker;
    const Ranks *ranks = worker->ranks;
    const TrackingConfig *tracking = &t->settings.tracking;
    system_watch_open(ranks,
                      tracking->system_metrics ? tracking->system_metrics_interval : 0,
                      &worker->watch);
    worker->began = worker->report_began = worker->step_ended = clock_seconds();
    if (ranks->rank == 0) {
        callbacks_start(&t->callbacks, &worker->start);
    }
    worker->stop = ranks->max(ranks->self, worker->stop);
    status_set(STATUS_OK, "%s", ""); /* what it says from here on is the loop's */
    int returned = t->config.train_loop(worker, t->config.context);
    Status status = returned == 0 ? STATUS_OK : (Status)returned;
    if (status != STATUS_OK && !*status_message()) {
        status_set(status, "the train loop returned %d (%s)", returned,
                   status_name(status));
    }
    status = ranks_agree(ranks, status);
    system_watch_gather(&worker->watch, worker->callbacks);
    if (status == STATUS_OK && worker->number) {
        status = worker->number == SIGINT ? STATUS_INTERRUPTED : STATUS_REQUEUE;
        status_set(status, "stopped by %s after iteration %lld",
                   worker->number == SIGINT ? "Ctrl-C" : strsignal(worker->number),
                   (long long)worker->iteration);
        status_hint("run %s can be resumed", worker->run_id);
    }
    return status;
}

/* Rank 0: tells the callbacks how it ended. */
static Status tell_end(Training *t, Status status)
{
    MusterWorker *worker = &t->worker;
    char *error = mem_strdup(status == STATUS_OK ? NULL : status_message());
    char *hint = mem_strdup(status_hint_text());
    if (status == STATUS_OK && worker->checkpoint_lost) {
        status = STATUS_FAILED;
        error = mem_printf("the last checkpoint was not saved: %s", worker->error);
    }
    TrialEnd end = {
        .status = status,
        .error = error,
        .time_total_s = clock_seconds() - worker->began + t->resume.time_before_s,
        .best_checkpoint = checkpointer_best(worker->checkpointer),
    };
    callbacks_end(&t->callbacks, &end);
    if (status == STATUS_OK && t->callbacks.failed) {
        status = status_set(STATUS_FAILED, "%s", t->callbacks.error);
    } else if (status != STATUS_OK) {
        status_set(status, "%s", error);
        status_hint("%s", hint);
    }
    free(error);
    free(hint);
    return status;
}

/* Keeps the reason of a training that never began, or how it ended. */
static void close_training(Training *t, Status status, bool began)
{
    char *message = mem_strdup(status_message()), *hint = mem_strdup(status_hint_text());
    if (!began && t->tracked.run_id && t->callbacks.n == t->config.n_callbacks) {
        logger_abandon_run(&t->tracked, status);
    }
    callbacks_close(&t->callbacks);
    system_watch_close(&t->worker.watch);
    worker_close_data(&t->worker);
    checkpointer_close(t->worker.checkpointer);
    if (t->worker.aside) {
        tree_remove(t->worker.aside);
    }
    free(t->worker.aside);
    free(t->worker.run_id);
    free(t->worker.result_dir);
    free(t->callbacks.items);
    tracked_run_free(&t->tracked);
    resume_point_free(&t->resume);
    loop_config_free(&t->settings);
    if (status != STATUS_OK) {
        status_set(status, "%s", message);
        status_hint("%s", hint);
    }
    free(message);
    free(hint);
}

static Status fit(Training *t)
{
    MusterWorker *worker = &t->worker;
    TRY(open_ranks(&worker->ranks));
    worker->config = &t->config;
    worker->settings = &t->settings;
    worker->resume = &t->resume;
    worker->signal = stop_signals_catch();
    if (worker->ranks->rank != 0) {
        log_set_quiet(true);
    }
    Status status = open_training(t);
    bool began = status == STATUS_OK;
    if (began) {
        status = run_loop(t);
        status = worker->ranks->rank == 0 ? tell_end(t, status) : status;
        status = ranks_take_status(worker->ranks, 0, status);
    }
    close_training(t, status, began);
    stop_signals_restore();
    return status;
}

MusterStatus muster_trainer_fit(const MusterTrainerConfig *config)
{
    Training *t = mem_zalloc(1, sizeof *t);
    Status status = take_config(config, &t->config);
    if (status == STATUS_OK) {
        console_capture_begin();
        status = fit(t);
        fflush(stdout);
        int lost = console_capture_end();
        if (lost && status == STATUS_OK) {
            status = status_set(STATUS_FAILED, "standard output: %s", strerror(lost));
        }
    }
    free(t);
    return status;
}

int muster_trainer_main(const MusterTrainerConfig *config)
{
    Status status = muster_trainer_fit(config);
    if (status != STATUS_OK && launch_detect().rank == 0) {
        log_status();
    }
    return (int)status;
}
