/* Few rows want many passes over small batches. */
#include "trainer/config_auto.h"

#include <stdio.h>
#include <string.h>

/* About 10,000 rows of many classes are few rows of each. */
enum { SOME_ROWS = 7500, MANY_ROWS = 15000, MANY_CLASSES = 50 };

void train_auto_epochs(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {
        {1000, "25"}, {SOME_ROWS, "10"}, {MANY_ROWS, "8"}, {SIZE_MAX, "6"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
    bool middle = facts->n_train > SOME_ROWS && facts->n_train <= MANY_ROWS;
    if (middle && facts->n_classes >= MANY_CLASSES) {
        size_t n = strlen(out->why);
        strcpy(out->value, "20");
        snprintf(out->why + n, sizeof out->why - n, ", %zu classes", facts->n_classes);
    }
}

void train_auto_batch_size(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {{1000, "32"}, {SIZE_MAX, "64"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
}

void train_auto_wide_lr(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {{10000, "60"}, {SIZE_MAX, "100"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
}
