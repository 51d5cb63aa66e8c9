/* `muster artifacts`: the files of a run. */
#include "cli/command.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/artifact_tree.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/runs.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const Command command_artifacts;

static struct {
    const char *out, *uri;
    bool force;
    OutputOptions output;
} options;

#define AT(field) offsetof(__typeof__(options), field)

static const Option LS_OPTIONS[] = {
    OUTPUT_OPTIONS(AT(output)),
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option GET_OPTIONS[] = {
    {.name = "out",
     .alias = 'o',
     .kind = OPTION_TEXT,
     .offset = AT(out),
     .value = "PATH",
     .help = "where to, a folder or a new name; - prints a file (here)"},
    {.name = "force",
     .alias = 'f',
     .kind = OPTION_FLAG,
     .offset = AT(force),
     .help = "write over what is there"},
    TRACKING_URI_OPTION(AT(uri)),
};

static const Option PUT_OPTIONS[] = {
    TRACKING_URI_OPTION(AT(uri)),
};

#undef AT

static Status find_run(const char *reference, Run *out)
{
    Store *store;
    TRY(store_open(options.uri, NULL, &store));
    Status status = run_reference_find(store, reference, out);
    store_close(store);
    return status;
}

static const char *optional_path(const Invocation *invocation, size_t i)
{
    return invocation->n_args > i ? invocation->args[i] : NULL;
}

/* ---- ls ---- */

static void print_json(const Run *run, const Artifacts *artifacts, Output *output)
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, run->run_id);
    json_write_key(&w, "artifact_uri");
    json_write_string(&w, run->artifact_uri);
    json_write_key(&w, "artifacts");
    json_begin_array(&w);
    for (size_t i = 0; i < artifacts->n; i++) {
        json_begin_object(&w);
        json_write_key(&w, "path");
        json_write_string(&w, artifacts->items[i].path);
        json_write_key(&w, "is_dir");
        json_write_bool(&w, artifacts->items[i].is_dir);
        json_write_key(&w, "size");
        json_write_int(&w, artifacts->items[i].size);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    output_json(output, &text);
    strbuf_free(&text);
}

static void print_csv(const Artifacts *artifacts, Output *output)
{
    static const char *const HEADINGS[] = {"path", "is_dir", "size"};
    output_csv_row(output, HEADINGS, 3);
    for (size_t i = 0; i < artifacts->n; i++) {
        const Artifact *artifact = &artifacts->items[i];
        char size[32];
        snprintf(size, sizeof size, "%lld", (long long)artifact->size);
        const char *const fields[] = {artifact->path, artifact->is_dir ? "true" : "false",
                                      size};
        output_csv_row(output, fields, 3);
    }
}

/* Names of folders end with a slash and stand above what is in them. */
static void print_tree(const Artifacts *artifacts, size_t above, Output *output)
{
    static const char *const HEADINGS[] = {"artifact", ">size"};
    Table *table = table_open(HEADINGS, 2);
    int64_t total = 0;
    char size[32];
    for (size_t i = 0; i < artifacts->n; i++) {
        const Artifact *artifact = &artifacts->items[i];
        print_bytes((uint64_t)artifact->size, size);
        table_cell_printf(table, "%*s%s%s",
                          2 * (int)(artifact_depth(artifact->path) - above), "",
                          path_base(artifact->path), artifact->is_dir ? "/" : "");
        table_style(table, artifact->is_dir ? TABLE_BUSY : TABLE_PLAIN);
        table_cell(table, size);
        total += artifact->is_dir ? 0 : artifact->size;
    }
    table_rule(table);
    print_bytes((uint64_t)total, size);
    table_cell(table, "");
    table_cell(table, size);
    output_table(output, table);
    table_close(table);
}

static Status run_ls(const Invocation *invocation)
{
    const char *path = optional_path(invocation, 1);
    Output output;
    Run run = {0};
    Artifacts artifacts = {0};
    TRY(output_open(&options.output, invocation->json, &output));
    Status status = find_run(invocation->args[0], &run);
    if (status == STATUS_OK) {
        status = artifact_tree_read(run.artifact_uri, path, &artifacts);
    }
    if (status == STATUS_OK && output.json) {
        print_json(&run, &artifacts, &output);
    } else if (status == STATUS_OK && output.csv) {
        print_csv(&artifacts, &output);
    } else if (status == STATUS_OK && artifacts.n > 0) {
        print_tree(&artifacts, path ? artifact_depth(path) + 1 : 0, &output);
    } else if (status == STATUS_OK) {
        log_note("run %s (%.8s) has no artifacts%s%s", run.run_name, run.run_id,
                 path ? " in " : "", path ? path : "");
    }
    output_close(&output);
    artifacts_free(&artifacts);
    run_free(&run);
    return status;
}

/* ---- get ---- */

static Status print_file(const Run *run, const char *path)
{
    int in;
    TRY(artifact_open(run->artifact_uri, path, &in));
    char block[1 << 16];
    ssize_t n;
    while ((n = read(in, block, sizeof block)) > 0) {
        fwrite(block, 1, (size_t)n, stdout);
    }
    int error = errno;
    close(in);
    return n == 0 ? STATUS_OK
                  : status_set(STATUS_FAILED, "%s: %s", path, strerror(error));
}

