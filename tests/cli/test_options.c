#include "tests/base/check.h"

#include "cli/options.h"

#include <stdlib.h>

typedef struct Given {
    bool force;
    const char *order, *resume, *from;
    int64_t ranks;
    double rate;
    StrList tags;
} Given;

static Given given;

static const Option OPTIONS[] = {
    {.name = "force",
     .alias = 'f',
     .kind = OPTION_FLAG,
     .offset = offsetof(Given, force),
     .help = "do it"},
    {.name = "order-by",
     .kind = OPTION_TEXT,
     .offset = offsetof(Given, order),
     .value = "COLUMN",
     .help = "sort"},
    {.name = "resume",
     .kind = OPTION_TEXT,
     .offset = offsetof(Given, resume),
     .value = "auto",
     .optional = "must",
     .help = "go on"},
    {.name = "from",
     .kind = OPTION_TEXT,
     .offset = offsetof(Given, from),
     .value = "RUN",
     .optional = "last",
     .optional_next = true,
     .help = "start"},
    {.name = "ranks",
     .alias = 'n',
     .kind = OPTION_INT,
     .offset = offsetof(Given, ranks),
     .value = "N",
     .min = 1,
     .max = 5e9,
     .help = "ranks"},
    {.name = "rate",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(Given, rate),
     .value = "R",
     .help = "rate"},
    {.name = "tag",
     .kind = OPTION_LIST,
     .offset = offsetof(Given, tags),
     .value = "K=V",
     .help = "tag"},
};
static const OptionConflict CONFLICTS[] = {{"force", "resume"}, {"json", "tag"}};
static const OptionTable TABLE = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], CONFLICTS,
                                  2, &given};

static CommonOptions common;
static const char *args[32];
static size_t n_args;

/* Parses words that a space separates. */
static Status parse(const char *line)
{
    static char words[256];
    char *argv[32];
    int argc = 0;
    options_free(&TABLE);
    memset(&given, 0, sizeof given);
    memset(&common, 0, sizeof common);
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return options_parse(&TABLE, argc, argv, &common, args, &n_args);
}

static int free_given(void **state)
{
    (void)state;
    options_free(&TABLE);
    return 0;
}

static void every_way_to_give_a_value(void **state)
{
    (void)state;
    assert_ok(parse("--order-by a --ranks=4 --rate 0.5 -f"));
    assert_string_equal(given.order, "a");
    assert_int_equal(given.ranks, 4);
    assert_true(given.rate == 0.5);
    assert_true(given.force);
    assert_ok(parse("-n 2"));
    assert_int_equal(given.ranks, 2);
    assert_ok(parse("-n3"));
    assert_int_equal(given.ranks, 3);
    assert_ok(parse("-n=4"));
    assert_int_equal(given.ranks, 4);
    assert_ok(parse("--order-by="));
    assert_string_equal(given.order, "");
    assert_ok(parse("--order-by=a=b --order-by c"));
    assert_string_equal(given.order, "c"); /* the last one counts */
    assert_ok(parse("--rate -1"));
    assert_true(given.rate == -1);
}

static void values_that_may_be_left_out(void **state)
{
    (void)state;
    assert_ok(parse("--resume x"));
    assert_string_equal(given.resume, "must");
    assert_int_equal(n_args, 1);
    assert_ok(parse("--resume=auto"));
    assert_string_equal(given.resume, "auto");
    assert_ok(parse("--from x"));
    assert_string_equal(given.from, "x");
    assert_int_equal(n_args, 0);
    assert_ok(parse("--from -f"));
    assert_string_equal(given.from, "last");
    assert_true(given.force);
    assert_ok(parse("--from"));
    assert_string_equal(given.from, "last");
}

static void repeated_options_collect(void **state)
{
    (void)state;
    assert_ok(parse("--tag a=1 --tag=b=2"));
    assert_int_equal(given.tags.n, 2);
    assert_string_equal(given.tags.items[1], "b=2");
}

