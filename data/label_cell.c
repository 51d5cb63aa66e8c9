/* Cells of labels. */
#include "data/label_cell.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static Text trimmed(Text text)
{
    while (text.n > 0 && is_blank(text.p[0])) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && is_blank(text.p[text.n - 1])) {
        text.n--;
    }
    return text;
}

bool label_cell_next(Text *rest, Text separator, Text *label)
{
    while (rest->n > 0) {
        const char *end = memmem(rest->p, rest->n, separator.p, separator.n);
        size_t n = end ? (size_t)(end - rest->p) : rest->n;
        size_t skip = end ? n + separator.n : n;
        *label = trimmed((Text){rest->p, n});
        rest->p += skip;
        rest->n -= skip;
        if (label->n > 0) {
            return true;
        }
    }
    return false;
}
