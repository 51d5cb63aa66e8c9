/* Runs as rows: a table for people or CSV for programs. */
#ifndef MUSTER_CLI_RUN_TABLE_H
#define MUSTER_CLI_RUN_TABLE_H

#include "cli/output.h"
#include "tracker/store.h"

/* All borrowed. */
typedef struct RunTable {
    Store *store; /* asked for the histories of sparklines alone */
    const Experiments *experiments;
    const Runs *runs;
    const StrList *columns;  /* cli/run_columns.h */
    const char *best_column; /* where the first run is marked as the best; NULL = none */
} RunTable;

/* As CSV when the output is that, else as a table. */
Status run_table_print(const RunTable *table, Output *output);

#endif
