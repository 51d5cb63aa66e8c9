/* What the tracker's tests share: a folder of their own, stores in it, and checks that
 * print the status message when they fail. */
#ifndef MUSTER_TESTS_TRACKER_SUPPORT_H
#define MUSTER_TESTS_TRACKER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/mem.h"
#include "base/status.h"
#include "tracker/store.h"
#include "tracker/store_error.h"
#include "tests/asserts.h"

#define assert_status(code, call)                                                        \
    do {                                                                                 \
        Status status_ = (call);                                                         \
        if (status_ != (code)) {                                                         \
            fail_msg("%s: got %d, expected %d: %s", #call, (int)status_, (int)(code),    \
                     status_ ? status_message() : "");                                   \
        }                                                                                \
    } while (0)

#define assert_error(error, call)                                                        \
    do {                                                                                 \
        StoreError error_ = store_error(call);                                           \
        if (error_ != (error)) {                                                         \
            fail_msg("%s: got %s, expected %s: %s", #call, store_error_name(error_),     \
                     store_error_name(error), error_ ? status_message() : "");           \
        }                                                                                \
    } while (0)

/* A fresh folder for one test, the working folder of nobody. */
static inline int make_folder(void **state)
{
    char template[] = "/tmp/muster-tracker-XXXXXX";
    *state = mem_strdup(mkdtemp(template));
    return *state ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    Status status = tree_remove(*state);
    free(*state);
    return status == STATUS_OK ? 0 : -1;
}

/* Which kind of store the tests of a program are about: "--kind=file" changes it. */
typedef enum StoreKind { KIND_SQLITE, KIND_FILE } StoreKind;

static StoreKind store_kind __attribute__((unused)) = KIND_SQLITE;

static inline void choose_store_kind(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        store_kind = strcmp(argv[i], "--kind=file") == 0 ? KIND_FILE : store_kind;
    }
}

static inline char *store_uri_in(const char *dir)
{
    return store_kind == KIND_FILE ? mem_printf("file://%s/mlruns", dir)
                                   : mem_printf("sqlite:///%s/runs.db", dir);
}

/* Where the artifacts of an experiment of that store go; free with free(). */
static inline char *location_in(const char *dir, const char *experiment_id)
{
    return store_kind == KIND_FILE ? mem_printf("file://%s/mlruns/%s", dir, experiment_id)
                                   : mem_printf("%s/mlartifacts/%s", dir, experiment_id);
}

static inline Store *open_store_in(const char *dir, StoreMode mode)
{
    char *uri = store_uri_in(dir);
    StoreOptions options = {.mode = mode, .timeout_ms = 5000};
    Store *store = NULL;
    assert_ok(store_open(uri, &options, &store));
    free(uri);
    return store;
}

/* A run in the default experiment; free with free(). */
static inline char *make_run(Store *store, const char *name, int64_t start_time)
{
    RunCreate create = {.run_name = name, .start_time = start_time};
    Run run;
    assert_ok(store_create_run(store, &create, &run));
    char *id = mem_strdup(run.run_id);
    run_free(&run);
    return id;
}

static inline Status log_metric(Store *store, const char *run_id, const char *key,
                                double value, int64_t timestamp, int64_t step)
{
    Metric metric = {key, value, timestamp, step};
    LogBatch batch = {.metrics = &metric, .n_metrics = 1};
    return store_log_batch(store, run_id, &batch);
}

static inline Status log_param(Store *store, const char *run_id, const char *key,
                               const char *value)
{
    KeyValue param = {key, value};
    LogBatch batch = {.params = &param, .n_params = 1};
    return store_log_batch(store, run_id, &batch);
}

#define with_folder(test)                                                                \
    cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
