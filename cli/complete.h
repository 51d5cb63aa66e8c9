/* What the shell's completion offers: words with a line about each. */
#ifndef MUSTER_CLI_COMPLETE_H
#define MUSTER_CLI_COMPLETE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* The offers for one word. Those that do not begin with what was typed are left out. */
typedef struct Offers {
    const char *typed; /* borrowed */
    StrList words, hints;
    bool files;    /* names of files will do, too */
    bool no_space; /* the word goes on: "train.lr=" */
} Offers;

/* `hint` may be NULL. Both are copied, made fit for one line. */
void offer(Offers *offers, const char *word, const char *hint);
void offers_free(Offers *offers);

/* What a store holds; `uri` NULL as store_open has it. A store that is not there, or is
 * locked, offers nothing. */
void offer_runs(Offers *offers, const char *uri); /* names, ids, last, best:EXPERIMENT */
void offer_experiments(Offers *offers, const char *uri);
void offer_metrics(Offers *offers, const char *uri, const char *prefix);
void offer_tags(Offers *offers, const char *uri, const char *run);
void offer_models(Offers *offers, const char *uri); /* registered ones */
void offer_artifacts(Offers *offers, const char *uri, const char *run);

/* "train.lr=", or after the equals sign the values that a key may have. */
void offer_config(Offers *offers);

#endif
