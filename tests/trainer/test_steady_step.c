/* Inside a step there is no allocation, no page fault and no new thread: everything is
 * sized from the data set before the first one. The texts come shortest first, so that
 * room which grows with the batches would have to grow all the way. */
#include "trainer/train_step.h"

#include "base/files.h"
#include "base/mem.h"
#include "data/prepared.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- counting ---- */

/* Volatile: compilers take it that malloc reads no variable of ours. */
static volatile bool counting;
static volatile size_t n_allocations;

#ifdef __SANITIZE_ADDRESS__

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *,
                                                                size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *p, size_t n)
{
    (void)p;
    (void)n;
    n_allocations += counting;
}

static void on_free(const volatile void *p)
{
    (void)p;
}

static void count_from_here(void)
{
    assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
}

/* Its own bookkeeping touches new pages. */
enum { MOST_FAULTS = 1 << 20 };

#else

/* A program's own definitions come before the C library's for all shared libraries too,
 * BLAS among them. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

void *malloc(size_t n)
{
    n_allocations += counting;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    n_allocations += counting;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    n_allocations += counting;
    return __libc_realloc(p, n);
}

void *memalign(size_t alignment, size_t n)
{
    n_allocations += counting;
    return __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    *out = memalign(alignment, n);
    return *out ? 0 : ENOMEM;
}

static void count_from_here(void)
{
}

enum { MOST_FAULTS = 0 };

#endif

static size_t n_threads(void)
{
    char line[128];
    size_t n = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Threads: %zu", &n) == 1) {
            break;
        }
    }
    fclose(file);
    return n;
}

static size_t n_faults(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (size_t)used.ru_minflt + (size_t)used.ru_majflt;
}

/* The counters see what they are meant to see. */
static void test_counters(void **state)
{
    (void)state;
    count_from_here();
    enum { PAGES = 64, PAGE = 4096 };
    size_t allocations = n_allocations, faults = n_faults();
    counting = true;
    char *volatile p = malloc(PAGES * PAGE * 16);
    char *volatile q = aligned_alloc(64, 64);
    counting = false;
    for (size_t i = 0; i < PAGES; i++) {
        p[i * PAGE * 16] = 1;
    }
    assert_int_equal(n_allocations - allocations, 2);
    assert_true(n_faults() > faults);
    free(p);
    free(q);
}

/* ---- the data ---- */

enum { ROWS = 512, BATCH = 32, CLASSES = 4 };

/* Texts of 1 to 128 words, of one class or of none to three labels. */
static void write_rows(const char *path, bool several)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("text,label\n", file);
    for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i <= row / 4; i++) {
            fprintf(file, "word%d ", (row * 31 + i * i * 7) % 3000);
        }
        fputs(",", file);
        for (int i = 0; i < (several ? row % 4 : 1); i++) {
            fprintf(file, "%sclass%d", i > 0 ? "|" : "", (row + i) % CLASSES);
        }
        fputs("\n", file);
    }
    assert_int_equal(fclose(file), 0);
}

typedef struct Job {
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    PreparedData prepared;
    Dataset *set;
    Classifier *classifier;
    Optimizer *optimizer;
    Stepper *stepper;
    uint32_t *order;
} Job;

static void configure(Job *job, const char *csv, const char *wide, bool several)
{
    const Section sections[] = {
        {"data", "", data_fields, n_data_fields, &job->data},
        {"model", "", model_fields, n_model_fields, &job->model},
        {"train", "", train_fields, n_train_fields, &job->train},
    };
    Config *config;
    char *train = mem_printf("data.train=%s", csv);
    char *blocks = mem_printf("data.wide=%s", wide);
    const char *const values[] = {
        train,
        "data.text=text",
        "data.label=label",
        blocks,
        "data.val_size=0",
        "data.max_words=96",
        "model.wide_weight=0.5",
        "train.epochs=2",
        "train.batch_size=32",
        several ? "data.label_separator=|" : "data.label_separator=",
        several ? "train.loss=bce" : "train.loss=cross_entropy"};
    assert_int_equal(config_open(NULL, &config), STATUS_OK);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(config_override(config, values[i]), STATUS_OK);
    }
    if (config_apply(config, sections, sizeof sections / sizeof sections[0])) {
        fail_msg("%s", status_message());
    }
    config_close(config);
    free(train);
    free(blocks);
}

