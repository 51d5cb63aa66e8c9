#include "tests/base/check.h"

#include "base/files.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/muster-files-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return tree_remove(folder) == STATUS_OK ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    char *path = path_join(folder, name);
    assert_ok(file_write(path, text, strlen(text)));
    free(path);
}

static void assert_holds(const char *name, const char *text)
{
    char *path = path_join(folder, name);
    StrBuf bytes = {0};
    assert_ok(file_read(path, 1 << 20, STATUS_NOT_FOUND, &bytes));
    assert_string_equal(bytes.p, text);
    strbuf_free(&bytes);
    free(path);
}

static void paths(void **state)
{
    (void)state;
    char *path = path_join("a/", "b");
    assert_string_equal(path, "a/b");
    assert_string_equal(path_base(path), "b");
    assert_string_equal(path_base("b"), "b");
    free(path);
    path = path_absolute("/a/./b//../c");
    assert_string_equal(path, "/a/c");
    free(path);
    path = path_absolute("/../..");
    assert_string_equal(path, "/");
    free(path);
    path = path_absolute("x");
    assert_int_equal(path[0], '/');
    free(path);
}

static void write_replaces_whole_files(void **state)
{
    (void)state;
    put("f", "one");
    put("f", "three");
    assert_holds("f", "three");
    StrList names = {0};
    assert_ok(dir_list(folder, &names));
    assert_int_equal(names.n, 1); /* no temporary left */
    strlist_free(&names);
}

static void a_failed_write_leaves_nothing(void **state)
{
    (void)state;
    char *path = path_join(folder, "taken");
    assert_ok(dir_make(path));
    assert_true(file_write(path, "x", 1) != STATUS_OK); /* a folder has the name */
    free(path);
    StrList names = {0};
    assert_ok(dir_list(folder, &names));
    assert_int_equal(names.n, 1);
    strlist_free(&names);
}

static void append_adds(void **state)
{
    (void)state;
    char *path = path_join(folder, "log");
    assert_ok(file_append(path, "a\n", 2, false));
    assert_ok(file_append(path, "b\n", 2, true));
    free(path);
    assert_holds("log", "a\nb\n");
}

static void read_fails_with_the_code_asked_for(void **state)
{
    (void)state;
    put("config.yaml", "x");
    StrBuf bytes = {0};
    char *path = path_join(folder, "confg.yaml");
    assert_int_equal(file_read(path, 10, STATUS_CONFIG, &bytes), STATUS_CONFIG);
    assert_contains(status_message(), "confg.yaml: No such file");
    assert_contains(status_hint_text(), "config.yaml?");
    free(path);
    assert_int_equal(file_read(folder, 10, STATUS_CONFIG, &bytes), STATUS_CONFIG);
    assert_contains(status_message(), "is a directory");
    put("large", "12345678901");
    path = path_join(folder, "large");
    assert_int_equal(file_read(path, 10, STATUS_DATA, &bytes), STATUS_DATA);
    assert_contains(status_message(), "limit of 10 bytes");
    free(path);
    assert_null(bytes.p);
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    char *path = path_join(folder, "nowhere/x");
    StrBuf bytes = {0};
    assert_int_equal(file_read(path, 10, STATUS_CONFIG, &bytes), STATUS_CONFIG);
    assert_contains(status_hint_text(), "there is no folder");
    assert_int_equal(file_write(path, "x", 1), STATUS_NOT_FOUND);
    free(path);
}

static void a_full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(file_append("/dev/full", "abc", 3, false), STATUS_FAILED);
    assert_contains(status_message(), "3 bytes needed");
}

static void folders_are_made_and_removed(void **state)
{
    (void)state;
    char *deep = path_join(folder, "a/b/c");
    assert_ok(dir_make(deep));
    assert_ok(dir_make(deep));
    assert_true(dir_exists(deep));
    free(deep);
    put("a/b/c/file", "x");
    char *blocked = path_join(folder, "a/b/c/file/d");
    assert_true(dir_make(blocked) != STATUS_OK);
    free(blocked);
    char *top = path_join(folder, "a");
    assert_ok(tree_remove(top));
    assert_false(dir_exists(top));
    assert_ok(tree_remove(top));
    free(top);
}

