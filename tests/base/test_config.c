/* Configs from real files in a temporary folder, with a table of every field type. */
#include "tests/base/check.h"

#include "base/config.h"
#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Train {
    int64_t epochs, batch_size, any;
    double lr, ratio;
    char *name, *api_key;
    StrList text;
    int optimizer;
    bool fast;
} Train;

typedef struct Top {
    int64_t seed;
} Top;

static const char *const OPTIMIZERS[] = {"adam", "sgd", NULL};

static const Field TRAIN_FIELDS[] = {
    {.key = "epochs",
     .type = FIELD_INT,
     .offset = offsetof(Train, epochs),
     .default_text = "10",
     .min = 1,
     .max = 1000,
     .help = "passes over the data"},
    {.key = "batch_size",
     .type = FIELD_INT,
     .offset = offsetof(Train, batch_size),
     .default_text = "32",
     .min = 1,
     .max = 65536,
     .unit = "rows",
     .help = "global batch"},
    {.key = "any", .type = FIELD_INT, .offset = offsetof(Train, any)},
    {.key = "lr",
     .type = FIELD_DOUBLE,
     .offset = offsetof(Train, lr),
     .default_text = "0.002",
     .min = 0,
     .max = 1,
     .above_min = true,
     .help = "peak learning rate"},
    {.key = "ratio",
     .type = FIELD_DOUBLE,
     .offset = offsetof(Train, ratio),
     .default_text = "0.5",
     .above_min = true},
    {.key = "name", .type = FIELD_TEXT, .offset = offsetof(Train, name)},
    {.key = "api_key", .type = FIELD_TEXT, .offset = offsetof(Train, api_key)},
    {.key = "text",
     .type = FIELD_LIST,
     .offset = offsetof(Train, text),
     .default_text = "[title, description]"},
    {.key = "optimizer",
     .type = FIELD_CHOICE,
     .offset = offsetof(Train, optimizer),
     .default_text = "adam",
     .choices = OPTIMIZERS},
    {.key = "fast",
     .type = FIELD_BOOL,
     .offset = offsetof(Train, fast),
     .default_text = "true"},
};
static const Field TOP_FIELDS[] = {
    {.key = "seed",
     .type = FIELD_INT,
     .offset = offsetof(Top, seed),
     .default_text = "1234"},
};

static Train train;
static Top top;
static const Section SECTIONS[] = {
    {"", "of the whole run", TOP_FIELDS, 1, &top},
    {"train", "the train loop", TRAIN_FIELDS,
     sizeof TRAIN_FIELDS / sizeof TRAIN_FIELDS[0], &train},
};
enum { N_SECTIONS = 2 };

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/muster-config-XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    config_free(SECTIONS, N_SECTIONS);
    return chdir("/") == 0 && tree_remove(folder) == STATUS_OK ? 0 : -1;
}

/* Writes x.yaml, reads it, takes the NULL-terminated overrides and applies all. */
static Status applied(const char *yaml, const char *const *overrides, Config **config)
{
    assert_ok(file_write("x.yaml", yaml, strlen(yaml)));
    *config = NULL;
    TRY(config_open("x.yaml", config));
    for (size_t i = 0; overrides && overrides[i]; i++) {
        TRY(config_override(*config, overrides[i]));
    }
    return config_apply(*config, SECTIONS, N_SECTIONS);
}

static void assert_refused(const char *yaml, const char *override, const char *message)
{
    Config *config = NULL;
    const char *overrides[] = {override, NULL};
    assert_fails(STATUS_CONFIG, message, applied(yaml, overrides, &config));
    config_close(config);
    config_free(SECTIONS, N_SECTIONS);
}

static void assert_hinted(const char *yaml, const char *message, const char *hint)
{
    assert_refused(yaml, NULL, message);
    assert_string_equal(status_hint_text(), hint);
}

static void defaults_without_a_file(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(config_open(NULL, &config));
    assert_ok(config_apply(config, SECTIONS, N_SECTIONS));
    assert_int_equal(top.seed, 1234);
    assert_int_equal(train.epochs, 10);
    assert_true(train.lr == 0.002);
    assert_null(train.name);
    assert_int_equal(train.text.n, 2);
    assert_string_equal(train.text.items[1], "description");
    assert_int_equal(train.optimizer, 0);
    assert_true(train.fast);
    assert_string_equal(config_origin(config, "train.lr"), "default");
    config_close(config);
}