/* A folder that is there takes the artifact in under its own name. */
static char *destination(const Run *run, const char *path)
{
    char *name = path && *path ? mem_strdup(path_base(path))
                               : mem_printf("artifacts-%.8s", run->run_id);
    if (!options.out) {
        return name;
    }
    char *to =
        dir_exists(options.out) ? path_join(options.out, name) : mem_strdup(options.out);
    free(name);
    return to;
}

static Status get(const Run *run, const char *path)
{
    char *to = destination(run, path);
    Status status = STATUS_OK;
    if (!options.force && (file_exists(to) || dir_exists(to))) {
        status = status_set(STATUS_USAGE, "%s is there already", to);
        status_hint("add --force to write over it, or name another place with --out");
    } else {
        status = artifact_get(run->artifact_uri, path, to);
    }
    if (status == STATUS_OK) {
        printf("%s\n", to);
    }
    free(to);
    return status;
}

static Status run_get(const Invocation *invocation)
{
    const char *path = optional_path(invocation, 1);
    bool print = options.out && strcmp(options.out, "-") == 0;
    Run run = {0};
    if (print && !path) {
        return status_set(STATUS_USAGE, "--out -: expected PATH, the file to print");
    }
    TRY(find_run(invocation->args[0], &run));
    Status status = print ? print_file(&run, path) : get(&run, path);
    run_free(&run);
    return status;
}

/* ---- put ---- */

static Status run_put(const Invocation *invocation)
{
    const char *local = invocation->args[1], *path = optional_path(invocation, 2);
    Run run = {0};
    char *whole = realpath(local, NULL);
    if (!whole) {
        return status_set(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_DENIED, "%s: %s",
                          local, strerror(errno));
    }
    Status status = find_run(invocation->args[0], &run);
    const char *name = path ? path : path_base(whole);
    if (status == STATUS_OK && run.deleted) {
        status = status_set(STATUS_USAGE, "run %s (%.8s) is deleted", run.run_name,
                            run.run_id);
    }
    if (status == STATUS_OK) {
        status = artifact_upload(run.artifact_uri, whole, name);
    }
    if (status == STATUS_OK) {
        printf("%s\n", name);
    }
    run_free(&run);
    free(whole);
    return status;
}

/* ---- the commands ---- */

static const Example LS_EXAMPLES[] = {
    {"muster artifacts ls last", "every file, with sizes"},
};

static const Command COMMAND_LS = {
    .name = "ls",
    .summary = "lists a run's files, with sizes",
    .usage = "artifacts ls RUN [PATH] [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = LS_EXAMPLES,
    .n_examples = sizeof LS_EXAMPLES / sizeof LS_EXAMPLES[0],
    .options = {LS_OPTIONS, sizeof LS_OPTIONS / sizeof LS_OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 2,
    .arg = "RUN",
    .run = run_ls,
};

static const Example GET_EXAMPLES[] = {
    {"muster artifacts get best:news checkpoint_000007 -o model", "a folder"},
    {"muster artifacts get last progress.csv -o -", "prints a file"},
};

static const Command COMMAND_GET = {
    .name = "get",
    .summary = "copies a file or folder of a run to here, or all of them",
    .usage = "artifacts get RUN [PATH] [--out PATH] [options]",
    .details = RUN_REFERENCE_HELP,
    .examples = GET_EXAMPLES,
    .n_examples = sizeof GET_EXAMPLES / sizeof GET_EXAMPLES[0],
    .options = {GET_OPTIONS, sizeof GET_OPTIONS / sizeof GET_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 1,
    .max_args = 2,
    .arg = "RUN",
    .run = run_get,
};

static const Example PUT_EXAMPLES[] = {
    {"muster artifacts put last confusion.png plots/confusion.png", "adds a picture"},
};

static const Command COMMAND_PUT = {
    .name = "put",
    .summary = "copies a local file or folder to a run",
    .usage = "artifacts put RUN LOCAL [PATH] [options]",
    .details = RUN_REFERENCE_HELP "\nPATH is its name there, that of LOCAL without it. A "
                                  "file of that name is replaced; "
                                  "of a\nfolder, the files that it has.",
    .examples = PUT_EXAMPLES,
    .n_examples = sizeof PUT_EXAMPLES / sizeof PUT_EXAMPLES[0],
    .options = {PUT_OPTIONS, sizeof PUT_OPTIONS / sizeof PUT_OPTIONS[0], NULL, 0,
                &options},
    .min_args = 2,
    .max_args = 3,
    .arg = "RUN and LOCAL",
    .run = run_put,
};

static const Command *const BELOW[] = {&COMMAND_LS, &COMMAND_GET, &COMMAND_PUT, NULL};

const Command command_artifacts = {
    .name = "artifacts",
    .summary = "lists, fetches and adds the files of runs",
    .usage = "artifacts ls|get|put RUN [arguments] [options]",
    .below = BELOW,
};
