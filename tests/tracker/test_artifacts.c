/* Artifacts in a local folder; run names and ids; what the environment tells. */
#include "tests/tracker/support.h"

#include "base/clock.h"
#include "tracker/artifacts.h"
#include "tracker/environment.h"
#include "tracker/names.h"
#include "tracker/process.h"
#include "tracker/validate.h"

#include <sys/stat.h>
#include <sys/wait.h>

/* ---- artifacts ---- */

static void assert_path(const char *uri, const char *path)
{
    char *got = artifact_local_path(uri);
    if (path) {
        assert_non_null(got);
        assert_string_equal(got, path);
    } else {
        assert_null(got);
    }
    free(got);
}

static void uris_and_paths(void **state)
{
    (void)state;
    assert_path("/x/y", "/x/y");
    assert_path("/x//y/", "/x/y");
    assert_path("file:///x/y", "/x/y");
    assert_path("file:/x/y", "/x/y");
    assert_path("file://localhost/x/y", "/x/y");
    assert_path("file:///x%20y%23", "/x y#");
    assert_path("file:///x%zz%4", "/x%zz%4");
    assert_path("file:///x%00y", NULL);
    assert_path("file://host/x", NULL);
    assert_path("file:x", NULL);
    assert_path("s3://bucket/x", NULL);
    assert_path("mlflow-artifacts:/7/x", NULL);
    assert_path("x/y", NULL);
}

static void names_stay_below_the_root(void **state)
{
    (void)state;
    static const char *const BAD[] = {"..",   "../x", "a/../b", "/x", "a//b",
                                      "a/..", ".",    "a/",     "./a"};
    char *path;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_status(STATUS_USAGE, artifact_path("/srv", BAD[i], &path));
        assert_contains(status_message(), BAD[i]);
    }
    assert_ok(artifact_path("/srv", "a/..b/c", &path));
    assert_string_equal(path, "/srv/a/..b/c");
    free(path);
    assert_status(STATUS_USAGE, artifact_path("s3://b", "a", &path));
    assert_status(STATUS_USAGE, artifact_remove("/srv", ""));
}

static void put_list_get_remove(void **state)
{
    char *root = path_join(*state, "root"), *tree = path_join(*state, "tree");
    char *inner = path_join(tree, "sub"), *file = path_join(inner, "f.txt");
    char *back = path_join(*state, "back"), *back_file = path_join(back, "sub/f.txt");
    assert_ok(dir_make(inner));
    assert_ok(file_write(file, "hello", 5));
    assert_ok(artifact_put(root, tree, "kept/tree"));
    assert_ok(artifact_put(root, file, "a.txt"));

    Artifacts list = {0};
    assert_ok(artifacts_list(root, "", &list));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.items[0].path, "a.txt");
    assert_false(list.items[0].is_dir);
    assert_int_equal(list.items[0].size, 5);
    assert_true(list.items[1].is_dir);
    artifacts_free(&list);
    assert_ok(artifacts_list(root, "kept/tree/sub", &list));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.items[0].path, "kept/tree/sub/f.txt");
    artifacts_free(&list);
    assert_ok(artifacts_list(root, "nope", &list));
    assert_int_equal(list.n, 0);
    assert_ok(artifacts_list(root, "a.txt", &list));
    assert_int_equal(list.n, 0);

    assert_ok(artifact_get(root, "kept/tree", back));
    assert_true(file_exists(back_file));
    assert_status(STATUS_NOT_FOUND, artifact_get(root, "nope", back));
    assert_ok(artifact_remove(root, "kept"));
    assert_ok(artifact_remove(root, "kept"));
    assert_ok(artifacts_list(root, NULL, &list));
    assert_int_equal(list.n, 1);
    artifacts_free(&list);
    free(root), free(tree), free(inner), free(file), free(back), free(back_file);
}

