/* A run logged from a C program: Newton's method, step by step. Needs libmuster-track
 * alone.
 *
 *     cc log_a_run.c -o log_a_run $(pkg-config --cflags --libs muster-track) -lm
 *     ./log_a_run 612
 *     muster runs show last
 *
 * The store is MLFLOW_TRACKING_URI, or muster.db in the working folder. */
#include <muster/tracker.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what)
{
    fprintf(stderr, "log_a_run: %s: %s\n", what, muster_status_message());
    if (*muster_status_hint()) {
        fprintf(stderr, "  hint: %s\n", muster_status_hint());
    }
    return 1;
}

/* A file that the program writes into the run's folder is an artifact of the run. */
static int write_table(MusterRun *run, double root, int steps)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/result.csv", muster_run_artifact_dir(run));
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        return 1;
    }
    fprintf(file, "root,steps\n%.17g,%d\n", root, steps);
    return fclose(file) == 0 ? 0 : 1;
}

/* The earlier run of this experiment that needed the fewest steps. */
static int print_best(const char *experiment)
{
    const char *order[] = {"metrics.steps ASC"};
    MusterSearch search = MUSTER_SEARCH_INIT;
    search.experiment_names = &experiment;
    search.n_experiment_names = 1;
    search.filter = "attributes.status = 'FINISHED'";
    search.order_by = order;
    search.n_order_by = 1;
    search.max_results = 1;
    MusterRuns *runs;
    if (muster_runs_search(&search, &runs) != MUSTER_OK) {
        return failed("search");
    }
    const MusterRunInfo *best = muster_runs_at(runs, 0);
    double steps;
    if (best && muster_run_info_metric(best, "steps", &steps)) {
        printf("fewest steps so far: %.0f, %s\n", steps, best->run_name);
    }
    muster_runs_free(runs);
    return 0;
}

int main(int argc, char **argv)
{
    static const char EXPERIMENT[] = "square-roots";
    double square = argc > 1 ? atof(argv[1]) : 2;
    MusterKeyValue tags[] = {{"method", "Newton"}};
    MusterRunOptions options = MUSTER_RUN_OPTIONS_INIT;
    options.experiment_name = EXPERIMENT;
    options.tags = tags;
    options.n_tags = 1;
    MusterRun *run;
    if (muster_run_start(&options, &run) != MUSTER_OK) {
        return failed("start");
    }
    printf("run %s is %s\n", muster_run_name(run), muster_run_id(run));
    muster_run_log_param_double(run, "square", square);
    muster_run_log_param(run, "start", "the square itself");

    double x = square, error = 1;
    int step = 0;
    while (error > 1e-12 && step < 100) {
        double next = (x + square / x) / 2;
        error = fabs(next - x) / next;
        x = next;
        muster_run_log_metric(run, "error", error, step);
        muster_run_log_metric(run, "root", x, step);
        step++;
    }
    muster_run_log_metric(run, "steps", step, 0);

    int wrong = write_table(run, x, step) || error > 1e-12;
    if (muster_run_end(run, wrong ? MUSTER_RUN_FAILED : MUSTER_RUN_FINISHED) !=
        MUSTER_OK) {
        return failed("end");
    }
    return wrong || print_best(EXPERIMENT);
}
