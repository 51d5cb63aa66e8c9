/* What `data.cleaning` asks for: one of the presets of clean.h, or steps one after the
 * other. */
#ifndef MUSTER_DATA_CLEANER_H
#define MUSTER_DATA_CLEANER_H

#include "base/hash.h"
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "data/clean.h"

#include <stdbool.h>

/* Constant once open: any number of threads may share it. */
typedef struct Cleaner Cleaner;

/* `items` is one preset (none, basic, punctuation, madewithml) or names of steps:
 * lowercase, strip_accents, stopwords:english, stopwords:FILE (a word a line, # begins a
 * comment), urls, emails, numbers, html, punctuation, whitespace, nfc, nfkc. A list of
 * the one item "punctuation" is the preset. STATUS_CONFIG for anything else, with what
 * was probably meant; STATUS_DATA for a file that cannot be read. */
Status cleaner_open(const StrList *items, Cleaner **out);
void cleaner_close(Cleaner *cleaner); /* NULL is fine */

/* Checks the names alone, opening no file. */
Status cleaner_check(const StrList *items);

/* The preset, or false when it is a list of steps. */
bool cleaner_preset(const Cleaner *cleaner, Cleaning *preset);

/* Replaces the contents of `out` by the cleaned text. */
void cleaner_clean(const Cleaner *cleaner, Text text, StrBuf *out);

/* Writes the value that cleaner_load reads: a preset's name or a list of steps, with the
 * stop words themselves. */
void cleaner_describe(const Cleaner *cleaner, JsonWriter *w);

/* STATUS_DAMAGED, "`where`: ...", when the value is not one that cleaner_describe writes.
 */
Status cleaner_load(const Json *value, const char *where, Cleaner **out);

/* Tells two cleaners apart that give different texts. */
void cleaner_digest(const Cleaner *cleaner, char digest[SHA256_HEX]);

#endif
