/* Creating, finding and ending the run of a wrapped command. */
#include "cli/exec_run.h"

#include "base/clock.h"
#include "base/console_capture.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system_monitor.h"
#include "tracker/artifacts.h"
#include "tracker/environment.h"
#include "tracker/log_writer.h"
#include "tracker/logger.h"
#include "tracker/store.h"
#include "trainer/host.h"
#include "trainer/launch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE_CAP = 8192,
    COMMIT_MS = 500,
    FINISH_MS = 10000,
    FIND_S = 60, /* how long task 0 may take to create the run */
    FOLDER_S = 5,
    GIT_DIFF_MS = 10000,
    AT_ONCE = 64
};

static const off_t GIT_DIFF_CAP = 10 << 20;

/* By this tag the other tasks of a job find the run. */
#define JOB_TAG "muster.exec.job"

struct ExecRun {
    TrackingConfig *config;
    Launcher launcher;
    TrackedRun tracked;
    LogWriter *writer;
    SystemMonitor *monitor;
    StrList names; /* of the system metrics */
    int64_t n_samples;
};

/* ---- the job ---- */

static int env_int(const char *name, int otherwise)
{
    const char *text = getenv(name);
    long long value;
    return text && text_to_int(text, &value) ? (int)value : otherwise;
}

/* The first of this node's tasks. */
static bool first_on_node(void)
{
    int local = env_int("OMPI_COMM_WORLD_LOCAL_RANK", env_int("SLURM_LOCALID", -1));
    return (local >= 0 ? local : env_int("MPI_LOCALRANKID", 0)) == 0;
}

static bool several_nodes(const Launcher *launcher)
{
    int local = env_int("OMPI_COMM_WORLD_LOCAL_SIZE", env_int("MPI_LOCALNRANKS", 0));
    return launcher->size > 1 &&
           (local > 0 ? local < launcher->size : env_int("SLURM_STEP_NUM_NODES", 1) > 1);
}

/* What all tasks of one launch share and no others have. Free with free(). */
static char *job_name(void)
{
    static const char *const NAMES[] = {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid",
                                        "PMI_JOBID"};
    const char *slurm = getenv("SLURM_JOB_ID"), *step = getenv("SLURM_STEP_ID");
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *value = getenv(NAMES[i]);
        if (value && *value) {
            return mem_printf("%s.%s", slurm ? slurm : "0", value);
        }
    }
    return slurm ? mem_printf("%s.%s", slurm, step ? step : "0")
                 : mem_printf("0.%ld", (long)getppid());
}

/* ---- task 0 ---- */

/* As a shell would take it. */
static void add_word(StrBuf *out, const char *word)
{
    strbuf_add_text(out, out->n > 0 ? " " : "");
    if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-./:=@%+,")]) {
        strbuf_add_text(out, word);
        return;
    }
    strbuf_add_char(out, '\'');
    for (const char *p = word; *p; p++) {
        if (*p == '\'') {
            strbuf_add_text(out, "'\\''");
        } else {
            strbuf_add_char(out, *p);
        }
    }
    strbuf_add_char(out, '\'');
}

static char *command_text(char *const argv[])
{
    StrBuf text = {0};
    for (size_t i = 0; argv[i]; i++) {
        add_word(&text, argv[i]);
    }
    return strbuf_take(&text);
}

static Status create(ExecRun *run, char *const argv[])
{
    char *command = command_text(argv), *job = job_name(), *folder = path_absolute(".");
    StrList *tags = &run->config->tags;
    strlist_add_take(tags, mem_printf("mlflow.source.name=%s", command));
    strlist_add_take(tags, mem_printf("muster.folder=%s", folder));
    strlist_add_take(tags, mem_printf(JOB_TAG "=%s", job));
    free(command);
    free(job);
    free(folder);
    RunFacts facts = {.n_ranks = run->launcher.size > 0 ? run->launcher.size : 1};
    TRY(logger_create_run(run->config, &facts, &run->tracked));
    log_note("run %s (%.8s) in experiment %s", run->tracked.run_name, run->tracked.run_id,
             run->tracked.experiment_name);
    return STATUS_OK;
}

/* What differs from the commit, as a patch; neither hooks nor programs that a repository
 * names are run. */
static void save_git_diff(const ExecRun *run)
{
    char *path = path_join(run->tracked.artifact_dir, "git.diff");
    char *output = mem_printf("--output=%s", path);
    const char *const argv[] = {"git",
                                "--no-optional-locks",
                                "-c",
                                "core.fsmonitor=false",
                                "diff",
                                "--no-ext-diff",
                                "--no-textconv",
                                "--no-color",
                                output,
                                "HEAD",
                                NULL};
    StrBuf nothing = {0};
    struct stat entry;
    bool made = environment_capture(argv, GIT_DIFF_MS, &nothing);
    if (stat(path, &entry) == 0 && (!made || entry.st_size == 0)) {
        unlink(path);
    } else if (made && entry.st_size > GIT_DIFF_CAP) {
        log_warning("git.diff is not kept: it has %lld bytes", (long long)entry.st_size);
        unlink(path);
    }
    strbuf_free(&nothing);
    free(output);
    free(path);
}

