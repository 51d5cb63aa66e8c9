#include "tests/base/check.h"

#include "base/mem.h"
#include "base/yaml.h"

#include <stdlib.h>

/* "section.key@line:column=kind:a|b@line:column" per entry, one a line. */
static char *described(const YamlEntries *entries)
{
    static const char KINDS[] = {'-', 's', 'l'};
    StrBuf out = {0};
    for (size_t i = 0; i < entries->n; i++) {
        const YamlEntry *entry = &entries->items[i];
        char *texts = strlist_join(&entry->value.texts, "|");
        strbuf_printf(&out, "%s.%s@%zu:%zu=%c:%s@%zu:%zu\n", entry->section, entry->key,
                      entry->line, entry->column, KINDS[entry->value.kind], texts,
                      entry->value.line, entry->value.column);
        free(texts);
    }
    return strbuf_take(&out);
}

static void assert_reads(Text text, const char *expected)
{
    YamlEntries entries = {0};
    assert_ok(yaml_read(text, "x.yaml", &entries));
    char *found = described(&entries);
    assert_string_equal(found, expected);
    free(found);
    yaml_entries_free(&entries);
}

static void assert_refuses(Text text, const char *message)
{
    YamlEntries entries = {0};
    assert_fails(STATUS_CONFIG, message, yaml_read(text, "x.yaml", &entries));
    assert_null(entries.items);
}

static void reads_the_shapes_of_a_config(void **state)
{
    (void)state;
    assert_reads(TEXT("seed: 1 # the seed\n"
                      "train:\n"
                      "  lr: 0.1\n"
                      "  name: \"a: b\"\n"
                      "data: {text: [a, 'b, c'], label: }\n"
                      "files:\n"
                      "- x\n"
                      "- y\n"
                      "none: ~\n"
                      "quoted: \"null\"\n"),
                 ".seed@1:1=s:1@1:7\n"
                 "train.lr@3:3=s:0.1@3:7\n"
                 "train.name@4:3=s:a: b@4:9\n"
                 "data.text@5:8=l:a|b, c@5:14\n"
                 "data.label@5:27=-:@5:34\n"
                 ".files@6:1=l:x|y@7:1\n"
                 ".none@9:1=-:@9:7\n"
                 ".quoted@10:1=s:null@10:9\n");
}

static void empty_documents_and_sections(void **state)
{
    (void)state;
    assert_reads(TEXT(""), "");
    assert_reads(TEXT("# nothing\n"), "");
    assert_reads(TEXT("---\n"), "");
    assert_reads(TEXT("a:\nb: {}\n"), ".a@1:1=-:@1:3\n.b@2:1=-:@2:4\n");
}

static void byte_order_mark_and_crlf_are_fine(void **state)
{
    (void)state;
    assert_reads(TEXT("\xEF\xBB\xBF"
                      "a:\r\n  b: 1\r\n"),
                 "a.b@2:3=s:1@2:6\n");
    assert_reads(TEXT("\xEF\xBB\xBF"
                      "a: 1"),
                 ".a@1:1=s:1@1:4\n");
}

static void columns_count_characters(void **state)
{
    (void)state;
    assert_reads(TEXT("{\xC3\xA9: 1, b: 2}"), ".\xC3\xA9@1:2=s:1@1:5\n.b@1:8=s:2@1:11\n");
}

static void syntax_errors_show_a_caret(void **state)
{
    (void)state;
    assert_refuses(TEXT("train:\n  lr: 2: 3\n"),
                   "x.yaml:2:8: mapping values are not allowed in this context\n"
                   "     2 |   lr: 2: 3\n"
                   "       |        ^");
    assert_refuses(TEXT("a: [1, 2\nb: 3\n"),
                   "x.yaml:2:2: did not find expected ',' or ']' while parsing a flow "
                   "sequence that begins at line 1\n"
                   "     2 | b: 3\n"
                   "       |  ^");
    assert_refuses(TEXT("\xE6\x97\xA5: 'x\n"), /* a wide character before the place */
                   "x.yaml:2:1: found unexpected end of stream while scanning a quoted "
                   "scalar that begins at line 1");
    assert_refuses(TEXT("{\xE6\x97\xA5: @}\n"),
                   "x.yaml:1:5: found character that cannot start any token while "
                   "scanning for the next token\n"
                   "     1 | {\xE6\x97\xA5: @}\n"
                   "       |      ^");
}

static void tabs_get_a_hint(void **state)
{
    (void)state;
    YamlEntries entries = {0};
    assert_int_equal(yaml_read(TEXT("a:\n\tb: 1\n"), "x.yaml", &entries), STATUS_CONFIG);
    assert_contains(status_message(), "x.yaml:2:1: ");
    assert_contains(status_hint_text(), "spaces");
}

static void overlong_lines_have_no_caret(void **state)
{
    (void)state;
    char text[400];
    memset(text, ' ', sizeof text);
    memcpy(text, "a: 'b'", 6);
    memcpy(text + 390, "]]", 2);
    YamlEntries entries = {0};
    assert_int_equal(yaml_read((Text){text, 400}, "x.yaml", &entries), STATUS_CONFIG);
    assert_contains(status_message(), "x.yaml:1:391: ");
    assert_null(strchr(status_message(), '\n'));
}

