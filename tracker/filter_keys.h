/* Keys of the search language, as written: metrics.val_loss, tags."a b", start_time. */
#ifndef MUSTER_TRACKER_FILTER_KEYS_H
#define MUSTER_TRACKER_FILTER_KEYS_H

#include "base/status.h"
#include "tracker/filter.h"
#include "tracker/lexer.h"

/* Reads the key at the lexer's token and moves behind it. The caller frees out->name. */
Status filter_key_parse(Lexer *lexer, FilterSubject subject, FilterKey *out);

#endif
