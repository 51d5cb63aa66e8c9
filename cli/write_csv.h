/* CSV on its way out, as RFC 4180 has it. */
#ifndef MUSTER_CLI_WRITE_CSV_H
#define MUSTER_CLI_WRITE_CSV_H

#include <stdbool.h>
#include <stdio.h>

/* One field, quoted where it must be; `first` = no comma before it. NULL is empty. */
void write_csv_field(FILE *out, const char *text, bool first);
void write_csv_end(FILE *out);

#endif
