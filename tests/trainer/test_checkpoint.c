/* Checkpoint folders: complete or absent, whatever happens while they are written;
 * damaged ones are told from good ones; what was saved is restored byte by byte. */
#include "trainer/checkpoint.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/manifest.h"
#include "base/mem.h"
#include "data/config.h"
#include "data/prepared.h"
#include "data/dataset.h"
#include "trainer/checkpoint_writer.h"
#include "trainer/config.h"
#include "trainer/train_step.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A model that has been trained for two steps on the tree's small data set, ready to be
 * saved; made once. */
typedef struct Trained {
    DataConfig data;
    ModelConfig model_config;
    TrainConfig train;
    Section sections[3];
    PreparedData prepared;
    const Preprocessor *pre;
    Dataset *set;
    Classifier *model;
    Optimizer *optimizer;
    OptimizerConfig optimizer_config;
    TrainPosition position;
    CheckpointInfo info;
    char dir[64];
} Trained;

static Trained t;

static void must(Status status)
{
    if (status != STATUS_OK) {
        fail_msg("%s", status_message());
    }
}

static void configure(void)
{
    static const char *const VALUES[] = {
        "data.train=" MUSTER_SOURCE_DIR "/tests/data/tiny/train.csv",
        "data.test=" MUSTER_SOURCE_DIR "/tests/data/tiny/test.csv",
        "data.text=[title, description]",
        "data.label=tag",
        "data.max_words=32",
        "data.ngram_buckets=64",
        "data.wide_buckets=256",
        "data.val_size=0.2",
        "model.hidden=16",
        "model.ff=32",
        "train.batch_size=16"};
    const Section sections[] = {
        {"data", "", data_fields, n_data_fields, &t.data},
        {"model", "", model_fields, n_model_fields, &t.model_config},
        {"train", "", train_fields, n_train_fields, &t.train},
    };
    memcpy(t.sections, sections, sizeof sections);
    Config *config;
    must(config_open(NULL, &config));
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        must(config_override(config, VALUES[i]));
    }
    must(config_apply(config, t.sections, 3));
    config_close(config);
}

static void train_two_steps(void)
{
    Stepper *stepper =
        stepper_open(&ranks_single, &t.train, 42, t.model, t.optimizer, t.set);
    uint32_t examples[32];
    for (uint32_t i = 0; i < 32; i++) {
        examples[i] = i;
    }
    for (int64_t step = 0; step < 2; step++) {
        StepResult result;
        must(stepper_step(stepper, examples + 16 * step, 16, step, 10, false, &result));
        t.position.loss_sum += result.loss * 16;
        t.position.texts_seen += 16;
        t.position.step = t.position.step_in_epoch = step + 1;
    }
    stepper_close(stepper);
}

static int setup(void **state)
{
    (void)state;
    configure();
    const Splits *splits = &t.prepared.splits;
    must(prepared_open(&t.data, 42, false, &t.prepared));
    config_resolve(NULL, t.sections, 3, &t.prepared.facts);
    must(prepared_dataset(&t.prepared, splits->train, splits->n_train, &t.set));
    t.pre = t.prepared.preprocessor;
    const ModelSizes sizes = {.n_classes = preprocessor_n_classes(t.pre),
                              .vocab_size = preprocessor_vocab_size(t.pre),
                              .ngram_buckets = preprocessor_ngram_buckets(t.pre),
                              .max_tokens = preprocessor_max_words(t.pre),
                              .wide_buckets = preprocessor_wide_buckets(t.pre)};
    t.model = classifier_create(&t.model_config, &sizes, 42);
    t.optimizer_config = (OptimizerConfig){.lr = 1e-3,
                                           .embedding_lr = 1e-3,
                                           .wide_lr = 20,
                                           .beta1 = 0.9,
                                           .beta2 = 0.999,
                                           .eps = 1e-8,
                                           .clip_norm = 1};
    t.optimizer = optimizer_open(t.model, &t.optimizer_config);
    train_two_steps();
    static const NamedText digests[] = {{"train", "abc"}, {"split", "def"}};
    static const NamedValue metrics[] = {{"val_loss", 0.25}};
    t.info = (CheckpointInfo){.sections = t.sections,
                              .n_sections = 3,
                              .seed = 42,
                              .digests = digests,
                              .n_digests = 2,
                              .metrics = metrics,
                              .n_metrics = 1,
                              .position = &t.position};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    optimizer_close(t.optimizer);
    classifier_close(t.model);
    dataset_close(t.set);
    prepared_close(&t.prepared);
    config_free(t.sections, 3);
    return 0;
}

