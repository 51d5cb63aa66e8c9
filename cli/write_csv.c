/* CSV fields and line ends. */
#include "cli/write_csv.h"

#include <string.h>

void write_csv_field(FILE *out, const char *text, bool first)
{
    if (!first) {
        fputc(',', out);
    }
    if (!text || !strpbrk(text, ",\"\r\n")) {
        fputs(text ? text : "", out);
        return;
    }
    fputc('"', out);
    for (const char *p = text; *p; p++) {
        if (*p == '"') {
            fputc('"', out);
        }
        fputc(*p, out);
    }
    fputc('"', out);
}

void write_csv_end(FILE *out)
{
    fputs("\r\n", out);
}