static void a_file_fills_the_structs(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(applied("seed: 7\n"
                      "train:\n"
                      "  epochs: 1e2\n"
                      "  batch_size: 1k\n"
                      "  lr: 3e-4\n"
                      "  name: a name # and a comment\n"
                      "  text: body\n"
                      "  optimizer: sgd\n"
                      "  fast: Off\n",
                      NULL, &config));
    assert_int_equal(top.seed, 7);
    assert_int_equal(train.epochs, 100);
    assert_int_equal(train.batch_size, 1000);
    assert_true(train.lr == 3e-4);
    assert_string_equal(train.name, "a name");
    assert_int_equal(train.text.n, 1); /* a scalar is a list of one */
    assert_string_equal(train.text.items[0], "body");
    assert_int_equal(train.optimizer, 1);
    assert_false(train.fast);
    assert_string_equal(config_origin(config, "train.lr"), "x.yaml:5:7");
    assert_string_equal(config_origin(config, "seed"), "x.yaml:1:7");
    config_close(config);
}

static void flag_beats_environment_beats_file(void **state)
{
    (void)state;
    assert_ok(file_write("x.yaml", "train: {epochs: 1, lr: 0.1, batch_size: 1}", 42));
    Config *config = NULL;
    assert_ok(config_open("x.yaml", &config));
    assert_ok(config_override(config, "train.epochs=2"));
    assert_ok(config_override(config, "train.epochs=3"));
    assert_ok(config_environment(config, "EPOCHS", "train.epochs", "4"));
    assert_ok(config_environment(config, "LR", "train.lr", "0.2"));
    assert_ok(config_apply(config, SECTIONS, N_SECTIONS));
    assert_int_equal(train.epochs, 3);
    assert_true(train.lr == 0.2);
    assert_int_equal(train.batch_size, 1);
    assert_string_equal(config_origin(config, "train.epochs"), "command line");
    assert_string_equal(config_origin(config, "train.lr"), "LR");
    assert_string_equal(config_origin(config, "train.batch_size"), "x.yaml:1:41");
    config_close(config);
}

static void overrides_need_no_yaml_punctuation(void **state)
{
    (void)state;
    Config *config = NULL;
    static const char *const OVERRIDES[] = {"train.name=a: b # c",
                                            "train.text=[x, 'y, z']", "seed=5", NULL};
    assert_ok(applied("train: {name: old}", OVERRIDES, &config));
    assert_string_equal(train.name, "a: b # c");
    assert_int_equal(train.text.n, 2);
    assert_string_equal(train.text.items[1], "y, z");
    assert_int_equal(top.seed, 5);
    config_close(config);
    config_free(SECTIONS, N_SECTIONS);

    static const char *const NULLS[] = {"train.name=", "train.text=~", NULL};
    assert_ok(applied("train: {name: old}", NULLS, &config));
    assert_null(train.name);
    assert_int_equal(train.text.n, 0);
    config_close(config);
}

static void malformed_overrides_are_usage(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(config_open(NULL, &config));
    assert_fails(STATUS_USAGE, "train.lr: expected section.key=value",
                 config_override(config, "train.lr"));
    assert_fails(STATUS_USAGE, "=3: expected section.key=value",
                 config_override(config, "=3"));
    assert_fails(STATUS_CONFIG, "command line: train.text: not a value or a list: [a",
                 config_override(config, "train.text=[a"));
    assert_fails(STATUS_CONFIG,
                 "command line: train.name: not a value or a list: \"x\" y",
                 config_override(config, "train.name=\"x\" y"));
    config_close(config);
}

static void missing_files(void **state)
{
    (void)state;
    assert_ok(file_write("train.yaml", "", 0));
    Config *config = NULL;
    assert_fails(STATUS_CONFIG, "trian.yaml: No such file or directory",
                 config_open("trian.yaml", &config));
    assert_string_equal(status_hint_text(), "did you mean train.yaml?");
    assert_fails(STATUS_CONFIG, "/tmp: is a directory, expected a file",
                 config_open("/tmp", &config));
    if (geteuid() != 0) {
        assert_int_equal(chmod("train.yaml", 0), 0);
        assert_fails(STATUS_CONFIG, "train.yaml: Permission denied",
                     config_open("train.yaml", &config));
    }
    assert_null(config);
}

static void syntax_error_with_caret(void **state)
{
    (void)state;
    assert_refused("train:\n  lr: 2: 3\n", NULL,
                   "x.yaml:2:8: mapping values are not allowed in this context\n"
                   "     2 |   lr: 2: 3\n"
                   "       |        ^");
}

