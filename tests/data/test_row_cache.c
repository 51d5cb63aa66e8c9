/* Rows kept between jobs: found again, made anew when anything changed, mended when
 * damaged, made once by many. */
#include "data/row_cache.h"

#include "base/log.h"
#include "tests/data/help.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static StrList columns, files;

static DataConfig config_of(const char *cache)
{
    return (DataConfig){.train = files,
                        .text = columns,
                        .label = (char *)"tag",
                        .cache = (char *)(uintptr_t)cache};
}

static TokenizedRows *open_rows(const DataConfig *config, char key[SHA256_HEX])
{
    WordSplitter *splitter;
    assert_ok(word_splitter_open(config, &splitter));
    RowsRequest request = {
        .config = config, .files = &config->train, .splitter = splitter};
    TokenizedRows *rows;
    assert_ok(row_cache_open(&request, &rows, key));
    word_splitter_close(splitter);
    return rows;
}

static void put_rows(size_t n)
{
    StrBuf out = {0};
    strbuf_add_text(&out, "text,tag\n");
    for (size_t i = 0; i < n; i++) {
        strbuf_printf(&out, "Word%zu and more,t%zu\n", i, i % 3);
    }
    put_bytes("rows.csv", out.p, out.n);
    strbuf_free(&out);
}

static size_t n_entries(void)
{
    StrList names = {0};
    assert_ok(dir_list("cache", &names));
    size_t n = names.n;
    strlist_free(&names);
    return n;
}

static char *only_entry(void)
{
    StrList names = {0};
    assert_ok(dir_list("cache", &names));
    assert_int_equal(names.n, 1);
    char *path = path_join("cache", names.items[0]);
    strlist_free(&names);
    return path;
}

static void test_second_start_reads_nothing(void **state)
{
    (void)state;
    put_rows(100);
    DataConfig config = config_of("cache");
    char key[SHA256_HEX], again[SHA256_HEX];
    TokenizedRows *first = open_rows(&config, key);
    char *entry = only_entry();
    struct stat before, after;
    assert_int_equal(stat(entry, &before), 0);
    /* Not even opened: nobody may read it. */
    if (geteuid() != 0) {
        assert_int_equal(chmod("rows.csv", 0), 0);
    }
    TokenizedRows *second = open_rows(&config, again);
    assert_int_equal(stat(entry, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_string_equal(key, again);
    assert_string_equal(tokenized_digest(first), tokenized_digest(second));
    assert_int_equal(tokenized_size(second), 100);
    tokenized_close(first);
    tokenized_close(second);
    free(entry);
    assert_ok(tree_remove("cache"));
    assert_ok(tree_remove("rows.csv"));
}

static void test_what_changed_is_read_again(void **state)
{
    (void)state;
    put_rows(100);
    DataConfig config = config_of("cache");
    char key[SHA256_HEX], other[SHA256_HEX];
    tokenized_close(open_rows(&config, key));
    /* The same size and time; the kernel's own time of change tells. */
    struct stat info;
    assert_int_equal(stat("rows.csv", &info), 0);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    int fd = open("rows.csv", O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, 9), 1);
    assert_int_equal(futimens(fd, (struct timespec[]){info.st_atim, info.st_mtim}), 0);
    close(fd);
    TokenizedRows *rows = open_rows(&config, other);
    assert_string_not_equal(key, other);
    assert_text(lexicon_get(tokenized_words(rows), 0), "xord0");
    tokenized_close(rows);
    assert_int_equal(n_entries(), 2);

    char *none = (char *)"none";
    config.cleaning = (StrList){.items = &none, .n = 1};
    tokenized_close(open_rows(&config, key));
    assert_string_not_equal(key, other);
    config = config_of("cache");
    config.group = (char *)"tag";
    tokenized_close(open_rows(&config, other));
    assert_string_not_equal(key, other);
    config.invalid_utf8 = UTF8_SKIP;
    tokenized_close(open_rows(&config, key));
    assert_string_not_equal(key, other);
    assert_int_equal(n_entries(), 5);
    assert_ok(tree_remove("cache"));
}

static void test_damage_is_mended(void **state)
{
    (void)state;
    log_set_quiet(true);
    put_rows(100);
    DataConfig config = config_of("cache");
    char key[SHA256_HEX];
    tokenized_close(open_rows(&config, key));
    char *entry = only_entry();
    struct stat info;
    assert_int_equal(stat(entry, &info), 0);
    for (off_t size = 0; size < info.st_size; size += 1 + info.st_size / 7) {
        assert_int_equal(truncate(entry, size), 0);
        TokenizedRows *rows = open_rows(&config, key);
        assert_int_equal(tokenized_size(rows), 100);
        tokenized_close(rows);
    }
    free(entry);
    assert_ok(tree_remove("cache"));
}

static void test_small_files_and_pipes_are_not_kept(void **state)
{
    (void)state;
    put_rows(10);
    char *dir = NULL;
    DataConfig config = config_of("auto");
    RowsRequest request = {.config = &config, .files = &config.train};
    assert_false(row_cache_wanted(&request, &dir));
    setenv("MUSTER_CACHE", "elsewhere", 1);
    assert_int_equal(truncate("rows.csv", ROW_CACHE_MIN_BYTES), 0);
    assert_true(row_cache_wanted(&request, &dir));
    assert_string_equal(dir, "elsewhere");
    free(dir);
    unsetenv("MUSTER_CACHE");
    config = config_of("off");
    assert_false(row_cache_wanted(&request, &dir));
    config = config_of("cache");
    StrList pipe = list_of("-", NULL);
    request.files = &pipe;
    assert_false(row_cache_wanted(&request, &dir));
    strlist_free(&pipe);
}

/* A folder that takes nothing: the rows are there all the same. */
static void test_a_folder_that_cannot_be(void **state)
{
    (void)state;
    log_set_quiet(true);
    put_rows(10);
    put("file", "");
    DataConfig config = config_of("file/cache");
    char key[SHA256_HEX];
    TokenizedRows *rows = open_rows(&config, key);
    assert_int_equal(tokenized_size(rows), 10);
    tokenized_close(rows);
}

/* Many at once: one entry, no rests, and all see the same rows. */
static void test_many_at_once(void **state)
{
    (void)state;
    log_set_quiet(true);
    put_rows(20000);
    DataConfig config = config_of("cache");
    enum { N = 8 };
    pid_t children[N];
    for (int i = 0; i < N; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char key[SHA256_HEX];
            TokenizedRows *rows = open_rows(&config, key);
            _exit(tokenized_size(rows) == 20000 ? 0 : 1);
        }
    }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    char *entry = only_entry();
    free(entry);
    assert_ok(tree_remove("cache"));
}

static int set_up(void **state)
{
    columns = list_of("text", NULL);
    files = list_of("rows.csv", NULL);
    return help_make_folder(state);
}

static int tear_down(void **state)
{
    strlist_free(&columns);
    strlist_free(&files);
    return help_remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_start_reads_nothing),
        cmocka_unit_test(test_what_changed_is_read_again),
        cmocka_unit_test(test_damage_is_mended),
        cmocka_unit_test(test_small_files_and_pipes_are_not_kept),
        cmocka_unit_test(test_a_folder_that_cannot_be),
        cmocka_unit_test(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