static int make_dir(void **state)
{
    (void)state;
    strcpy(t.dir, "/tmp/test_checkpoint_XXXXXX");
    return mkdtemp(t.dir) ? 0 : 1;
}

static int remove_dir(void **state)
{
    (void)state;
    return tree_remove(t.dir) == STATUS_OK ? 0 : 1;
}

static Status save(const char *name)
{
    char *dir = path_join(t.dir, name);
    Status status = checkpoint_save(dir, t.model, t.pre, t.optimizer, &t.info);
    free(dir);
    return status;
}

/* Name and bytes of every file of a folder, one after the other. */
static StrBuf contents(const char *name)
{
    char *dir = path_join(t.dir, name);
    StrList names = {0};
    StrBuf all = {0};
    must(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.items[i]);
        StrBuf bytes = {0};
        must(file_read(path, 1 << 26, STATUS_NOT_FOUND, &bytes));
        strbuf_printf(&all, "%s %zu\n", names.items[i], bytes.n);
        strbuf_add(&all, bytes.p, bytes.n);
        strbuf_free(&bytes);
        free(path);
    }
    strlist_free(&names);
    free(dir);
    return all;
}

static void assert_same_contents(const StrBuf *a, const StrBuf *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->p, b->p, a->n);
}

static void assert_names(const char *expected)
{
    StrList names = {0};
    must(dir_list(t.dir, &names));
    char *joined = strlist_join(&names, " ");
    assert_string_equal(joined, expected);
    free(joined);
    strlist_free(&names);
}

static void test_round_trip(void **state)
{
    (void)state;
    must(save("checkpoint_000000"));
    char *dir = path_join(t.dir, "checkpoint_000000");
    char *again = path_join(t.dir, "again");
    must(manifest_verify(dir));
    Classifier *model = NULL;
    Optimizer *optimizer = NULL;
    TrainPosition position = {0};
    must(checkpoint_restore(dir, &model, &t.optimizer_config, &optimizer, &position));
    assert_memory_equal(&position, &t.position, sizeof position);
    Preprocessor *pre = NULL;
    must(preprocessor_load(dir, &pre));
    CheckpointInfo info = t.info;
    info.position = &position;
    must(checkpoint_save(again, model, pre, optimizer, &info));
    StrBuf first = contents("checkpoint_000000"), second = contents("again");
    assert_same_contents(&first, &second);
    strbuf_free(&first);
    strbuf_free(&second);
    preprocessor_close(pre);
    optimizer_close(optimizer);
    classifier_close(model);
    free(dir);
    free(again);
}

static void test_what_stands_in_it(void **state)
{
    (void)state;
    must(save("checkpoint_000000"));
    char *dir = path_join(t.dir, "checkpoint_000000");
    StrList names = {0};
    must(dir_list(dir, &names));
    char *joined = strlist_join(&names, " ");
    assert_string_equal(joined, "SHA256SUMS config.json model.safetensors muster.json "
                                "preprocessor.safetensors tokenizer.json "
                                "tokenizer_config.json training_state.safetensors "
                                "vocab.txt");
    char *path = path_join(dir, "muster.json");
    Json *json = NULL;
    must(json_load(path, 1 << 24, STATUS_DAMAGED, &json));
    assert_int_equal(json_int(json_get(json, "format_version"), -1), 1);
    assert_int_equal(json_int(json_get(json, "step"), -1), 2);
    assert_string_equal(json_string(json_get(json_get(json, "digests"), "split")), "def");
    assert_string_equal(json_string(json_get(json_get(json, "model"), "hidden")), "16");
    json_free(json);
    free(path);
    free(joined);
    strlist_free(&names);
    free(dir);
}

