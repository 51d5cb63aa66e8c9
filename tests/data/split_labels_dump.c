/* Prints the part of every row that lines of standard input describe: "TEST VAL FOLDS
 * FOLD SHUFFLE CLASSES row row ...", a row being its labels, joined by commas, or "-",
 * and after a colon its group when rows have groups. */
#include "data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1000, MOST_LABELS = 10000, LINE = 1 << 18 };

typedef struct Rows {
    size_t n;
    int32_t labels[MOST_LABELS];
    uint32_t begin[MOST_ROWS + 1], group[MOST_ROWS], n_groups;
    bool grouped;
} Rows;

static void read_row(Rows *rows, char *word)
{
    char *colon = strchr(word, ':'), *rest = NULL;
    if (colon) {
        uint32_t group = (uint32_t)atol(colon + 1);
        *colon = '\0';
        rows->grouped = true;
        rows->group[rows->n] = group;
        rows->n_groups = group >= rows->n_groups ? group + 1 : rows->n_groups;
    }
    uint32_t end = rows->begin[rows->n];
    for (char *label = strtok_r(word, ",", &rest); label && *label != '-';
         label = strtok_r(NULL, ",", &rest)) {
        rows->labels[end++] = (int32_t)atol(label);
    }
    rows->begin[++rows->n] = end;
}

int main(void)
{
    static char line[LINE];
    static Rows rows;
    while (fgets(line, sizeof line, stdin)) {
        char *rest = NULL, *word = strtok_r(line, " \n", &rest);
        double number[6];
        for (size_t i = 0; i < 6; i++, word = strtok_r(NULL, " \n", &rest)) {
            number[i] = atof(word);
        }
        memset(&rows, 0, sizeof rows);
        for (; word; word = strtok_r(NULL, " \n", &rest)) {
            read_row(&rows, word);
        }
        SplitRequest request = {.n_rows = rows.n,
                                .n_classes = (size_t)number[5],
                                .n_groups = rows.n_groups,
                                .labels = {rows.labels, rows.begin},
                                .group_of = rows.grouped ? rows.group : NULL,
                                .test_size = number[0],
                                .val_size = number[1],
                                .folds = (int64_t)number[2],
                                .fold = (int64_t)number[3],
                                .shuffle = number[4] > 0,
                                .seed = 3};
        uint8_t part[MOST_ROWS];
        SplitTooSmall too_small;
        if (!split_make(&request, part, &too_small)) {
            return 1;
        }
        for (size_t i = 0; i < rows.n; i++) {
            putchar('0' + part[i]);
        }
        putchar('\n');
    }
    return 0;
}
