/* Attributes by name, and the order of a search, over what is in memory. */
#ifndef MUSTER_TRACKER_SEARCH_ORDER_H
#define MUSTER_TRACKER_SEARCH_ORDER_H

#include "tracker/entities.h"
#include "tracker/filter.h"

#include <stdbool.h>
#include <stddef.h>

/* NULL when the run lacks it. Borrowed. */
const char *run_text_attribute(const Run *run, const char *name);
bool run_number_attribute(const Run *run, const char *name, double *out);

/* creation_time, last_update_time */
double experiment_time(const Experiment *experiment, const char *name);

/* By the terms, then newest first, then by id. What lacks a value comes last in either
 * direction, NaN before it. */
void runs_sort(Run *runs, size_t n, const OrderTerms *terms);
void experiments_sort(Experiment *experiments, size_t n, const OrderTerms *terms);

#endif