/* ---- the other tasks ---- */

static void take(ExecRun *run, const Store *store, const Run *found)
{
    run->tracked = (TrackedRun){
        .run_id = mem_strdup(found->run_id),
        .run_name = mem_strdup(found->run_name),
        .experiment_id = mem_strdup(found->experiment_id),
        .artifact_uri = mem_strdup(found->artifact_uri),
        .artifact_dir = artifact_local_path(found->artifact_uri),
        .store_uri = mem_strdup(store->uri),
    };
}

/* Task 0 may be a little behind, and its clock too. */
static bool look(ExecRun *run, const char *filter)
{
    Store *store = NULL;
    if (store_open(run->config->uri, NULL, &store) != STATUS_OK) {
        return false;
    }
    Experiment experiment = {0};
    Runs runs = {0};
    const char *const order[] = {"attributes.start_time DESC"};
    bool found = false;
    if (store_get_experiment_by_name(store, run->config->experiment_name, &experiment) ==
        STATUS_OK) {
        RunQuery query = {.experiment_ids = &experiment.experiment_id,
                          .n_experiment_ids = 1,
                          .filter = filter,
                          .order_by = order,
                          .n_order_by = 1,
                          .max_results = 1};
        found = store_search_runs(store, &query, &runs) == STATUS_OK && runs.n == 1;
        if (found) {
            take(run, store, &runs.items[0]);
        }
    }
    runs_free(&runs);
    experiment_free(&experiment);
    store_close(store);
    return found;
}

static Status find(ExecRun *run)
{
    char *job = job_name();
    /* Not RUNNING alone: task 0 may have ended already. */
    char *filter =
        mem_printf("tags.`" JOB_TAG "` = '%s' AND attributes.start_time > %lld", job,
                   (long long)clock_wall_ms() - 600000);
    double deadline = clock_seconds() + FIND_S;
    bool found = false;
    while (!(found = look(run, filter)) && clock_seconds() < deadline) {
        nanosleep(&(struct timespec){0, 50000000}, NULL);
    }
    free(filter);
    free(job);
    if (found) {
        return STATUS_OK;
    }
    status_set(STATUS_NOT_FOUND, "task %d does not find the run that task 0 made",
               run->launcher.rank);
    status_hint("all tasks must see the same store: MLFLOW_TRACKING_URI, or one folder");
    return STATUS_NOT_FOUND;
}

/* ---- what is watched ---- */

static Status open_writer(ExecRun *run)
{
    LogWriterConfig config = {.store_uri = run->tracked.store_uri,
                              .run_id = run->tracked.run_id,
                              .result_dir = run->tracked.artifact_dir,
                              .queue_cap = QUEUE_CAP,
                              .durable = run->config->durability == DURABILITY_FULL,
                              .commit_ms = COMMIT_MS};
    return log_writer_open(&config, &run->writer);
}

static void open_monitor(ExecRun *run)
{
    char host[HOST_NAME];
    if (!run->config->system_metrics || !first_on_node()) {
        return;
    }
    host_name(host);
    bool several = several_nodes(&run->launcher);
    for (size_t i = 0; i < N_SYSTEM_METRICS; i++) {
        strlist_add_take(&run->names,
                         mem_printf("system/%s%s%s", several ? host : "",
                                    several ? "/" : "", system_metric_names[i]));
    }
    run->monitor = system_monitor_open(run->config->system_metrics_interval);
}

/* Task 0 makes the folder right after the run; where it stays away, this node does not
 * see it. */
