/* What --help prints. */
#include "cli/help.h"

#include <string.h>

enum { NAME_WIDTH = 11 };

void help_print_usage(const Command *command, FILE *out)
{
    fprintf(out, "  usage: muster %s\n", command->usage);
}

static void print_below(const Command *command, FILE *out)
{
    fputs("\ncommands:\n", out);
    for (size_t i = 0; command->below[i]; i++) {
        if (!command->below[i]->hidden) {
            fprintf(out, "  %-*s  %s\n", NAME_WIDTH, command->below[i]->name,
                    command->below[i]->summary);
        }
    }
    fputs("\nmuster help COMMAND tells more.\n", out);
}

static void print_examples(const Command *command, FILE *out)
{
    fputs("\nexamples:\n", out);
    for (size_t i = 0; i < command->n_examples; i++) {
        fprintf(out, "  %s\n      %s\n", command->examples[i].command,
                command->examples[i].what);
    }
}

void help_print(const Command *command, FILE *out)
{
    bool top = strcmp(command->name, "muster") == 0;
    fprintf(out, "%s%s: %s\n\n", top ? "" : "muster ", command->name, command->summary);
    fprintf(out, "usage: muster %s\n", command->usage);
    if (command->details) {
        fprintf(out, "\n%s\n", command->details);
    }
    if (command->below) {
        print_below(command, out);
        return;
    }
    fputs("\noptions:\n", out);
    options_help(&command->options, out);
    if (command->n_examples > 0) {
        print_examples(command, out);
    }
    if (command->more_help) {
        fputc('\n', out);
        command->more_help(out);
    }
}
