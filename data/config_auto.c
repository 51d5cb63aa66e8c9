/* What `auto` stands for in the data section (docs/recipe.md). Whoever changes a rule
 * changes RULES in data/prepared.c, or what was fitted by the old one is found again. */
#include "data/config.h"

#include <stdio.h>
#include <string.h>

/* From so many rows on, pairs of words say what characters would. */
enum { MANY_ROWS = 10000 };

/* Texts that hold so many words on average show enough of them. */
static const double LONG_TEXT = 150;

void data_auto_max_words(const DataFacts *facts, const void *target, AutoChoice *out)
{
    static const AutoStep STEPS[] = {{1000, "48"}, {SIZE_MAX, "64"}};
    (void)target;
    auto_by_rows(facts, STEPS, out);
}

void data_auto_wide(const DataFacts *facts, const void *target, AutoChoice *out)
{
    (void)target;
    bool many = facts->n_train >= MANY_ROWS, lengthy = facts->mean_words >= LONG_TEXT;
    strcpy(out->value, many || lengthy ? "words" : "words_chars");
    if (!many && lengthy) {
        snprintf(out->why, sizeof out->why, "texts of %.0f words", facts->mean_words);
    } else {
        auto_rows_text(facts, out->why);
    }
}

void data_auto_wide_buckets(const DataFacts *facts, const void *target, AutoChoice *out)
{
    (void)facts;
    const DataConfig *config = target;
    bool chars = config->wide == WIDE_WORDS_CHARS;
    strcpy(out->value, chars ? "65536" : "262144");
    snprintf(out->why, sizeof out->why, "data.wide: %s",
             chars                        ? "words_chars"
             : config->wide == WIDE_WORDS ? "words"
                                          : "none");
}
