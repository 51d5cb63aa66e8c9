/* Command-line options by table: the table that parses is the table that prints the help.
 *
 * --name VALUE, --name=VALUE, -n VALUE, --flag; "--" ends the options, and what is no
 * option is an argument wherever it stands. Nothing here prints errors or exits. */
#ifndef MUSTER_CLI_OPTIONS_H
#define MUSTER_CLI_OPTIONS_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum OptionKind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, borrowed from argv or the table */
    OPTION_INT,    /* int64_t: 12, 10k, 1e3, 5GiB */
    OPTION_DOUBLE, /* double */
    OPTION_LIST    /* StrList, owned: every time it is given adds one */
} OptionKind;

typedef struct Option {
    const char *name; /* "order-by", without its dashes */
    char alias;       /* 'n' for -n; 0 = none */
    OptionKind kind;
    size_t offset;     /* offsetof the command's options struct */
    const char *value; /* what the help calls the value: "N", "FILE" */
    double min, max;   /* allowed numbers, both included; both 0 = any */

    /* Not NULL: the value may be left out and is this then ("--resume", "--resume=auto").
     * It is given behind "=" only, unless `optional_next`: then the next argument is
     * taken when it does not begin with '-'. */
    const char *optional;
    bool optional_next;

    const char *help; /* one line */
} Option;

/* Two options that exclude each other, by name. */
typedef struct OptionConflict {
    const char *a, *b;
} OptionConflict;

/* All that one command accepts. */
typedef struct OptionTable {
    const Option *options;
    size_t n_options;
    const OptionConflict *conflicts;
    size_t n_conflicts;
    void *target; /* the command's options struct; holds the defaults */
} OptionTable;

/* Options every command takes. */
typedef struct CommonOptions {
    bool help;
    bool json;
} CommonOptions;

/* Reads argv[0 .. argc-1] (the verb is behind us) into the tables' structs; what is no
 * option goes to `args`, borrowed from argv. STATUS_USAGE on the first mistake, with the
 * nearest known name as hint. */
Status options_parse(const OptionTable *table, int argc, char **argv,
                     CommonOptions *common, const char **args, size_t *n_args);

/* Frees the lists of the target. */
void options_free(const OptionTable *table);

/* Prints the table's options and the common ones, one line each. */
void options_help(const OptionTable *table, FILE *out);

/* Whether --json stands among the options: known before parsing, since a mistake on the
 * command line is reported as JSON too. */
bool options_want_json(int argc, char **argv);

#endif