static void arguments_stand_anywhere(void **state)
{
    (void)state;
    assert_ok(parse("one -f two - -- --force -- -n"));
    assert_int_equal(n_args, 6);
    assert_string_equal(args[0], "one");
    assert_string_equal(args[2], "-");
    assert_string_equal(args[3], "--force");
    assert_string_equal(args[4], "--");
    assert_string_equal(args[5], "-n");
}

static void numbers_with_units(void **state)
{
    (void)state;
    assert_ok(parse("-n 10k"));
    assert_int_equal(given.ranks, 10000);
    assert_ok(parse("-n 1e3"));
    assert_int_equal(given.ranks, 1000);
    assert_fails(STATUS_USAGE, "--ranks: 5GiB is out of range, allowed is 1 to 5e+09",
                 parse("-n 5GiB"));
    assert_ok(parse("-n 4GiB"));
    assert_true(given.ranks == 4294967296);
}

static void common_options(void **state)
{
    (void)state;
    assert_ok(parse("--json -h"));
    assert_true(common.json);
    assert_true(common.help);
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message, *hint;
    } CASES[] = {
        {"--oder-by x", "unknown option --oder-by", "did you mean --order-by?"},
        {"--oder-by=x", "unknown option --oder-by", "did you mean --order-by?"},
        {"--jsno", "unknown option --jsno", "did you mean --json?"},
        {"--xyzzyx", "unknown option --xyzzyx", ""},
        {"-x", "unknown option -x", ""},
        {"-force", "unknown option -force", "did you mean --force?"},
        {"--order-by", "--order-by: missing value COLUMN", ""},
        {"--order-by --force", "--order-by: missing value COLUMN", ""},
        {"-n", "--ranks: missing value N", ""},
        {"--ranks ten", "--ranks: expected a whole number, found \"ten\"",
         "numbers look like 12, 10k, 1e3, 5GiB"},
        {"--ranks=", "--ranks: expected a whole number, found \"\"",
         "numbers look like 12, 10k, 1e3, 5GiB"},
        {"--ranks 0", "--ranks: 0 is out of range, allowed is 1 to 5e+09", ""},
        {"--rate nan", "--rate: expected a number, found \"nan\"", ""},
        {"--rate 1e999", "--rate: expected a number, found \"1e999\"", ""},
        {"--force=yes", "--force takes no value", ""},
        {"--resume --force", "--force and --resume exclude each other", ""},
        {"--tag x --json", "--json and --tag exclude each other", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        assert_fails(STATUS_USAGE, CASES[i].message, parse(CASES[i].line));
        assert_string_equal(status_hint_text(), CASES[i].hint);
    }
}

static void json_is_known_before_parsing(void **state)
{
    (void)state;
    char json[] = "--json", end[] = "--", word[] = "x";
    char *wanted[] = {word, json}, *unwanted[] = {word, end, json};
    assert_true(options_want_json(2, wanted));
    assert_false(options_want_json(3, unwanted));
}

static void help_lists_everything_that_parses(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    options_help(&TABLE, out);
    fclose(out);
    assert_contains(text, "  -f, --force                 do it\n");
    assert_contains(text, "      --order-by COLUMN       sort\n");
    assert_contains(text, "      --resume[=auto]         go on\n");
    assert_contains(text, "      --from [RUN]            start\n");
    assert_contains(text, "      --tag K=V               tag (may be repeated)\n");
    assert_contains(text, "  -h, --help                  print this\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_give_a_value),
        cmocka_unit_test(values_that_may_be_left_out),
        cmocka_unit_test(repeated_options_collect),
        cmocka_unit_test(arguments_stand_anywhere),
        cmocka_unit_test(numbers_with_units),
        cmocka_unit_test(common_options),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(json_is_known_before_parsing),
        cmocka_unit_test(help_lists_everything_that_parses),
    };
    return cmocka_run_group_tests(tests, NULL, free_given);
}
