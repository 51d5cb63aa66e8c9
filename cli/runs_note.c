/* `muster runs note`: a run's note, which MLflow's pages show as its description. */
#include "cli/runs.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "tracker/reference.h"
#include "tracker/store.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char NOTE_TAG[] = "mlflow.note.content";
enum { LONGEST = 1 << 20, LONGEST_TAG = 8000 }; /* bytes; MLflow's characters */

static struct {
    const char *uri;
} options;

static const Option OPTIONS[] = {
    TRACKING_URI_OPTION(offsetof(__typeof__(options), uri)),
};

/* ---- the editor ---- */

static const char *editor_command(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    return visual && *visual ? visual : editor && *editor ? editor : "vi";
}

/* The user's own words for the shell, with the file behind them, as git runs them. */
static Status run_editor(const char *path)
{
    const char *editor = editor_command();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char *command = mem_printf("%s \"$1\"", editor);
        execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
        _exit(127);
    }
    int state = 0;
    void (*old)(int) = signal(SIGINT, SIG_IGN);
    while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR) {
    }
    signal(SIGINT, old);
    if (child < 0 || !WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        status_set(STATUS_FAILED, "the editor '%s' failed: the note is as it was",
                   editor);
        status_hint("set EDITOR, or give the text: runs note RUN TEXT");
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

static Status write_temporary(const char *text, char *path)
{
    int fd = mkstemps(path, 3);
    if (fd < 0) {
        return status_set(STATUS_FAILED, "%s: %s", path, strerror(errno));
    }
    size_t n = strlen(text);
    bool whole = write(fd, text, n) == (ssize_t)n;
    return close(fd) == 0 && whole
               ? STATUS_OK
               : status_set(STATUS_FAILED, "%s: cannot be written", path);
}

static Status edit(const char *old, char **out)
{
    const char *folder = getenv("TMPDIR");
    char *path =
        mem_printf("%s/muster-note-XXXXXX.md", folder && *folder ? folder : "/tmp");
    StrBuf text = {0};
    Status status = write_temporary(old ? old : "", path);
    if (status == STATUS_OK) {
        status = run_editor(path);
    }
    if (status == STATUS_OK) {
        status = file_read(path, LONGEST, STATUS_FAILED, &text);
    }
    unlink(path);
    free(path);
    if (status == STATUS_OK) {
        *out = strbuf_take(&text);
    }
    strbuf_free(&text);
    return status;
}

/* ---- the note ---- */

static Status read_standard_input(char **out)
{
    StrBuf text = {0};
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, stdin)) > 0) {
        strbuf_add(&text, block, n);
        if (text.n > LONGEST) {
            strbuf_free(&text);
            return status_set(STATUS_USAGE, "the note is longer than 1 MB");
        }
    }
    *out = strbuf_take(&text);
    return STATUS_OK;
}

/* As it is for programs, and so that it cannot steer a terminal. */
static void print_lines(const char *note)
{
    for (const char *p = note; *p;) {
        size_t n = strcspn(p, "\n");
        char *line = mem_strndup(p, n);
        char *shown = isatty(STDOUT_FILENO) ? utf8_printable(line) : mem_strdup(line);
        printf("%s\n", shown);
        free(line);
        free(shown);
        p += n + (p[n] == '\n');
    }
}

static void print_note(const Run *run, bool json)
{
    const char *note = key_values_get(&run->tags, NOTE_TAG);
    if (!json) {
        print_lines(note ? note : "");
        return;
    }
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_begin_object(&w);
    json_write_key(&w, "run_id");
    json_write_string(&w, run->run_id);
    json_write_key(&w, "note");
    json_write_string(&w, note);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* An empty note is none. */
static Status set_note(Store *store, const Run *run, char *text)
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '\n') {
        text[--n] = 0;
    }
    const char *old = key_values_get(&run->tags, NOTE_TAG);
    if (n == 0) {
        return old ? store_delete_tag(store, run->run_id, NOTE_TAG) : STATUS_OK;
    }
    size_t length = utf8_count((Text){text, n});
    if (length > LONGEST_TAG) {
        return status_set(STATUS_USAGE, "the note has %zu characters, %d are allowed",
                          length, LONGEST_TAG);
    }
    return store_set_tag(store, run->run_id, NOTE_TAG, text);
}

/* *text stays NULL when the note is only to be shown. */
static Status new_text(const Invocation *invocation, const Run *run, char **text)
{
    const char *given = invocation->n_args > 1 ? invocation->args[1] : NULL;
    if (given && strcmp(given, "-") == 0) {
        return read_standard_input(text);
    }
    if (given) {
        *text = mem_strdup(given);
        return STATUS_OK;
    }
    if (invocation->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return STATUS_OK;
    }
    return edit(key_values_get(&run->tags, NOTE_TAG), text);
}

static Status change(const Invocation *invocation, const char *run_id, const char *uri,
                     char *text)
{
    StoreOptions with = {.mode = STORE_WRITE};
    Store *store;
    Run run = {0};
    TRY(store_open(uri, &with, &store));
    Status status = store_get_run(store, run_id, &run);
    if (status == STATUS_OK) {
        status = set_note(store, &run, text);
    }
    run_free(&run);
    if (status == STATUS_OK) {
        status = store_get_run(store, run_id, &run);
    }
    if (status == STATUS_OK && invocation->json) {
        print_note(&run, true);
    } else if (status == STATUS_OK) {
        printf("%s %s\n", run_id, *text ? "noted" : "has no note");
    }
    run_free(&run);
    store_close(store);
    return status;
}

/* The store is closed while the editor is open. */
static Status run(const Invocation *invocation)
{
    Store *store;
    Run found = {0};
    char *text = NULL;
    TRY(store_open(options.uri, NULL, &store));
    Status status = run_reference_find(store, invocation->args[0], &found);
    store_close(store);
    if (status == STATUS_OK) {
        status = new_text(invocation, &found, &text);
    }
    if (status == STATUS_OK && text) {
        status = change(invocation, found.run_id, options.uri, text);
    } else if (status == STATUS_OK) {
        print_note(&found, invocation->json);
    }
    free(text);
    run_free(&found);
    return status;
}

static const Example EXAMPLES[] = {
    {"muster runs note last \"the first with pieces\"", "sets it"},
    {"muster runs note last", "opens $EDITOR on a terminal, prints the note elsewhere"},
    {"muster runs note last - <notes.md", "from a file"},
};

const Command command_runs_note = {
    .name = "note",
    .summary = "shows or changes the note of a run",
    .usage = "runs note RUN [TEXT|-] [options]",
    .details =
        RUN_REFERENCE_HELP "\nThe note is the tag mlflow.note.content, Markdown in "
                           "MLflow's pages. An empty TEXT removes it.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .options = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0], NULL, 0, &options},
    .min_args = 1,
    .max_args = 2,
    .arg = "RUN",
    .run = run,
};
