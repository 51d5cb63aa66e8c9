/* `muster data`: looking at rows before a training, and splitting them for others. */
#include "cli/data_commands.h"

#include <stdio.h>
#include <string.h>

void print_count(uint64_t n, char out[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), to = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[to++] = ',';
        }
        out[to++] = digits[i];
    }
    out[to] = '\0';
}

void print_bytes(uint64_t n, char out[32])
{
    static const char *const UNITS[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof UNITS / sizeof UNITS[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(out, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
}

static const Command *const BELOW[] = {&command_data_inspect, &command_data_split,
                                       &command_data_tokenize, NULL};

const Command command_data = {
    .name = "data",
    .summary = "looks at rows, splits them, shows how a text is tokenized",
    .usage = "data inspect|split|tokenize [options]",
    .below = BELOW,
};