static void removal_does_not_follow_links(void **state)
{
    (void)state;
    put("kept", "x");
    char *tree = path_join(folder, "tree"), *kept = path_join(folder, "kept");
    assert_ok(dir_make(tree));
    char *link = path_join(tree, "link"), *up = path_join(tree, "up");
    assert_int_equal(symlink(kept, link), 0);
    assert_int_equal(symlink(folder, up), 0);
    assert_ok(tree_remove(tree));
    assert_true(file_exists(kept));
    free(up);
    free(link);
    free(kept);
    free(tree);
}

static void trees_are_copied_whole(void **state)
{
    (void)state;
    char *from = path_join(folder, "from"), *sub = path_join(folder, "from/sub");
    char *to = path_join(folder, "some/where/to");
    assert_ok(dir_make(sub));
    put("from/one", "1");
    put("from/sub/two", "2");
    assert_ok(tree_copy(from, to));
    assert_holds("some/where/to/one", "1");
    assert_holds("some/where/to/sub/two", "2");
    put("from/one", "changed");
    assert_holds("some/where/to/one",
                 "1"); /* the link's file was replaced, not written */
    assert_ok(tree_copy(from, to));
    assert_holds("some/where/to/one", "changed");
    free(to);
    free(sub);
    free(from);
}

static void a_failed_copy_leaves_nothing(void **state)
{
    (void)state;
    char *from = path_join(folder, "none"), *to = path_join(folder, "to");
    assert_int_equal(tree_copy(from, to), STATUS_NOT_FOUND);
    StrList names = {0};
    assert_ok(dir_list(folder, &names));
    assert_int_equal(names.n, 0);
    strlist_free(&names);
    free(to);
    free(from);
}

static void lists_are_sorted(void **state)
{
    (void)state;
    put("b", "");
    put("a", "");
    put(".c", "");
    StrList names = {0};
    assert_ok(dir_list(folder, &names));
    char *joined = strlist_join(&names, " ");
    assert_string_equal(joined, ".c a b");
    free(joined);
    strlist_free(&names);
}

static void free_space_of_a_path_to_be(void **state)
{
    (void)state;
    char *path = path_join(folder, "not/yet/there");
    assert_true(disk_free(path) > 0);
    free(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

static void network_file_systems_are_known(void **state)
{
    (void)state;
    assert_true(file_system_is_network(0x6969));
    assert_true(file_system_is_network((long)0xff534d42));
    assert_true(file_system_is_network(0x0bd00bd0));
    assert_true(file_system_is_network(0x47504653));
    assert_true(file_system_is_network(0x65735546));
    assert_false(file_system_is_network(0xef53));     /* ext4 */
    assert_false(file_system_is_network(0x01021994)); /* tmpfs */
    assert_false(file_system_is_network(0x58465342)); /* xfs */
    assert_false(file_system_is_network(0x794c7630)); /* overlayfs */
}

static void test_tree_replace(void **state)
{
    (void)state;
    char root[] = "/tmp/muster-replace-XXXXXX";
    assert_non_null(mkdtemp(root));
    char *aside = path_join(root, "new.tmp"), *dir = path_join(root, "new");
    char *old = path_join(root, "new.old.tmp"), *file = path_join(dir, "file");
    for (int round = 0; round < 2; round++) { /* without an older one, and with one */
        char *written = path_join(aside, "file"), text[] = {(char)('0' + round), 0};
        StrBuf bytes = {0};
        assert_ok(dir_make(aside));
        assert_ok(file_write(written, text, 1));
        assert_ok(tree_replace(aside, dir));
        assert_ok(file_read(file, 10, STATUS_NOT_FOUND, &bytes));
        assert_int_equal(bytes.p[0], '0' + round);
        assert_false(dir_exists(aside) || dir_exists(old));
        strbuf_free(&bytes);
        free(written);
    }
    assert_int_equal(tree_replace(aside, dir), STATUS_FAILED);
    assert_true(file_exists(file));
    assert_ok(tree_remove(root));
    free(aside);
    free(dir);
    free(old);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths),
        TEST(write_replaces_whole_files),
        TEST(a_failed_write_leaves_nothing),
        TEST(append_adds),
        TEST(read_fails_with_the_code_asked_for),
        TEST(a_missing_folder_is_named),
        TEST(a_full_disk_keeps_the_old_file),
        TEST(folders_are_made_and_removed),
        TEST(removal_does_not_follow_links),
        TEST(trees_are_copied_whole),
        TEST(a_failed_copy_leaves_nothing),
        TEST(lists_are_sorted),
        TEST(free_space_of_a_path_to_be),
        cmocka_unit_test(test_tree_replace),
        cmocka_unit_test(network_file_systems_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
