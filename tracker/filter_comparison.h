/* One comparison of a filter: a key, an operator, and what they leave to the value. */
#ifndef MUSTER_TRACKER_FILTER_COMPARISON_H
#define MUSTER_TRACKER_FILTER_COMPARISON_H

#include "base/status.h"
#include "tracker/filter.h"
#include "tracker/lexer.h"

/* Reads the comparison at the lexer's token and moves behind it. `out` is zeroed before;
 * the caller frees what it holds, after a failure too. */
Status filter_comparison_parse(Lexer *lexer, FilterSubject subject,
                               FilterComparison *out);

#endif