static void duplicates_name_both_places(void **state)
{
    (void)state;
    assert_refuses(TEXT("a:\n  b: 1\n  c: 2\n  b: 3\n"),
                   "x.yaml:4:3: a.b is given twice, first at x.yaml:2:3");
    assert_refuses(TEXT("a: {b: 1}\nc: 1\na: {d: 1}\n"),
                   "x.yaml:3:1: a is given twice, first at x.yaml:1:1");
    assert_refuses(TEXT("a: 1\n\"a\": 2\n"),
                   "x.yaml:2:1: a is given twice, first at x.yaml:1:1");
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    assert_refuses(TEXT("a: 1\nb: \0\n"), "x.yaml:2:4: NUL byte");
    assert_refuses(TEXT("a: \xC3\xA9\xFF\n"), "x.yaml:1:5: invalid UTF-8");
    assert_refuses(TEXT("\xFF\xFE"
                        "a\0:\0"),
                   "x.yaml:1:1: the file is UTF-16, expected UTF-8");
    assert_refuses(TEXT("\xFE\xFF\0a\0:"),
                   "x.yaml:1:1: the file is UTF-16, expected UTF-8");
    assert_refuses(TEXT("a\0:\0 \0001\0"),
                   "x.yaml:1:1: the file is UTF-16, expected UTF-8");
    assert_contains(status_hint_text(), "iconv -f UTF-16");
    assert_refuses(TEXT("a: \"x\\0y\"\n"), "x.yaml:1:4: NUL in a value");
    assert_refuses(TEXT("a: 1\nb: \x01\n"),
                   "x.yaml:2:4: control characters are not allowed");
}

static void what_configs_have_no_use_for(void **state)
{
    (void)state;
    assert_refuses(TEXT("a: &x 1\nb: *x\n"),
                   "x.yaml:2:4: aliases (*name) are not supported");
    assert_refuses(TEXT("a: &x [b]\nc: [*x, *x]\n"),
                   "x.yaml:2:5: aliases (*name) are not supported");
    assert_refuses(TEXT("a: !!python/object x\n"),
                   "x.yaml:1:4: tags (!name) are not supported");
    assert_refuses(TEXT("a: !t [x]\n"), "x.yaml:1:4: tags (!name) are not supported");
    assert_refuses(TEXT("- a\n"),
                   "x.yaml:1:1: expected \"section:\" and \"key: value\" lines");
    assert_refuses(TEXT("a: 1\n---\nb: 2\n"),
                   "x.yaml:2:1: expected one document, found a second");
    assert_refuses(TEXT("[a]: 1\n"), "x.yaml:1:1: expected a name as key");
    assert_refuses(TEXT("a:\n  \"\": 1\n"), "x.yaml:2:3: empty key");
}

static void values_are_flat(void **state)
{
    (void)state;
    assert_refuses(TEXT("a:\n  b:\n    c: 1\n"),
                   "x.yaml:3:5: expected a value or a list of values, found a mapping");
    assert_refuses(
        TEXT("a: [1, [2]]\n"),
        "x.yaml:1:8: expected a value or a list of values, found a nested list");
}

static void too_deep_is_called_that(void **state)
{
    (void)state;
    enum { DEEP = 10000 };
    char *text = mem_alloc(DEEP + 3, 1);
    memcpy(text, "a: ", 3);
    memset(text + 3, '[', DEEP);
    assert_refuses((Text){text, DEEP + 3}, "x.yaml:1:67: nested deeper than 64 levels");
    free(text);
}

static void too_large_is_not_parsed(void **state)
{
    (void)state;
    size_t n = YAML_MAX_BYTES + 1;
    char *text = mem_zalloc(n, 1);
    assert_refuses((Text){text, n}, "x.yaml: larger than the limit of 1048576 bytes");
    free(text);
}

static void keys_are_counted(void **state)
{
    (void)state;
    StrBuf text = {0};
    for (int i = 0; i < YAML_MAX_KEYS + 1; i++) {
        strbuf_printf(&text, "k%d: 1\n", i);
    }
    assert_refuses((Text){text.p, text.n},
                   "x.yaml:4097:1: more keys than any config has");
    strbuf_free(&text);
}

static void values_alone(void **state)
{
    (void)state;
    YamlValue value = {0};
    assert_ok(yaml_read_value(TEXT("[a, \"b\\n\"]"), "command line", &value));
    assert_int_equal(value.kind, YAML_IS_LIST);
    assert_int_equal(value.texts.n, 2);
    assert_string_equal(value.texts.items[1], "b\n");
    yaml_value_free(&value);
    assert_ok(yaml_read_value(TEXT(""), "command line", &value));
    assert_int_equal(value.kind, YAML_IS_NULL);
    assert_int_equal(yaml_read_value(TEXT("[a"), "command line", &value), STATUS_CONFIG);
    assert_contains(status_message(), "command line:2:1: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_shapes_of_a_config),
        cmocka_unit_test(empty_documents_and_sections),
        cmocka_unit_test(byte_order_mark_and_crlf_are_fine),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(syntax_errors_show_a_caret),
        cmocka_unit_test(tabs_get_a_hint),
        cmocka_unit_test(overlong_lines_have_no_caret),
        cmocka_unit_test(duplicates_name_both_places),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(what_configs_have_no_use_for),
        cmocka_unit_test(values_are_flat),
        cmocka_unit_test(too_deep_is_called_that),
        cmocka_unit_test(too_large_is_not_parsed),
        cmocka_unit_test(keys_are_counted),
        cmocka_unit_test(values_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
