/* The steps that cleaning can be made of, each from a text to a text. Bytes that are not
 * UTF-8 go through as they are, but for the normal forms, which leave such a text alone.
 */
#ifndef MUSTER_DATA_CLEAN_STEPS_H
#define MUSTER_DATA_CLEAN_STEPS_H

#include "base/text.h"
#include "data/lexicon.h"

/* Each replaces the contents of `out`.
 *
 * lowercase      every character by itself, as Unicode's simple mapping has it
 * strip_accents  decomposed, without accents, composed again (NFC)
 * nfc, nfkc      the normal forms
 * urls           http://, https:// and www. go, to the next white space; a space stays
 * emails         addresses go; a space stays
 * numbers        ASCII digits, with . or , between them, go unless a letter or digit
 *                stands beside them; a space stays
 * html           tags and comments become a space; &amp; &lt; &gt; &quot; &apos; &nbsp;
 * and numbered entities become their characters punctuation    what is no letter, mark,
 * number or white space becomes a space whitespace     runs of white space become one
 * space, at the ends none */
void clean_step_lowercase(Text text, StrBuf *out);
void clean_step_strip_accents(Text text, StrBuf *out);
void clean_step_nfc(Text text, StrBuf *out);
void clean_step_nfkc(Text text, StrBuf *out);
void clean_step_urls(Text text, StrBuf *out);
void clean_step_emails(Text text, StrBuf *out);
void clean_step_numbers(Text text, StrBuf *out);
void clean_step_html(Text text, StrBuf *out);
void clean_step_punctuation(Text text, StrBuf *out);
void clean_step_whitespace(Text text, StrBuf *out);

/* Words that stand in `words`, in lower case there, go; what surrounds them stays. A word
 * is a run of letters, marks, numbers and '_', with apostrophes inside. */
void clean_step_stopwords(const Lexicon *words, Text text, StrBuf *out);

#endif