static void bytes_and_limits(void **state)
{
    (void)state;
    assert_refused("train:\n  name: \xFF\n", NULL, "x.yaml:2:9: invalid UTF-8");
    assert_refused("a: &x 1\nb: *x\n", NULL,
                   "x.yaml:2:4: aliases (*name) are not supported");
    assert_refused("seed: 1\nseed: 2\n", NULL,
                   "x.yaml:2:1: seed is given twice, first at x.yaml:1:1");

    Config *config = NULL;
    assert_ok(file_write("utf16.yaml", "\xFF\xFEs\0", 4));
    assert_fails(STATUS_CONFIG, "utf16.yaml:1:1: the file is UTF-16, expected UTF-8",
                 config_open("utf16.yaml", &config));
    assert_ok(file_write("nul.yaml", "seed: 1\n\0", 9));
    assert_fails(STATUS_CONFIG, "nul.yaml:2:1: NUL byte",
                 config_open("nul.yaml", &config));
    assert_null(config);
}

static void a_huge_file_is_refused_at_once(void **state)
{
    (void)state;
    assert_ok(file_write("x.yaml", "seed: 1\n", 8));
    assert_int_equal(truncate("x.yaml", 100000000), 0);
    Config *config = NULL;
    assert_fails(STATUS_CONFIG, "x.yaml: larger than the limit of 1048576 bytes",
                 config_open("x.yaml", &config));
}

static void unknown_keys(void **state)
{
    (void)state;
    assert_hinted("train:\n  epoch: 1\n", "x.yaml:2:3: unknown key train.epoch",
                  "did you mean train.epochs?");
    assert_hinted("lr: 1\n", "x.yaml:1:1: unknown key lr", "did you mean train.lr?");
    assert_hinted("train:\n  seed: 1\n", "x.yaml:2:3: unknown key train.seed",
                  "did you mean seed?");
    assert_hinted("trian:\n  lr: 1\n", "x.yaml:1:1: unknown section trian",
                  "did you mean train?");
    assert_hinted("xyzzy:\n  lr: 1\n", "x.yaml:1:1: unknown section xyzzy",
                  "sections are: train");
    assert_hinted("trian:\n", "x.yaml:1:1: unknown key trian", "did you mean train?");
    assert_hinted("train: 3\n",
                  "x.yaml:1:8: train: expected keys below it, found a value", "");
    assert_refused("", "train.lrr=1", "command line: unknown key train.lrr");
    assert_string_equal(status_hint_text(), "did you mean train.lr?");
}

static void an_empty_section_is_fine(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(applied("train:\n", NULL, &config));
    config_close(config);
}

static void wrong_types(void **state)
{
    (void)state;
    assert_refused("train:\n    lr: fast\n", NULL,
                   "x.yaml:2:9: train.lr: expected a number, found \"fast\"");
    assert_refused("train: {lr: [1]}", NULL,
                   "x.yaml:1:13: train.lr: expected a number, found a list");
    assert_refused("train: {lr: }", NULL,
                   "x.yaml:1:13: train.lr: expected a number, found nothing");
    assert_refused("train: {epochs: 1.5}", NULL,
                   "x.yaml:1:17: train.epochs: expected a whole number, found \"1.5\"");
    assert_refused("train: {fast: 2}", NULL,
                   "x.yaml:1:15: train.fast: expected true or false, found \"2\"");
    assert_refused("train: {name: [a]}", NULL,
                   "x.yaml:1:15: train.name: expected one text, found a list");
    assert_refused(
        "train: {optimizer: adan}", NULL,
        "x.yaml:1:20: train.optimizer: expected one of adam, sgd, found \"adan\"");
    assert_string_equal(status_hint_text(), "did you mean adam?");
    assert_refused("seed: x", NULL,
                   "x.yaml:1:7: seed: expected a whole number, found \"x\"");
    assert_refused("seed: x", "train.lr=y",
                   "x.yaml:1:7: seed: expected a whole number, found \"x\"");
    assert_refused("", "train.lr=y",
                   "command line: train.lr: expected a number, found \"y\"");
    assert_refused("train: {a: {b: 1}}", NULL,
                   "x.yaml:1:12: expected a value or a list of values, found a mapping");
}

