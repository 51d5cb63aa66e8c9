/* LIKE without recursion: after a mismatch the last % takes one character more. */
#include "tracker/like.h"

#include <ctype.h>
#include <stddef.h>

static const char *next_character(const char *p)
{
    p++;
    while (((unsigned char)*p & 0xc0) == 0x80) {
        p++;
    }
    return p;
}

static bool same(char a, char b, bool fold)
{
    if (!fold || (unsigned char)a >= 0x80 || (unsigned char)b >= 0x80) {
        return a == b;
    }
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

bool text_like(const char *pattern, const char *text, bool fold)
{
    const char *after_percent = NULL, *retry = NULL;
    while (*text) {
        if (*pattern == '%') {
            after_percent = ++pattern;
            retry = text;
        } else if (*pattern == '_') {
            pattern++;
            text = next_character(text);
        } else if (*pattern && same(*pattern, *text, fold)) {
            pattern++;
            text++;
        } else if (after_percent) {
            pattern = after_percent;
            retry = next_character(retry);
            text = retry;
        } else {
            return false;
        }
    }
    while (*pattern == '%') {
        pattern++;
    }
    return !*pattern;
}
