/* Prints what the splitter decides for lines of standard input: "counts SHARE n n n ..."
 * and "folds K n n n ..." (classes in the order of their first rows). */
#include "data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static void print(const size_t *counts, size_t n)
{
    for (size_t c = 0; c < n; c++) {
        printf("%zu ", counts[c]);
    }
}

static void dump(const char *what, double number, const size_t *rows, size_t n)
{
    size_t held[MOST];
    uint32_t order[MOST];
    for (uint32_t c = 0; c < MOST; c++) {
        order[c] = c;
    }
    if (strcmp(what, "counts") == 0) {
        split_counts(rows, n, number, held);
        print(held, n);
    } else {
        for (int64_t fold = 0; fold < (int64_t)number; fold++) {
            split_fold_counts(rows, order, n, (int64_t)number, fold, held);
            print(held, n);
        }
    }
    printf("\n");
}

int main(void)
{
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        size_t rows[MOST], n = 0;
        char *what = strtok(line, " \n");
        double number = atof(strtok(NULL, " \n"));
        for (char *word; n < MOST && (word = strtok(NULL, " \n"));) {
            rows[n++] = (size_t)atol(word);
        }
        dump(what, number, rows, n);
    }
    return 0;
}