static void out_of_range(void **state)
{
    (void)state;
    assert_refused("train: {lr: 0}", NULL,
                   "x.yaml:1:13: train.lr: 0 is out of range, allowed is above 0 and at "
                   "most 1");
    assert_refused(
        "train: {lr: -0.1}", NULL,
        "x.yaml:1:13: train.lr: -0.1 is out of range, allowed is above 0 and at "
        "most 1");
    assert_refused("train: {batch_size: 0}", NULL,
                   "x.yaml:1:21: train.batch_size: 0 is out of range, allowed is 1 to "
                   "65536 rows");
    assert_refused(
        "", "train.batch_size=65537",
        "command line: train.batch_size: 65537 is out of range, allowed is 1 to "
        "65536 rows");
    assert_refused("train: {ratio: 0}", NULL,
                   "x.yaml:1:16: train.ratio: 0 is out of range, allowed is above 0");
}

static void the_environment_is_named(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(config_open(NULL, &config));
    assert_ok(config_environment(config, "MUSTER_EPOCHS", "train.epochs", "0"));
    assert_fails(STATUS_CONFIG,
                 "MUSTER_EPOCHS: train.epochs: 0 is out of range, allowed is 1 to 1000",
                 config_apply(config, SECTIONS, N_SECTIONS));
    config_close(config);
}

static void no_numbers_and_overflow(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"nan", ".nan", "NaN", "inf", "-.inf", "Infinity"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char *override = mem_printf("train.lr=%s", NAMES[i]);
        char *message = mem_printf("command line: train.lr: expected a finite number, "
                                   "found \"%s\"",
                                   NAMES[i]);
        assert_refused("", override, message);
        free(message);
        free(override);
    }
    assert_refused("train: {lr: 1e999}", NULL,
                   "x.yaml:1:13: train.lr: 1e999 is out of range, allowed is above 0 and "
                   "at most 1");
    assert_refused("train: {epochs: 99999999999999999999}", NULL,
                   "x.yaml:1:17: train.epochs: 99999999999999999999 is out of range, "
                   "allowed is 1 to 1000");
    assert_refused("train: {any: 9223372036854775808}", NULL,
                   "x.yaml:1:14: train.any: 9223372036854775808 is out of range, allowed "
                   "is what 64 bits hold");
    assert_refused("train: {epochs: nan}", NULL,
                   "x.yaml:1:17: train.epochs: expected a whole number, found \"nan\"");
}

static char *explained(const Config *config)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    config_explain(config, SECTIONS, N_SECTIONS, out);
    fclose(out);
    return text;
}

static void explain_says_where_from(void **state)
{
    (void)state;
    Config *config = NULL;
    static const char *const OVERRIDES[] = {"train.epochs=3", NULL};
    assert_ok(applied("train:\n  lr: 0.5\n", OVERRIDES, &config));
    char *text = explained(config);
    assert_contains(text, "seed: 1234                                # default\n");
    assert_contains(text, "train:\n");
    assert_contains(text, "  epochs: 3                               # command line\n");
    assert_contains(text, "  lr: 0.5                                 # x.yaml:2:7\n");
    assert_contains(text, "  text: [title, description]");
    free(text);
    config_close(config);
}

static void explain_reads_back(void **state)
{
    (void)state;
    Config *config = NULL;
    static const char *const OVERRIDES[] = {"train.name=\"q: 'x' # [\\n\"",
                                            "train.text=[\"a, b\", \" c\", null]",
                                            "train.optimizer=sgd", NULL};
    assert_ok(applied("train: {lr: 0.1, fast: no}", OVERRIDES, &config));
    char *first = explained(config);
    config_close(config);
    config_free(SECTIONS, N_SECTIONS);

    assert_ok(applied(first, NULL, &config));
    assert_string_equal(train.name, "q: 'x' # [\n");
    assert_int_equal(train.text.n, 3);
    assert_string_equal(train.text.items[0], "a, b");
    assert_string_equal(train.text.items[2], "null");
    assert_int_equal(train.optimizer, 1);
    assert_false(train.fast);
    assert_null(train.api_key);
    free(first);
    config_close(config);
}

static void add_seen(void *context, const char *key, const char *value)
{
    strbuf_printf(context, "%s=%s\n", key, value);
}

