/* Config, rows, model and optimizer of a bench, as `muster train` would have them. */
#include "bench/job.h"

#include "base/clock.h"
#include "tracker/config.h"
#include "trainer/checkpointer.h"
#include "trainer/early_stop.h"
#include "trainer/pretrain.h"
#include "trainer/start_words.h"

#include <stddef.h>
#include <string.h>

static const Field JOB_FIELDS[] = {
    {"experiment", FIELD_TEXT, offsetof(BenchJob, experiment), "Default", .help = "name"},
    {"seed", FIELD_INT, offsetof(BenchJob, seed), "42", 0, 1e18, .help = "of every draw"},
};

enum { N_SECTIONS = 8 };

/* What a bench does not use is read all the same, so that any config will do. */
static void list_sections(BenchJob *job, Section out[N_SECTIONS])
{
    static CheckpointConfig checkpoint;
    static EarlyStopConfig early_stopping;
    static TrackingConfig tracking;
    static PretrainConfig pretrain;
    const Section sections[N_SECTIONS] = {
        {"", "", JOB_FIELDS, 2, job},
        {"data", "", data_fields, n_data_fields, &job->data},
        {"model", "", model_fields, n_model_fields, &job->model},
        {"train", "", train_fields, n_train_fields, &job->train},
        {"checkpoint", "", checkpoint_fields, n_checkpoint_fields, &checkpoint},
        {"early_stopping", "", early_stop_fields, n_early_stop_fields, &early_stopping},
        {"tracking", "", tracking_fields, n_tracking_fields, &tracking},
        {"pretrain", "", pretrain_fields, n_pretrain_fields, &pretrain},
    };
    memcpy(out, sections, sizeof sections);
}

Status bench_job_read(BenchJob *job, int argc, char **argv)
{
    Section sections[N_SECTIONS];
    Config *config;
    list_sections(job, sections);
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
static Status read_vectors(BenchJob *job)
{
    const char *dir = job->model.init_from;
    if (!dir || !*dir) {
        return STATUS_OK;
    }
    TRY(word_vectors_load(dir, &job->vectors));
    job->added = (AddedWords){job->vectors.n, job->vectors.words, job->vectors.digest};
    job->data.added = &job->added;
    return STATUS_OK;
}

Status bench_job_prepare(BenchJob *job)
{
    TRY(read_vectors(job));
    const PreparedData *data = &job->prepared;
    const Splits *s = &data->splits;
    double before = clock_cpu_seconds();
    TRY(prepared_open(&job->data, (uint64_t)job->seed, false, &job->prepared));
    Section sections[N_SECTIONS];
    list_sections(job, sections);
    config_resolve(NULL, sections, N_SECTIONS, &job->prepared.facts);
    TRY(prepared_dataset(data, s->train, s->n_train, &job->train_set));
    if (s->n_val > 0) {
        TRY(prepared_dataset(data, s->val, s->n_val, &job->val_set));
    }
    job->prepare_s = clock_cpu_seconds() - before;
    job->pre = data->preprocessor;
    if (job->want_test && s->n_test > 0) {
        DatasetSource source = {.rows = splits_test_rows(s),
                                .index = s->test,
                                .n = s->n_test,
                                .labelled = true};
        TRY(dataset_open(job->pre, &source, &job->test_set));
    }
    const ModelConfig *m = &job->model;
    ModelSizes sizes = {
        .n_classes = preprocessor_n_classes(job->pre),
        .vocab_size =
            m->vocab_rows ? (size_t)m->vocab_rows : preprocessor_vocab_size(job->pre),
        .ngram_buckets = preprocessor_ngram_buckets(job->pre),
        .max_tokens =
            m->positions ? (size_t)m->positions : preprocessor_max_words(job->pre),
        .wide_buckets = preprocessor_wide_buckets(job->pre),
    };
    const TrainConfig *t = &job->train;
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
    job->classifier = classifier_create(&job->model, &sizes, (uint64_t)job->seed);
    if (job->vectors.n > 0) {
        start_from_words(job->classifier, &job->vectors, job->pre);
    }
    job->optimizer = optimizer_open(job->classifier, &config);
    return STATUS_OK;
}

void bench_job_close(BenchJob *job)
{
    optimizer_close(job->optimizer);
    classifier_close(job->classifier);
    dataset_close(job->train_set);
    dataset_close(job->val_set);
    dataset_close(job->test_set);
    prepared_close(&job->prepared);
    word_vectors_free(&job->vectors);
}
