/* Which columns tell runs apart, for lists and comparisons. */
#ifndef MUSTER_CLI_RUN_CHOICE_H
#define MUSTER_CLI_RUN_CHOICE_H

#include "tracker/store.h"

/* Every key that any of the runs has, sorted by bytes, without repeats. */
void run_param_keys(const Runs *runs, StrList *out);
void run_metric_keys(const Runs *runs, StrList *out);

/* Whether runs have different values there, or some of them none. A run of an older
 * program lacks params that came later: `by_value` compares those alone that have it. */
bool run_param_differs(const Runs *runs, const char *key, bool by_value);
bool run_metric_differs(const Runs *runs, const char *key);

#endif