static void flatten_gives_every_parameter(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(applied("train: {name: my run}", NULL, &config));
    StrBuf text = {0};
    config_flatten(SECTIONS, N_SECTIONS, add_seen, &text);
    assert_string_equal(text.p, "seed=1234\n"
                                "train.epochs=10\n"
                                "train.batch_size=32\n"
                                "train.any=0\n"
                                "train.lr=0.002\n"
                                "train.ratio=0.5\n"
                                "train.name=my run\n"
                                "train.api_key=null\n"
                                "train.text=[title, description]\n"
                                "train.optimizer=adam\n"
                                "train.fast=true\n");
    strbuf_free(&text);
    config_close(config);
}

static void secrets_are_masked(void **state)
{
    (void)state;
    Config *config = NULL;
    assert_ok(applied("train:\n"
                      "  api_key: hush1\n"
                      "  name: http://me:hush2@host:80/x?u=a@b\n"
                      "  text: [ftp://u:hush3@h, plain, http://host/a:b@c]\n",
                      NULL, &config));
    StrBuf text = {0};
    config_flatten(SECTIONS, N_SECTIONS, add_seen, &text);
    char *explanation = explained(config);
    assert_null(strstr(text.p, "hush"));
    assert_null(strstr(explanation, "hush"));
    assert_contains(text.p, "train.api_key=\"****\"\n");
    assert_contains(text.p, "http://me:****@host:80/x?u=a@b");
    assert_contains(text.p, "ftp://u:****@h");
    assert_contains(text.p, "http://host/a:b@c");
    char *value = config_value(&SECTIONS[1], &TRAIN_FIELDS[6]);
    assert_string_equal(value, "hush1"); /* for the program itself */
    free(value);
    free(explanation);
    strbuf_free(&text);
    config_close(config);
    config_free(SECTIONS, N_SECTIONS);

    assert_ok(config_open(NULL, &config));
    assert_fails(STATUS_CONFIG,
                 "command line: train.api_key: not a value or a list: ****",
                 config_override(config, "train.api_key=\"hush"));
    config_close(config);
    assert_refused("train: {api_key: [hush]}", NULL,
                   "x.yaml:1:18: train.api_key: expected one text, found ****");
}

static void help_names_every_key(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    config_help(SECTIONS, N_SECTIONS, out);
    fclose(out);
    assert_contains(text, "train: the train loop\n");
    assert_contains(text, "  train.lr=NUMBER                   peak learning rate "
                          "(default 0.002; above 0 and at most 1)\n");
    assert_contains(text,
                    "  train.batch_size=INT              global batch (default 32; 1 "
                    "to 65536 rows)\n");
    assert_contains(text, "train.optimizer=adam|sgd");
    free(text);
}

/* ---- values that wait for the rows ---- */

typedef struct Sized {
    int64_t epochs;
    double weight;
    int kind;
    int64_t buckets;
} Sized;

static const char *const KINDS[] = {"words", "chars", NULL};

