/* `muster`: finds the command, reads its options, runs it, prints how it ended.
 *
 * A new command is its own file and one line in COMMANDS. */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/standard_streams.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/dispatch.h"
#include "trainer/launch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const Command command_train, command_pretrain, command_lr_find, command_data,
    command_runs, command_artifacts, command_result, command_evaluate, command_predict,
    command_exec, command_reproduce, command_store, command_sync, command_experiments,
    command_models, command_serve, command_doctor, command_completion, command_version,
    command_complete;

static const Command *const COMMANDS[] = {
    &command_train,   &command_pretrain,    &command_lr_find,
    &command_data,    &command_runs,        &command_artifacts,
    &command_result,  &command_evaluate,    &command_predict,
    &command_exec,    &command_reproduce,   &command_store,
    &command_sync,    &command_experiments, &command_models,
    &command_serve,   &command_doctor,      &command_completion,
    &command_version, &command_complete,    NULL,
};

/* The program itself stands at the top of the tree of commands. */
static const Command command_muster = {
    .name = "muster",
    .summary = "trains text classifiers on CPUs, over MPI ranks, and tracks every run",
    .usage = "COMMAND [arguments] [options]",
    .below = COMMANDS,
};

const Command *command_root(void)
{
    return &command_muster;
}

static bool silent;   /* nothing more is printed */
static bool answered; /* stdout has its JSON */

void command_answered(void)
{
    answered = true;
}

void command_silence(void)
{
    silent = true;
}

static const Command *find_below(const Command *command, const char *name)
{
    for (size_t i = 0; command->below && command->below[i]; i++) {
        if (strcmp(command->below[i]->name, name) == 0) {
            return command->below[i];
        }
    }
    return NULL;
}

static Status refuse_unknown(const Command *command, const char *name)
{
    const char *names[32];
    size_t n = 0;
    for (size_t i = 0; command->below[i]; i++) {
        if (!command->below[i]->hidden) {
            CHECK(n < sizeof names / sizeof names[0]);
            names[n++] = command->below[i]->name;
        }
    }
    const char *nearest = text_nearest(name, names, n);
    status_set(STATUS_USAGE, "unknown command %s", name);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint("see muster --help");
    }
    return STATUS_USAGE;
}

/* Follows the words down the tree as far as they name commands; *n_words says how many
 * did. */
static const Command *descend(int argc, char **argv, int *n_words)
{
    const Command *command = &command_muster;
    int i = 0;
    while (i < argc && argv[i][0] != '-') {
        const Command *next = find_below(command, argv[i]);
        if (!next) {
            break;
        }
        command = next;
        i++;
    }
    *n_words = i;
    return command;
}

/* Not a leaf: all it can do is say what stands below. */
static Status run_group(const Command *command, int argc, char **argv)
{
    CommonOptions common = {0};
    OptionTable none = {0};
    const char **args = mem_alloc((size_t)argc, sizeof *args);
    size_t n_args = 0;
    Status status = STATUS_OK;
    if (argc > 0 && argv[0][0] != '-') {
        status = refuse_unknown(command, argv[0]);
    } else {
        status = options_parse(&none, argc, argv, &common, args, &n_args);
    }
    if (status == STATUS_OK && n_args > 0) {
        status = refuse_unknown(command, args[0]);
    }
    free(args);
    if (status != STATUS_OK) {
        return status;
    }
    if (common.help) {
        help_print(command, stdout);
        return STATUS_OK;
    }
    status_set(STATUS_USAGE, "missing command");
    status_hint("see muster --help");
    return STATUS_USAGE;
}

static Status check_args(const Command *command, const char *const *args, size_t n)
{
    if (n < command->min_args) {
        return status_set(STATUS_USAGE, "missing argument %s", command->arg);
    }
    if (n > command->max_args) {
        return status_set(STATUS_USAGE, "unexpected argument %s",
                          args[command->max_args]);
    }
    return STATUS_OK;
}

static Status run_leaf(const Command *command, int argc, char **argv, int skip)
{
    CommonOptions common = {0};
    size_t n_args = 0;
    const char **args = mem_alloc((size_t)argc, sizeof *args);
    Status status = options_parse(&command->options, argc - skip, argv + skip, &common,
                                  args, &n_args);
    if (status == STATUS_OK && common.help) {
        help_print(command, stdout);
    } else if (status == STATUS_OK) {
        status = check_args(command, args, n_args);
        Invocation invocation = {args, n_args, common.json, argc, argv};
        status = status == STATUS_OK ? dispatch_check() : status;
        status = status == STATUS_OK ? command->run(&invocation) : status;
    }
    options_free(&command->options);
    free(args);
    return status;
}

/* `muster help train` is `muster train --help`. */
static Status run_help(const Command **command, int argc, char **argv)
{
    int n_words;
    *command = descend(argc, argv, &n_words);
    if (n_words < argc) {
        return (*command)->below
                   ? refuse_unknown(*command, argv[n_words])
                   : status_set(STATUS_USAGE, "unexpected argument %s", argv[n_words]);
    }
    help_print(*command, stdout);
    return STATUS_OK;
}

/* Leaves the command that was meant in *command, for the line of usage. */
static Status run_command(const Command **command, int argc, char **argv)
{
    *command = &command_muster;
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        return run_help(command, argc - 2, argv + 2);
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        static char version[] = "version";
        argv[1] = version;
    }
    int n_words;
    *command = descend(argc - 1, argv + 1, &n_words);
    int skip = 1 + n_words;
    return (*command)->run ? run_leaf(*command, argc, argv, skip)
                           : run_group(*command, argc - skip, argv + skip);
}

static void print_json_error(Status status)
{
    const char *hint = status_hint_text();
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    json_write_key(&w, "error");
    json_begin_object(&w);
    json_write_key(&w, "code");
    json_write_string(&w, status_name(status));
    json_write_key(&w, "exit_code");
    json_write_int(&w, status);
    json_write_key(&w, "message");
    json_write_string(&w, status_message());
    json_write_key(&w, "hint");
    json_write_string(&w, *hint ? hint : NULL);
    json_end_object(&w);
    json_end_object(&w);
    printf("%s\n", text.p);
    strbuf_free(&text);
}

/* Being stopped is no error; the message says what was kept. */
static void print_status(Status status, const Command *command)
{
    if (status == STATUS_REQUEUE || status == STATUS_INTERRUPTED) {
        log_note("%s", status_message());
        if (*status_hint_text()) {
            log_note("%s", status_hint_text());
        }
        return;
    }
    log_status();
    if (status == STATUS_USAGE) {
        help_print_usage(command, stderr);
    }
}

int main(int argc, char **argv)
{
    launch_attach();
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error to report, not the end */
    standard_streams_open();
    bool json = options_want_json(argc, argv);
    const Command *command = NULL;
    Status status = run_command(&command, argc, argv);
    if (status != STATUS_OK && !silent) {
        print_status(status, command);
        if (json && !answered) {
            print_json_error(status);
        }
    }
    if (standard_streams_close() != STATUS_OK) {
        log_status();
        status = status == STATUS_OK ? STATUS_FAILED : status;
    }
    return (int)status;
}
