/* The commands below `muster data`, a file each. */
#ifndef MUSTER_CLI_DATA_COMMANDS_H
#define MUSTER_CLI_DATA_COMMANDS_H

#include "cli/command.h"

#include <stdint.h>

extern const Command command_data_inspect, command_data_split, command_data_tokenize;

/* "12,345" in `out`. */
void print_count(uint64_t n, char out[32]);

/* "10.0 MB" in `out`. */
void print_bytes(uint64_t n, char out[32]);

#endif