static void test_replaces_one_of_its_name(void **state)
{
    (void)state;
    char *dir = path_join(t.dir, "checkpoint_000000"), *old = path_join(dir, "old");
    must(dir_make(dir));
    must(file_write(old, "x", 1));
    must(save("checkpoint_000000"));
    must(manifest_verify(dir));
    assert_false(file_exists(old));
    assert_names("checkpoint_000000");
    free(old);
    free(dir);
}

/* Every checkpoint that has its final name is complete. */
static void assert_all_complete(void)
{
    StrList names = {0};
    must(dir_list(t.dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        if (!strstr(names.items[i], ".tmp")) {
            char *dir = path_join(t.dir, names.items[i]);
            must(manifest_verify(dir));
            free(dir);
        }
    }
    strlist_free(&names);
}

/* A process that saves without end, new names and old ones, is killed at some moment. */
static void test_killed_while_saving(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (int i = 0;; i++) {
                char name[32];
                snprintf(name, sizeof name, "checkpoint_%06d", i / 2 % 3);
                if (save(name) != STATUS_OK) {
                    _exit(1);
                }
            }
        }
        usleep((useconds_t)(3000 + round * 7919 % 60000));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_all_complete();
    }
    must(save("checkpoint_000000")); /* what was left aside is in nobody's way */
    assert_all_complete();
}

/* In a child whose files may have `limit` bytes: saving fails, says why, leaves nothing.
 */
static int save_with_limit(rlim_t limit)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
        Status status = save("checkpoint_000001");
        bool told = strstr(status_message(), "checkpoint_000001") &&
                    strstr(status_message(), "bytes needed") &&
                    strstr(status_message(), "free");
        _exit(status == STATUS_OK ? 10 : told ? 0 : 11);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_disk_full(void **state)
{
    (void)state;
    must(save("checkpoint_000000"));
    StrBuf before = contents("checkpoint_000000");
    const rlim_t limits[] = {0, 100, 1000, 4000, 10000, 30000};
    size_t refused = 0;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        int code = save_with_limit(limits[i]);
        if (code != 0) {
            fail_msg("limit %lld: %d", (long long)limits[i], code);
        }
        refused++;
        assert_names("checkpoint_000000");
        StrBuf after = contents("checkpoint_000000");
        assert_same_contents(&before, &after);
        strbuf_free(&after);
    }
    assert_true(refused > 3);
    strbuf_free(&before);
}

static void test_read_only_place(void **state)
{
    (void)state;
    char *file = path_join(t.dir, "file");
    must(file_write(file, "x", 1));
    assert_int_not_equal(save("file/checkpoint_000000"), STATUS_OK);
    assert_non_null(strstr(status_message(), "file/checkpoint_000000"));
    assert_names("file");
    free(file);
}

/* A model that no longer fits config and data is refused before a step is made with it.
 */
static void test_another_shape_is_refused(void **state)
{
    (void)state;
    const ModelSizes *sizes = classifier_sizes(t.model);
    must(checkpoint_check_shape("there", t.model, &t.model_config, sizes));
    ModelConfig wider = t.model_config, heads = t.model_config, deeper = t.model_config;
    ModelSizes words = *sizes, no_ngrams = *sizes;
    wider.ff = 33;
    heads.heads = 2;
    deeper.layers = 2;
    words.vocab_size += 5;
    no_ngrams.ngram_buckets = 0;
    char vocabulary[256];
    snprintf(vocabulary, sizeof vocabulary,
             "there: made with a vocabulary of %zu, expected %zu (tensor "
             "\"embedding.word.weight\": [%zu, 16], expected [%zu, 16])",
             sizes->vocab_size, words.vocab_size, sizes->vocab_size, words.vocab_size);
    const struct {
        const ModelConfig *config;
        const ModelSizes *sizes;
        const char *message;
    } cases[] = {
        {&wider, sizes,
         "there: made with model.ff 32, expected 33 (tensor "
         "\"encoder.layer.0.ff.in.weight\": [32, 16], expected [33, 16])"},
        {&heads, sizes, "there: made with model.heads 4, expected 2"},
        {&deeper, sizes,
         "there: made with model.layers 1, expected 2 (tensor "
         "\"encoder.layer.1.norm1.weight\": none, expected [16])"},
        {&t.model_config, &words, vocabulary},
        {&t.model_config, &no_ngrams,
         "there: made with data.ngram_buckets 64, expected 0 (tensor "
         "\"embedding.ngram.weight\": [64, 16], expected none)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            checkpoint_check_shape("there", t.model, cases[i].config, cases[i].sizes),
            STATUS_DAMAGED);
        assert_string_equal(status_message(), cases[i].message);
    }
}

