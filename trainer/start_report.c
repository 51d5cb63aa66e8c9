/* A line for what was taken, one for what was not. */
#include "trainer/start_report.h"

#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>

static char *first_names(const StrList *names)
{
    enum { SHOWN = 4 };
    StrBuf out = {0};
    for (size_t i = 0; i < names->n && i < SHOWN; i++) {
        strbuf_printf(&out, "%s%s", i ? ", " : "", names->items[i]);
    }
    if (names->n > SHOWN) {
        strbuf_printf(&out, " and %zu more", names->n - SHOWN);
    }
    strbuf_add_char(&out, '\0');
    return out.p;
}

void start_report_tell(const char *dir, const InitReport *report)
{
    log_note("%zu tensors from %s", report->n_taken, dir);
    const struct {
        const char *what;
        const StrList *names;
    } lists[] = {{"not there, drawn anew", &report->drawn},
                 {"there, but not used", &report->unused}};
    for (size_t i = 0; i < 2; i++) {
        if (lists[i].names->n > 0) {
            char *names = first_names(lists[i].names);
            log_note("%s: %s", lists[i].what, names);
            free(names);
        }
    }
}
