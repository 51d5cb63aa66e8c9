/* Two epochs of the real train loop on one rank. */
#include "tests/predict/trained_model.h"

#include "base/files.h"
#include "base/mem.h"
#include "data/config.h"
#include "data/prepared.h"
#include "trainer/result_files.h"
#include "trainer/train_loop.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Made {
    DataConfig data;
    ModelConfig model;
    TrainConfig train;
    CheckpointConfig checkpoint;
    PreparedData prepared;
    Dataset *train_set, *val_set;
} Made;

static void must(Status status)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "trained_model: %s\n", status_message());
        exit(1);
    }
}

static void give(Config *config, const char *key, const char *value)
{
    char *assignment = mem_printf("%s=%s", key, value);
    must(config_override(config, assignment));
    free(assignment);
}

static void configure(const Section *sections, size_t n, const char *train_csv,
                      int cut_test)
{
    static const char *const VALUES[][2] = {
        {"data.text", "[title, description]"},
        {"data.label", "tag"},
        {"data.max_words", "32"},
        {"data.ngram_buckets", "256"},
        {"data.wide_buckets", "1024"},
        {"data.val_size", "0.2"},
        {"model.hidden", "16"},
        {"model.ff", "32"},
        {"train.epochs", "2"},
        {"train.batch_size", "32"},
        {"train.eval_batch_size", "24"},
        {"checkpoint.num_to_keep", "0"},
    };
    Config *config;
    must(config_open(NULL, &config));
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        give(config, VALUES[i][0], VALUES[i][1]);
    }
    give(config, "data.train",
         train_csv ? train_csv : MUSTER_SOURCE_DIR "/tests/data/tiny/train.csv");
    if (cut_test) {
        give(config, "data.test_size", "0.2");
    } else {
        give(config, "data.test", MUSTER_SOURCE_DIR "/tests/data/tiny/test.csv");
    }
    must(config_apply(config, sections, n));
    config_close(config);
}

static void train(const Made *made, const Section *sections, const char *result_dir)
{
    Callback files;
    result_files_open(&files);
    CallbackList callbacks = {.items = &files, .n = 1};
    const Splits *splits = &made->prepared.splits;
    const TokenizedRows *tests = splits->test_rows;
    const NamedText digests[] = {{"train", tokenized_digest(splits->rows)},
                                 {"test", tests ? tokenized_digest(tests) : ""},
                                 {"split", splits->digest}};
    static const volatile sig_atomic_t no_signal;
    TrainJob job = {.ranks = &ranks_single,
                    .train = &made->train,
                    .model = &made->model,
                    .checkpoint = &made->checkpoint,
                    .seed = 42,
                    .preprocessor = made->prepared.preprocessor,
                    .train_set = made->train_set,
                    .val_set = made->val_set,
                    .info = {.sections = sections,
                             .n_sections = 3,
                             .seed = 42,
                             .digests = digests,
                             .n_digests = 3},
                    .start = {.run_id = "0123456789abcdef0123456789abcdef",
                              .run_name = "swift-heron-412",
                              .trial_id = "01234567",
                              .experiment = "tiny",
                              .result_dir = result_dir,
                              .hostname = "n1",
                              .node_ip = "127.0.0.1",
                              .n_ranks = 1},
                    .callbacks = &callbacks,
                    .signal = &no_signal};
    must(train_loop(&job));
    callbacks_close(&callbacks);
}

static void encode(Made *made)
{
    const Splits *s = &made->prepared.splits;
    must(prepared_open(&made->data, 42, false, &made->prepared));
    must(prepared_dataset(&made->prepared, s->train, s->n_train, &made->train_set));
    must(prepared_dataset(&made->prepared, s->val, s->n_val, &made->val_set));
}

void trained_model_make(const char *result_dir, const char *train_csv, int cut_test)
{
    Made made = {0};
    const Section sections[] = {
        {"data", "", data_fields, n_data_fields, &made.data},
        {"model", "", model_fields, n_model_fields, &made.model},
        {"train", "", train_fields, n_train_fields, &made.train},
        {"checkpoint", "", checkpoint_fields, n_checkpoint_fields, &made.checkpoint},
    };
    const size_t n_sections = sizeof sections / sizeof sections[0];
    configure(sections, n_sections, train_csv, cut_test);
    must(dir_make(result_dir));
    encode(&made);
    config_resolve(NULL, sections, n_sections, &made.prepared.facts);
    train(&made, sections, result_dir);
    dataset_close(made.train_set);
    dataset_close(made.val_set);
    prepared_close(&made.prepared);
    config_free(sections, n_sections);
}