static void flip_bit(const char *name, const char *file, size_t at)
{
    char *path = mem_printf("%s/%s/%s", t.dir, name, file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte = (char)(byte ^ 4);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
    free(path);
}

/* What the call says on stderr. */
static Status find_latest(char **found, char *words, size_t n)
{
    char path[] = "/tmp/test_checkpoint_err_XXXXXX";
    int fd = mkstemp(path), held = dup(2);
    fflush(stderr);
    dup2(fd, 2);
    Status status = checkpoint_find_latest(t.dir, found);
    fflush(stderr);
    dup2(held, 2);
    close(held);
    ssize_t got = pread(fd, words, n - 1, 0);
    words[got > 0 ? got : 0] = '\0';
    close(fd);
    unlink(path);
    return status;
}

static void save_at_step(const char *name, int64_t step)
{
    int64_t held = t.position.step;
    t.position.step = step;
    must(save(name));
    t.position.step = held;
}

static void assert_latest(const char *expected, const char *warning)
{
    char *found = NULL, words[4096];
    must(find_latest(&found, words, sizeof words));
    assert_string_equal(path_base(found), expected);
    if (warning ? !strstr(words, warning) : *words != '\0') {
        fail_msg("said: %s", words);
    }
    free(found);
}

static void test_latest_is_the_furthest(void **state)
{
    (void)state;
    save_at_step("checkpoint_000000", 10);
    save_at_step("checkpoint_000001", 20);
    save_at_step("checkpoint_000001_step_000025", 25);
    save_at_step("checkpoint_000002", 22);     /* of an earlier start */
    save_at_step("checkpoint_000009.tmp", 90); /* was being written */
    save_at_step("other", 99);
    assert_latest("checkpoint_000001_step_000025", NULL);
}

static void test_damaged_ones_are_passed_over(void **state)
{
    (void)state;
    save_at_step("checkpoint_000000", 10);
    save_at_step("checkpoint_000001", 20);
    save_at_step("checkpoint_000002", 30);
    flip_bit("checkpoint_000002", "model.safetensors", 5000);
    assert_latest("checkpoint_000001", "not resumable: ");
    assert_latest("checkpoint_000001", "checkpoint_000002/model.safetensors: checksum ");
    char *sums = path_join(t.dir, "checkpoint_000001/" MANIFEST_NAME);
    assert_int_equal(unlink(sums), 0);
    assert_latest("checkpoint_000000", "checkpoint_000001: has no " MANIFEST_NAME);
    free(sums);
}

static void test_nothing_to_resume(void **state)
{
    (void)state;
    char *found = NULL, words[4096];
    assert_int_equal(find_latest(&found, words, sizeof words), STATUS_NOT_FOUND);
    assert_non_null(strstr(status_message(), "no checkpoint to resume from"));
    assert_non_null(strstr(status_hint_text(), "--resume=auto"));
    save_at_step("checkpoint_000000", 10);
    flip_bit("checkpoint_000000", "vocab.txt", 3);
    assert_int_equal(find_latest(&found, words, sizeof words), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "vocab.txt: checksum "));
    assert_string_equal(words, "");
    save_at_step("checkpoint_000001", 20);
    flip_bit("checkpoint_000001", "config.json", 3);
    assert_int_equal(find_latest(&found, words, sizeof words), STATUS_DAMAGED);
    assert_non_null(strstr(status_message(), "checkpoint_000001/config.json: checksum "));
    assert_non_null(strstr(words, "not resumable: "));
    assert_non_null(strstr(words, "vocab.txt"));
}

