/* Cleans the texts on standard input, each ended by byte 3, and prints them the same way,
 * for comparison with another implementation. */
#include "data/cleaner.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    StrList items = {0};
    for (char *item = argc == 2 ? strtok(argv[1], ",") : NULL; item;
         item = strtok(NULL, ",")) {
        strlist_add(&items, item);
    }
    Cleaner *cleaner;
    if (argc != 2 || cleaner_open(&items, &cleaner) != STATUS_OK) {
        return 2;
    }
    StrBuf text = {0}, out = {0};
    for (int c; (c = getchar()) != EOF;) {
        if (c != 3) {
            strbuf_add_char(&text, (char)c);
            continue;
        }
        cleaner_clean(cleaner, (Text){text.p, text.n}, &out);
        fwrite(out.p ? out.p : "", 1, out.n, stdout);
        putchar(3);
        strbuf_clear(&text);
    }
    strbuf_free(&text);
    strbuf_free(&out);
    cleaner_close(cleaner);
    strlist_free(&items);
    return 0;
}
