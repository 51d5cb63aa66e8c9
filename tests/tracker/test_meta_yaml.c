/* meta.yaml as PyYAML writes and reads it. */
#include "tests/tracker/support.h"

#include "tracker/meta_yaml.h"

static const char *const TEXTS[] = {
    "plain",
    "",
    "0",
    "123",
    "0123",
    "1.5",
    "1e5",
    "1.0e+5",
    "true",
    "No",
    "off",
    "~",
    "null",
    "a: b",
    "a:b",
    "a #b",
    "#a",
    "- a",
    "-a",
    "-",
    "'a'",
    "it's",
    "\"a\"",
    "[a]",
    "{a}",
    "a, b",
    "*a",
    "&a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a`",
    " a",
    "a ",
    "\xc3\xa4 \xe6\x97\xa5",
    "2024-01-01",
    "1:30",
    "0x1F",
    "file:///a",
    "{\"uri\": \"/x y\"}",
    "---",
    "a\tb",
    "?",
    "? a",
    "=",
    "<<",
    "1_000",
    ".inf",
    ".5",
    "0b1",
    "a\\b",
    "a:",
    "end_time",
    "1e-3",
    "12e4567890abcdef",
    "+1",
    "-1",
};

static void pyyaml_writes_the_same(void **state)
{
    StrBuf text = {0};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%03zu", i);
        meta_add_text(&text, key, TEXTS[i]);
    }
    KeyValue tags[] = {{"z", "1"}, {"mlflow.data.context", "training"}};
    KeyValues map = {tags, 2, 2}, none = {0};
    meta_add_text(&text, "l0", NULL);
    meta_add_int(&text, "l1", -5);
    meta_add_map(&text, "m", &map);
    meta_add_map(&text, "n", &none);
    char *path = path_join(*state, "meta.yaml");
    assert_ok(file_write(path, text.p, text.n));
    char *command = mem_printf(
        "/usr/bin/python3 -c \"import sys, yaml\n"
        "text = open('%s', encoding='utf-8').read()\n"
        "again = yaml.safe_dump(yaml.safe_load(text), default_flow_style=False, "
        "allow_unicode=True, width=1000)\n"
        "a, b = text.splitlines(), again.splitlines()\n"
        "[print(x, '|', y) for x, y in zip(a, b) if x != y]\n"
        "sys.exit(text != again)\"",
        path);
    if (system("/usr/bin/python3 -c 'import yaml' 2>/dev/null") != 0) {
        free(command);
        free(path);
        strbuf_free(&text);
        skip();
    }
    assert_int_equal(system(command), 0);
    free(command);
    free(path);
    strbuf_free(&text);
}

static void what_is_written_is_read(void **state)
{
    StrBuf text = {0};
    static const char *const MORE[] = {"two\nlines", "\x01\x7f", "\r\n", "tab\t"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%zu", i);
        meta_add_text(&text, key, TEXTS[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "m%zu", i);
        meta_add_text(&text, key, MORE[i]);
    }
    char *path = path_join(*state, "meta.yaml");
    assert_ok(file_write(path, text.p, text.n));
    YamlEntries meta = {0};
    assert_ok(meta_load(path, &meta));
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%zu", i);
        assert_string_equal(meta_text(&meta, key), TEXTS[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        char key[16];
        snprintf(key, sizeof key, "m%zu", i);
        assert_string_equal(meta_text(&meta, key), MORE[i]);
    }
    assert_null(meta_text(&meta, "none"));
    assert_int_equal(meta_int(&meta, "k3", -1), 123);
    assert_int_equal(meta_int(&meta, "k0", -1), -1);
    yaml_entries_free(&meta);
    free(path);
    strbuf_free(&text);
}

static void what_is_no_mapping_is_damaged(void **state)
{
    char *path = path_join(*state, "meta.yaml");
    YamlEntries meta = {0};
    assert_status(STATUS_NOT_FOUND, meta_load(path, &meta));
    assert_ok(file_write(path, "a: [b", 5));
    assert_status(STATUS_DAMAGED, meta_load(path, &meta));
    assert_contains(status_message(), "meta.yaml");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_folder(pyyaml_writes_the_same),
        with_folder(what_is_written_is_read),
        with_folder(what_is_no_mapping_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