/* Whatever file is damaged, restoring names it, and what was found and expected. */
static void test_damage_is_named(void **state)
{
    (void)state;
    const char *const files[] = {"config.json",    "model.safetensors",
                                 "muster.json",    "preprocessor.safetensors",
                                 "tokenizer.json", "training_state.safetensors",
                                 "vocab.txt"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        must(save("checkpoint_000000"));
        char *dir = path_join(t.dir, "checkpoint_000000");
        char *path = path_join(dir, files[i]);
        flip_bit("checkpoint_000000", files[i], 7);
        Classifier *model = NULL;
        Optimizer *optimizer = NULL;
        TrainPosition position;
        for (int truncated = 0; truncated < 2; truncated++) {
            if (truncated) {
                assert_int_equal(truncate(path, 0), 0);
            }
            assert_int_equal(checkpoint_restore(dir, &model, &t.optimizer_config,
                                                &optimizer, &position),
                             STATUS_DAMAGED);
            assert_non_null(strstr(status_message(), files[i]));
            assert_non_null(strstr(status_message(), "expected"));
            assert_null(model);
            assert_null(optimizer);
        }
        free(path);
        free(dir);
    }
}

static void begin(CheckpointWriter *writer, const char *name)
{
    char *dir = path_join(t.dir, name);
    checkpoint_writer_begin(writer, dir, t.model, t.pre, t.optimizer, &t.info);
    free(dir);
}

static void assert_same_folders(const char *a, const char *b)
{
    StrBuf first = contents(a), second = contents(b);
    assert_same_contents(&first, &second);
    strbuf_free(&first);
    strbuf_free(&second);
}

/* What the thread writes is what stood when it was begun, whatever training does
 * meanwhile; the second time the copy is one of other weights. */
static void test_written_aside_from_training(void **state)
{
    (void)state;
    CheckpointWriter *writer = checkpoint_writer_open();
    for (int round = 0; round < 2; round++) {
        must(save("expected"));
        begin(writer, "written");
        train_two_steps();
        must(checkpoint_writer_wait(writer));
        assert_false(checkpoint_writer_is_done(writer));
        assert_same_folders("expected", "written");
        must(save("expected"));
        StrBuf now = contents("expected"), then = contents("written");
        assert_true(now.n != then.n || memcmp(now.p, then.p, now.n) != 0);
        strbuf_free(&now);
        strbuf_free(&then);
    }
    begin(writer, "written");
    checkpoint_writer_close(writer); /* waits */
    assert_same_folders("expected", "written");
}

/* The thread's message reaches the one who waits, and the next one is written. */
static void test_writer_tells_what_failed(void **state)
{
    (void)state;
    char *file = path_join(t.dir, "file");
    must(file_write(file, "x", 1));
    CheckpointWriter *writer = checkpoint_writer_open();
    begin(writer, "file/checkpoint_000000");
    assert_int_equal(checkpoint_writer_wait(writer), STATUS_NOT_FOUND);
    assert_non_null(strstr(status_message(), "file/checkpoint_000000"));
    begin(writer, "checkpoint_000001");
    must(checkpoint_writer_wait(writer));
    checkpoint_writer_close(writer);
    assert_names("checkpoint_000001 file");
    free(file);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_round_trip),
        IN_A_FOLDER(test_what_stands_in_it),
        IN_A_FOLDER(test_replaces_one_of_its_name),
        IN_A_FOLDER(test_killed_while_saving),
        IN_A_FOLDER(test_disk_full),
        IN_A_FOLDER(test_read_only_place),
        cmocka_unit_test(test_another_shape_is_refused),
        IN_A_FOLDER(test_latest_is_the_furthest),
        IN_A_FOLDER(test_damaged_ones_are_passed_over),
        IN_A_FOLDER(test_nothing_to_resume),
        IN_A_FOLDER(test_damage_is_named),
        IN_A_FOLDER(test_written_aside_from_training),
        IN_A_FOLDER(test_writer_tells_what_failed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
