/* Labels and class numbers. */
#include "data/labels.h"

#include "base/mem.h"
#include "data/lexicon.h"

#include <stdlib.h>

static int compare_texts(const void *a, const void *b)
{
    return text_compare(*(const Text *)a, *(const Text *)b);
}

void labels_fit(Labels *labels, const Text *all, const uint32_t *index, size_t n)
{
    Lexicon distinct = {0};
    for (size_t i = 0; i < n; i++) {
        lexicon_add(&distinct, all[index ? index[i] : i]);
    }
    Text *sorted = mem_alloc(distinct.n, sizeof *sorted);
    for (size_t i = 0; i < distinct.n; i++) {
        sorted[i] = lexicon_get(&distinct, (uint32_t)i);
    }
    qsort(sorted, distinct.n, sizeof *sorted, compare_texts);
    labels->names = (StrList){0};
    for (size_t i = 0; i < distinct.n; i++) {
        strlist_add_take(&labels->names, mem_strndup(sorted[i].p, sorted[i].n));
    }
    free(sorted);
    lexicon_free(&distinct);
}

void labels_free(Labels *labels)
{
    strlist_free(&labels->names);
}

int32_t labels_find(const Labels *labels, Text label)
{
    size_t low = 0, high = labels->names.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(label, text_of(labels->names.items[middle]));
        if (order == 0) {
            return (int32_t)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}
