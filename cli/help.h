/* Help pages, printed from the tables that parse. */
#ifndef MUSTER_CLI_HELP_H
#define MUSTER_CLI_HELP_H

#include "cli/command.h"

#include <stdio.h>

/* The whole page of a command or a group of commands. */
void help_print(const Command *command, FILE *out);

/* "  usage: muster train CONFIG ..." */
void help_print_usage(const Command *command, FILE *out);

#endif