static bool folder_comes(const char *dir)
{
    double deadline = clock_seconds() + FOLDER_S;
    while (!dir_exists(dir) && clock_seconds() < deadline) {
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return dir_exists(dir);
}

static void keep_console(const ExecRun *run)
{
    if (run->config->console && run->tracked.artifact_dir &&
        folder_comes(run->tracked.artifact_dir)) {
        char *path = mem_printf("%s/logs/rank-%d.log", run->tracked.artifact_dir,
                                run->launcher.rank);
        console_capture_file(path);
        free(path);
    }
}

void exec_run_tick(void *context)
{
    ExecRun *run = context;
    SystemSample samples[AT_ONCE];
    size_t n = run->monitor ? system_monitor_take(run->monitor, samples, AT_ONCE) : 0;
    for (size_t i = 0; i < n; i++, run->n_samples++) {
        for (size_t k = 0; k < N_SYSTEM_METRICS; k++) {
            LogItem item = {.kind = ITEM_METRIC,
                            .key = run->names.items[k],
                            .value = samples[i].values[k],
                            .timestamp = samples[i].timestamp_ms,
                            .step = run->n_samples};
            log_writer_add(run->writer, &item);
        }
    }
}

Status exec_run_open(TrackingConfig *config, char *const argv[], ExecRun **out)
{
    ExecRun *run = mem_zalloc(1, sizeof *run);
    run->config = config;
    run->launcher = launch_detect();
    Status status = run->launcher.rank == 0 ? create(run, argv) : find(run);
    if (status == STATUS_OK && run->tracked.store_uri) {
        status = open_writer(run);
    }
    if (status != STATUS_OK) {
        tracked_run_free(&run->tracked);
        free(run);
        return status;
    }
    if (run->launcher.rank == 0) {
        save_git_diff(run);
    }
    keep_console(run);
    if (run->writer) {
        open_monitor(run);
    }
    *out = run;
    return STATUS_OK;
}

void exec_run_export(const ExecRun *run)
{
    setenv("MLFLOW_RUN_ID", run->tracked.run_id, 1);
    setenv("MLFLOW_EXPERIMENT_ID", run->tracked.experiment_id, 1);
    if (run->tracked.store_uri) {
        setenv("MLFLOW_TRACKING_URI", run->tracked.store_uri, 1);
    }
}

/* ---- the end ---- */

/* Somebody wanted it to end; or it fell over by itself. Shells that were interrupted say
 * so by their exit code. */
static RunStatus status_of(const ChildEnd *end)
{
    switch (end->exit_code) {
    case 0:
        return RUN_FINISHED;
    case STATUS_REQUEUE:
    case 128 + SIGHUP:
    case 128 + SIGINT:
    case 128 + SIGKILL:
    case 128 + SIGTERM:
    case 128 + SIGUSR1:
        return RUN_KILLED;
    default:
        return RUN_FAILED;
    }
}

static void add_tag(const ExecRun *run, const char *stem, const char *value)
{
    bool first = run->launcher.rank == 0;
    char *key =
        first ? mem_strdup(stem) : mem_printf("%s.rank_%d", stem, run->launcher.rank);
    LogItem item = {.kind = ITEM_TAG, .key = key, .text = (char *)value};
    log_writer_add(run->writer, &item);
    free(key);
}

/* Whether another task failed first, upon which the launcher ended this one. */
static bool another_failed(const ExecRun *run)
{
    static const char STEM[] = "muster.exit_code.rank_";
    Store *store = NULL;
    Run found = {0};
    bool failed = false;
    if (store_open(run->tracked.store_uri, NULL, &store) == STATUS_OK &&
        store_get_run(store, run->tracked.run_id, &found) == STATUS_OK) {
        for (size_t i = 0; i < found.tags.n; i++) {
            const KeyValue *tag = &found.tags.items[i];
            failed = failed || (strncmp(tag->key, STEM, strlen(STEM)) == 0 &&
                                strcmp(tag->value, "0") != 0);
        }
        run_free(&found);
    }
    store_close(store);
    return failed;
}

static RunStatus status_of_job(const ExecRun *run, const ChildEnd *end)
{
    bool others = run->launcher.size > 1 && run->launcher.rank == 0;
    return others && another_failed(run) ? RUN_FAILED : status_of(end);
}

/* Task 0 speaks for the job, unless another one failed. */
static void add_end(const ExecRun *run, const ChildEnd *end)
{
    char code[16];
    snprintf(code, sizeof code, "%d", end->exit_code);
    add_tag(run, "muster.exit_code", code);
    if (end->signal_number) {
        add_tag(run, "muster.exit_signal", strsignal(end->signal_number));
    }
    if (run->launcher.rank == 0) {
        LogItem metric = {.kind = ITEM_METRIC,
                          .key = (char *)"exit_code",
                          .value = end->exit_code,
                          .timestamp = clock_wall_ms()};
        log_writer_add(run->writer, &metric);
    }
    if (run->launcher.rank == 0 || end->exit_code != 0) {
        LogItem last = {.kind = ITEM_END,
                        .status = status_of_job(run, end),
                        .timestamp = clock_wall_ms()};
        log_writer_add(run->writer, &last);
    }
}

Status exec_run_close(ExecRun *run, const ChildEnd *end)
{
    Status status = STATUS_OK;
    if (run->writer) {
        exec_run_tick(run);
        system_monitor_close(run->monitor);
        add_end(run, end);
        status = log_writer_finish(run->writer, FINISH_MS);
        log_writer_close(run->writer);
    }
    strlist_free(&run->names);
    tracked_run_free(&run->tracked);
    free(run);
    return status;
}