static const Dataset *compared; /* qsort hands nothing over */

static int by_length(const void *a, const void *b)
{
    size_t x = dataset_length(compared, *(const uint32_t *)a);
    size_t y = dataset_length(compared, *(const uint32_t *)b);
    return (x > y) - (x < y);
}

static void open_job(Job *job, const char *wide, bool several)
{
    char *csv = mem_printf("%s/steady_step_rows.csv", MUSTER_BINARY_DIR);
    *job = (Job){0};
    write_rows(csv, several);
    configure(job, csv, wide, several);
    const Splits *s = &job->prepared.splits;
    assert_int_equal(prepared_open(&job->data, 1, false, &job->prepared), STATUS_OK);
    assert_int_equal(prepared_dataset(&job->prepared, s->train, s->n_train, &job->set),
                     STATUS_OK);
    remove(csv);
    free(csv);
    const Preprocessor *pre = job->prepared.preprocessor;
    ModelSizes sizes = {
        .n_classes = preprocessor_n_classes(pre),
        .multi_label = several,
        .vocab_size = preprocessor_vocab_size(pre),
        .ngram_buckets = preprocessor_ngram_buckets(pre),
        .max_tokens = preprocessor_max_words(pre),
        .wide_buckets = preprocessor_wide_buckets(pre),
    };
    OptimizerConfig config = {.lr = 1e-3,
                              .embedding_lr = 1e-3,
                              .wide_lr = 1,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .eps = 1e-8,
                              .clip_norm = 1};
    job->classifier = classifier_create(&job->model, &sizes, 1);
    job->optimizer = optimizer_open(job->classifier, &config);
    job->stepper = stepper_open(&ranks_single, &job->train, 1, job->classifier,
                                job->optimizer, job->set);
    size_t n = dataset_size(job->set);
    job->order = mem_alloc(n, sizeof *job->order);
    for (size_t i = 0; i < n; i++) {
        job->order[i] = (uint32_t)i;
    }
    compared = job->set;
    qsort(job->order, n, sizeof *job->order, by_length);
}

static void close_job(Job *job)
{
    const Section sections[] = {
        {"data", "", data_fields, n_data_fields, &job->data},
        {"model", "", model_fields, n_model_fields, &job->model},
        {"train", "", train_fields, n_train_fields, &job->train},
    };
    stepper_close(job->stepper);
    optimizer_close(job->optimizer);
    classifier_close(job->classifier);
    dataset_close(job->set);
    prepared_close(&job->prepared);
    config_free(sections, sizeof sections / sizeof sections[0]);
    free(job->order);
}

static void run_epoch(Job *job, size_t epoch)
{
    size_t n = dataset_size(job->set), per_epoch = n / BATCH;
    for (size_t step = 0; step < per_epoch; step++) {
        StepResult result;
        counting = true;
        Status status = stepper_step(job->stepper, job->order + step * BATCH, BATCH,
                                     (int64_t)(epoch * per_epoch + step),
                                     (int64_t)(2 * per_epoch), false, &result);
        counting = false;
        assert_int_equal(status, STATUS_OK);
    }
}

/* No allocation from the very first step on. Page faults and threads are counted in the
 * second epoch: BLAS touches its own buffer as far as the matrices so far went. */
static void check_steps(const char *wide, bool several)
{
    Job job;
    open_job(&job, wide, several);
    size_t allocations = n_allocations;
    run_epoch(&job, 0);
    size_t threads = n_threads(), faults = n_faults();
    run_epoch(&job, 1);
    faults = n_faults() - faults;
    assert_int_equal(n_allocations - allocations, 0);
    assert_int_equal(n_threads(), threads);
    if (faults > MOST_FAULTS) {
        fail_msg("%zu page faults in %d steps", faults, ROWS / BATCH);
    }
    close_job(&job);
}

static void test_words(void **state)
{
    (void)state;
    check_steps("words", false);
}

static void test_words_and_characters(void **state)
{
    (void)state;
    check_steps("words_chars", false);
}

static void test_several_labels(void **state)
{
    (void)state;
    check_steps("words", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_and_characters),
        cmocka_unit_test(test_several_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
