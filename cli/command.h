/* One subcommand of `muster`: a constant table entry that each file of cli/ defines and
 * main.c lists.
 *
 * A command returns its Status with the message set; main.c prints it, as text or as
 * JSON, and turns it into the exit code. Data goes to stdout, everything else to stderr.
 */
#ifndef MUSTER_CLI_COMMAND_H
#define MUSTER_CLI_COMMAND_H

#include "base/status.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What was typed, options already read into the command's own struct. All borrowed. */
typedef struct Invocation {
    const char *const *args; /* what is no option, in order */
    size_t n_args;
    bool json;
    int argc; /* the whole command line, to start the program again */
    char **argv;
} Invocation;

typedef struct Example {
    const char *command, *what;
} Example;

typedef struct Command {
    const char *name;    /* "train" */
    bool hidden;         /* in no list of commands, and not suggested */
    const char *summary; /* one line for the list of commands */
    const char *usage;   /* behind "muster ": "train CONFIG [section.key=value ...]" */
    const char *details; /* lines below the usage, or NULL */
    const Example *examples;
    size_t n_examples;
    OptionTable options;

    /* How many arguments; max_args 0 means none. `arg` names a missing one: "CONFIG". */
    size_t min_args, max_args;
    const char *arg;

    /* Commands below this one ("runs list"), NULL-terminated; `run` is NULL then. */
    const struct Command *const *below;

    /* Prints what stands behind the options in --help (config sections), or NULL. */
    void (*more_help)(FILE *out);

    Status (*run)(const Invocation *invocation);
} Command;

enum { ANY_ARGS = 1 << 20 };

/* The program itself, at the top of the tree of commands. */
const Command *command_root(void);

/* The JSON already on stdout says how it ended (a report whose checks failed): no error
 * object is added to it. */
void command_answered(void);

/* For a rank other than 0, right after MPI is up: nothing is printed at the end, neither
 * the error nor its JSON form. The exit code stays. */
void command_silence(void);

#endif
