/* Values that the size of the data decides: a field with a rule may be `auto`, and waits
 * for the training rows. Until then its struct holds AUTO_INT, AUTO_DOUBLE or
 * AUTO_CHOICE. */
#ifndef MUSTER_BASE_CONFIG_AUTO_H
#define MUSTER_BASE_CONFIG_AUTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of the rows before anything is fitted on them. */
typedef struct DataFacts {
    size_t n_train; /* rows of the training split */
    size_t n_classes;
    double mean_words; /* of a text */
} DataFacts;

typedef struct AutoChoice {
    char value[32]; /* as it would be written in YAML */
    char why[96];   /* "22,265 training rows" */
} AutoChoice;

/* `target` is the section's struct; the fields before this one have their values. */
typedef void AutoRule(const DataFacts *facts, const void *target, AutoChoice *out);

#define AUTO_INT INT64_MIN
enum { AUTO_CHOICE = -1 };
#define AUTO_DOUBLE ((double)NAN)

/* One line of a rule by rows: for so many training rows at most. */
typedef struct AutoStep {
    size_t up_to; /* SIZE_MAX in the last line */
    const char *value;
} AutoStep;

/* For rules: the first line that holds, because of the rows. */
void auto_by_rows(const DataFacts *facts, const AutoStep *steps, AutoChoice *out);

/* "22,265 training rows" */
void auto_rows_text(const DataFacts *facts, char out[96]);

#endif
