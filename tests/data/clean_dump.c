/* Cleans the texts on standard input, each ended by byte 3, and prints them the same way,
 * for comparison with another implementation. */
#include "data/clean.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const char *const NAMES[] = {"none", "basic", "punctuation", "madewithml"};
    int how = 0;
    while (argc == 2 && how < 4 && strcmp(argv[1], NAMES[how]) != 0) {
        how++;
    }
    if (argc != 2 || how == 4) {
        return 2;
    }
    StrBuf text = {0}, out = {0};
    for (int c; (c = getchar()) != EOF;) {
        if (c != 3) {
            strbuf_add_char(&text, (char)c);
            continue;
        }
        clean_text((Cleaning)how, (Text){text.p, text.n}, &out);
        fwrite(out.p ? out.p : "", 1, out.n, stdout);
        putchar(3);
        strbuf_clear(&text);
    }
    strbuf_free(&text);
    strbuf_free(&out);
    return 0;
}