static void what_lies_there_already_stays(void **state)
{
    char *file = path_join(*state, "dir/f");
    char *dir = path_join(*state, "dir");
    assert_ok(dir_make(dir));
    assert_ok(file_write(file, "x", 1));
    struct stat before, after;
    assert_int_equal(stat(dir, &before), 0);
    assert_ok(artifact_put(*state, dir, "dir"));
    assert_int_equal(stat(dir, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(file_exists(file));
    free(file);
    free(dir);
}

/* ---- names and ids ---- */

static void names_are_short_and_shaped(void **state)
{
    (void)state;
    size_t longest = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        char name[RUN_NAME_CAP];
        run_name_from(i, name);
        size_t adjective = strspn(name, "abcdefghijklmnopqrstuvwxyz");
        const char *noun = name + adjective + 1;
        size_t n_noun = strspn(noun, "abcdefghijklmnopqrstuvwxyz");
        const char *digits = noun + n_noun + 1;
        size_t n_digits = strspn(digits, "0123456789");
        if (adjective < 3 || name[adjective] != '-' || n_noun < 3 ||
            noun[n_noun] != '-' || n_digits < 1 || n_digits > 3 || digits[n_digits]) {
            fail_msg("%s", name);
        }
        longest = strlen(name) > longest ? strlen(name) : longest;
    }
    assert_int_equal(longest, 20);
}

static void names_and_ids_differ(void **state)
{
    (void)state;
    char a[RUN_NAME_CAP], b[RUN_NAME_CAP], id[RUN_ID_CAP], other[RUN_ID_CAP];
    run_name_from(7, a);
    run_name_from(7, b);
    assert_string_equal(a, b);
    run_name_from(8, b);
    assert_string_not_equal(a, b);
    run_id_make(id);
    run_id_make(other);
    assert_true(is_run_id(id) && is_run_id(other));
    assert_string_not_equal(id, other);
}

/* ---- the environment ---- */

static const char *tag(const KeyValues *tags, const char *key)
{
    const char *value = key_values_get(tags, key);
    return value ? value : "";
}

static int run_in(const char *dir, const char *command)
{
    char *whole = mem_printf("cd '%s' && %s", dir, command);
    int code = system(whole);
    free(whole);
    return code;
}

static void the_machine_is_told(void **state)
{
    setenv("SLURM_JOB_ID", "4711", 1);
    setenv("SLURM_JWT", "secret", 1);
    char *source = path_join(*state, "x.yaml");
    KeyValue version = {"openblas", "0.3.21"}, digest = {"train", "abc"};
    EnvironmentFacts facts = {.source_name = source,
                              .n_ranks = 3,
                              .kernel_family = "x86-64-v3",
                              .versions = &version,
                              .n_versions = 1,
                              .digests = &digest,
                              .n_digests = 1};
    KeyValues tags = {0};
    environment_tags(&facts, &tags);
    char host[256], pid[16];
    process_host(host);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_string_equal(tag(&tags, "muster.host"), host);
    assert_string_equal(tag(&tags, "muster.pid"), pid);
    assert_true(process_is_alive(getpid(),
                                 strtoull(tag(&tags, "muster.process_start"), NULL, 10)));
    assert_string_equal(tag(&tags, "muster.ranks"), "3");
    assert_string_equal(tag(&tags, "muster.kernel_family"), "x86-64-v3");
    assert_string_equal(tag(&tags, "muster.version.openblas"), "0.3.21");
    assert_string_equal(tag(&tags, "muster.digest.train"), "abc");
    assert_string_equal(tag(&tags, "muster.slurm.job_id"), "4711");
    assert_string_equal(tag(&tags, "mlflow.source.name"), source);
    assert_string_equal(tag(&tags, "mlflow.source.type"), "LOCAL");
    assert_true(strlen(tag(&tags, "mlflow.user")) > 0);
    assert_true(strlen(tag(&tags, "muster.cores")) > 0);
    for (size_t i = 0; i < tags.n; i++) {
        assert_null(strstr(tags.items[i].value, "secret"));
        assert_ok(validate_key("tag", tags.items[i].key));
    }
    /* The folder is no repository. */
    assert_null(key_values_get(&tags, "mlflow.source.git.commit"));
    key_values_free(&tags);
    free(source);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_JWT");
}

static void git_is_asked_where_the_source_is(void **state)
{
    if (system("command -v git >/dev/null") != 0) {
        skip();
    }
    assert_int_equal(run_in(*state,
                            "git init -q -b trunk . && echo a > f && git add f && "
                            "git -c user.name=n -c user.email=e commit -qm m"),
                     0);
    char *source = path_join(*state, "f");
    EnvironmentFacts facts = {.source_name = source};
    KeyValues tags = {0};
    environment_tags(&facts, &tags);
    assert_int_equal(strlen(tag(&tags, "mlflow.source.git.commit")), 40);
    assert_string_equal(tag(&tags, "mlflow.source.git.branch"), "trunk");
    assert_string_equal(tag(&tags, "muster.git.dirty"), "false");
    key_values_free(&tags);
    assert_int_equal(run_in(*state, "echo b > f"), 0);
    environment_tags(&facts, &tags);
    assert_string_equal(tag(&tags, "muster.git.dirty"), "true");
    key_values_free(&tags);
    free(source);
}

static void programs_are_captured_and_stopped(void **state)
{
    (void)state;
    StrBuf out = {0};
    const char *hello[] = {"printf", "a %s", "b; $HOME", NULL};
    assert_true(environment_capture(hello, 2000, &out));
    assert_string_equal(out.p, "a b; $HOME");
    strbuf_clear(&out);
    const char *fails[] = {"false", NULL}, *missing[] = {"no-such-program-x", NULL};
    assert_false(environment_capture(fails, 2000, &out));
    assert_false(environment_capture(missing, 2000, &out));
    double before = clock_seconds();
    const char *slow[] = {"sleep", "30", NULL};
    assert_false(environment_capture(slow, 100, &out));
    assert_true(clock_seconds() - before < 5);
    strbuf_free(&out);
}

static void processes_are_told_apart(void **state)
{
    (void)state;
    uint64_t start = process_start_ticks(getpid());
    assert_true(start > 0);
    assert_true(process_is_alive(getpid(), start));
    assert_true(process_is_alive(getpid(), 0));
    assert_false(process_is_alive(getpid(), start + 1));
    assert_false(process_is_alive(0, 0));
    assert_false(process_is_alive(-1, 0));
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_false(process_is_alive(child, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_and_paths),
        cmocka_unit_test(names_stay_below_the_root),
        with_folder(put_list_get_remove),
        with_folder(what_lies_there_already_stays),
        cmocka_unit_test(names_are_short_and_shaped),
        cmocka_unit_test(names_and_ids_differ),
        with_folder(the_machine_is_told),
        with_folder(git_is_asked_where_the_source_is),
        cmocka_unit_test(programs_are_captured_and_stopped),
        cmocka_unit_test(processes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