static void rule_epochs(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {{1000, "20"}, {20000, "10"}, {SIZE_MAX, "5"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
}

static void rule_weight(const DataFacts *facts, const void *target, AutoChoice *out)
{
    (void)target;
    strcpy(out->value, facts->n_classes > 2 ? "0.25" : "0.5");
    strcpy(out->why, "classes");
}

static void rule_kind(const DataFacts *facts, const void *target, AutoChoice *out)
{
    (void)target;
    strcpy(out->value, facts->mean_words > 100 ? "words" : "chars");
    strcpy(out->why, "lengths");
}

/* Goes by the field before it. */
static void rule_buckets(const DataFacts *facts, const void *target, AutoChoice *out)
{
    (void)facts;
    const Sized *sized = target;
    strcpy(out->value, sized->kind == 0 ? "7" : "9");
    strcpy(out->why, "kind");
}

static const Field SIZED_FIELDS[] = {
    {"epochs", FIELD_INT, offsetof(Sized, epochs), "auto", 1, 100,
     .automatic = rule_epochs},
    {"weight", FIELD_DOUBLE, offsetof(Sized, weight), "auto", 0, 1,
     .automatic = rule_weight},
    {"kind", FIELD_CHOICE, offsetof(Sized, kind), "auto", .choices = KINDS,
     .automatic = rule_kind},
    {"buckets", FIELD_INT, offsetof(Sized, buckets), "auto", 1, 100,
     .automatic = rule_buckets},
};

static Sized sized;
static const Section SIZED[] = {{"sized", "", SIZED_FIELDS, 4, &sized}};

static Config *sized_config(const char *yaml)
{
    Config *config = NULL;
    assert_ok(file_write("x.yaml", yaml, strlen(yaml)));
    assert_ok(config_open("x.yaml", &config));
    assert_ok(config_apply(config, SIZED, 1));
    return config;
}

static char *sized_explained(const Config *config)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    config_explain(config, SIZED, 1, out);
    fclose(out);
    return text;
}

static void auto_waits_for_the_rows(void **state)
{
    (void)state;
    Config *config = sized_config("");
    assert_true(config_has_auto(SIZED, 1));
    for (size_t i = 0; i < 4; i++) {
        char *value = config_value(SIZED, &SIZED_FIELDS[i]);
        assert_string_equal(value, "auto");
        free(value);
    }
    config_leave_auto(config, "no rows");
    char *text = sized_explained(config);
    assert_contains(text, "  epochs: auto                            # auto, not known: "
                          "no rows\n");
    free(text);
    DataFacts facts = {.n_train = 12345, .n_classes = 3, .mean_words = 101};
    config_resolve(config, SIZED, 1, &facts);
    assert_false(config_has_auto(SIZED, 1));
    assert_int_equal(sized.epochs, 10);
    assert_true(sized.weight == 0.25);
    assert_int_equal(sized.kind, 0);
    assert_int_equal(sized.buckets, 7);
    text = sized_explained(config);
    assert_contains(text, "  epochs: 10                              # auto: 12,345 "
                          "training rows\n");
    assert_contains(text, "  buckets: 7                              # auto: kind\n");
    free(text);
    config_close(config);
}

static void what_is_given_is_not_chosen(void **state)
{
    (void)state;
    Config *config = sized_config("sized: {epochs: 3, kind: chars, weight: auto}");
    assert_true(config_is_given(config, "sized.epochs"));
    assert_false(config_is_given(config, "sized.weight"));
    assert_false(config_is_given(config, "sized.buckets"));
    DataFacts facts = {.n_train = 1000, .n_classes = 2, .mean_words = 101};
    config_resolve(config, SIZED, 1, &facts);
    assert_int_equal(sized.epochs, 3);
    assert_true(sized.weight == 0.5);
    assert_int_equal(sized.kind, 1);
    assert_int_equal(sized.buckets, 9);
    char *text = sized_explained(config);
    assert_contains(text, "  epochs: 3                               # x.yaml:1:17\n");
    free(text);
    config_close(config);
}

static void limits_belong_to_the_fewer_rows(void **state)
{
    (void)state;
    static const struct {
        size_t rows;
        int64_t epochs;
    } cases[] = {{0, 20}, {1000, 20}, {1001, 10}, {20000, 10}, {20001, 5}, {SIZE_MAX, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Config *config = sized_config("");
        DataFacts facts = {.n_train = cases[i].rows};
        config_resolve(NULL, SIZED, 1, &facts);
        assert_int_equal(sized.epochs, cases[i].epochs);
        config_close(config);
    }
    static const struct {
        size_t rows;
        const char *text;
    } texts[] = {{7, "7 training rows"},
                 {999, "999 training rows"},
                 {1000, "1,000 training rows"},
                 {1234567, "1,234,567 training rows"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[96];
        auto_rows_text(&(DataFacts){.n_train = texts[i].rows}, text);
        assert_string_equal(text, texts[i].text);
    }
}

/* A key without a rule does not know the word. */
static void auto_without_a_rule_is_refused(void **state)
{
    (void)state;
    assert_refused("train: {epochs: auto}", NULL,
                   "x.yaml:1:17: train.epochs: expected a whole number, found \"auto\"");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_without_a_file),
        TEST(a_file_fills_the_structs),
        TEST(flag_beats_environment_beats_file),
        TEST(overrides_need_no_yaml_punctuation),
        TEST(malformed_overrides_are_usage),
        TEST(missing_files),
        TEST(syntax_error_with_caret),
        TEST(bytes_and_limits),
        TEST(a_huge_file_is_refused_at_once),
        TEST(unknown_keys),
        TEST(an_empty_section_is_fine),
        TEST(wrong_types),
        TEST(out_of_range),
        TEST(the_environment_is_named),
        TEST(no_numbers_and_overflow),
        TEST(explain_says_where_from),
        TEST(explain_reads_back),
        TEST(flatten_gives_every_parameter),
        TEST(secrets_are_masked),
        TEST(help_names_every_key),
        TEST(auto_waits_for_the_rows),
        TEST(what_is_given_is_not_chosen),
        TEST(limits_belong_to_the_fewer_rows),
        TEST(auto_without_a_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
