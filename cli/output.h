/* Where a command's data goes: JSON, CSV or a table fitted to the terminal, a page at a
 * time when it is longer than the screen.
 *
 *     static struct { OutputOptions output; ... } options;
 *     static const Option OPTIONS[] = {..., OUTPUT_OPTIONS(offsetof(..., output))};
 *
 *     Output output;
 *     TRY(output_open(&options.output, invocation->json, &output));
 *     ... output_table(&output, table) or output_csv_row() or output_json() ...
 *     output_close(&output);
 *
 * On a terminal what is printed is gathered and shown by $PAGER (less -FRX) if it is
 * longer than the screen; elsewhere it is written at once, without colours and cuts. */
#ifndef MUSTER_CLI_OUTPUT_H
#define MUSTER_CLI_OUTPUT_H

#include "base/status.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct OutputOptions {
    bool csv, no_pager;
} OutputOptions;

/* The entries of a list's table of options, `at` being the offset of its OutputOptions.
 */
#define OUTPUT_OPTIONS(at)                                                               \
    {.name = "csv",                                                                      \
     .kind = OPTION_FLAG,                                                                \
     .offset = (at) + offsetof(OutputOptions, csv),                                      \
     .help = "comma-separated values, exact and complete"},                              \
        NO_PAGER_OPTION(at)

/* The same for what has no CSV form. */
#define NO_PAGER_OPTION(at)                                                              \
    {                                                                                    \
        .name = "no-pager", .kind = OPTION_FLAG,                                         \
        .offset = (at) + offsetof(OutputOptions, no_pager),                              \
        .help = "never through $PAGER, however long it is"                               \
    }

/* Every command that asks a run store has it. */
#define TRACKING_URI_OPTION(at)                                                          \
    {                                                                                    \
        .name = "tracking-uri", .kind = OPTION_TEXT, .offset = (at), .value = "URI",     \
        .help = "the run store (MLFLOW_TRACKING_URI, or sqlite:///muster.db)"            \
    }

typedef struct Output {
    FILE *out;    /* print here */
    size_t width; /* columns of the terminal; 0 = no limit */
    bool colour;
    bool json, csv;

    /* of output.c alone */
    char *gathered;
    size_t n_gathered;
    bool paged;
} Output;

/* --json and --csv together are STATUS_USAGE. `options` NULL = none given. */
Status output_open(const OutputOptions *options, bool json, Output *out);

/* Shows what was gathered, and waits for the pager. */
void output_close(Output *output);

/* A table in the output's width and colours, followed on a terminal by a note when
 * columns did not fit. */
void output_table(Output *output, Table *table);

/* A line of CSV; NULL is an empty field. A terminal gets the fields as output_text. */
void output_csv_row(Output *output, const char *const *fields, size_t n);

/* A JSON text and a line feed. */
void output_json(Output *output, const StrBuf *json);

/* A value that anybody may have written into the store, so that it cannot steer the
 * terminal (utf8_printable). */
void output_text(Output *output, const char *text);

#endif
