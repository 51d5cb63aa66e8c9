/* Cleaning, with a fast path for ASCII, which most texts are. */
#include "data/clean.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/unicode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* NLTK's English stop words as of version 3.8; the course removes them as whole words. */
const char *const clean_stop_words[] = {
    "i",        "me",        "my",        "myself",   "we",         "our",
    "ours",     "ourselves", "you",       "you're",   "you've",     "you'll",
    "you'd",    "your",      "yours",     "yourself", "yourselves", "he",
    "him",      "his",       "himself",   "she",      "she's",      "her",
    "hers",     "herself",   "it",        "it's",     "its",        "itself",
    "they",     "them",      "their",     "theirs",   "themselves", "what",
    "which",    "who",       "whom",      "this",     "that",       "that'll",
    "these",    "those",     "am",        "is",       "are",        "was",
    "were",     "be",        "been",      "being",    "have",       "has",
    "had",      "having",    "do",        "does",     "did",        "doing",
    "a",        "an",        "the",       "and",      "but",        "if",
    "or",       "because",   "as",        "until",    "while",      "of",
    "at",       "by",        "for",       "with",     "about",      "against",
    "between",  "into",      "through",   "during",   "before",     "after",
    "above",    "below",     "to",        "from",     "up",         "down",
    "in",       "out",       "on",        "off",      "over",       "under",
    "again",    "further",   "then",      "once",     "here",       "there",
    "when",     "where",     "why",       "how",      "all",        "any",
    "both",     "each",      "few",       "more",     "most",       "other",
    "some",     "such",      "no",        "nor",      "not",        "only",
    "own",      "same",      "so",        "than",     "too",        "very",
    "s",        "t",         "can",       "will",     "just",       "don",
    "don't",    "should",    "should've", "now",      "d",          "ll",
    "m",        "o",         "re",        "ve",       "y",          "ain",
    "aren",     "aren't",    "couldn",    "couldn't", "didn",       "didn't",
    "doesn",    "doesn't",   "hadn",      "hadn't",   "hasn",       "hasn't",
    "haven",    "haven't",   "isn",       "isn't",    "ma",         "mightn",
    "mightn't", "mustn",     "mustn't",   "needn",    "needn't",    "shan",
    "shan't",   "shouldn",   "shouldn't", "wasn",     "wasn't",     "weren",
    "weren't",  "won",       "won't",     "wouldn",   "wouldn't",   NULL,
};

static bool is_ascii(Text text)
{
    size_t i = 0;
    for (uint64_t eight; i + 8 <= text.n; i += 8) {
        memcpy(&eight, text.p + i, 8);
        if (eight & 0x8080808080808080u) {
            return false;
        }
    }
    for (; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static CharKind ascii_kind(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return CHAR_LETTER;
    }
    if (c >= '0' && c <= '9') {
        return CHAR_DIGIT;
    }
    return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) ? CHAR_SPACE
                                                                            : CHAR_OTHER;
}

/* Makes room for `n` bytes more and returns where they go. */
static char *reserve(StrBuf *out, size_t n)
{
    out->p = mem_grow(out->p, &out->cap, out->n + n + 1, 1);
    return out->p + out->n;
}

static void clean_basic_ascii(Text text, StrBuf *out)
{
    char *to = reserve(out, text.n);
    size_t n = 0;
    bool space = false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = lower((unsigned char)text.p[i]);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            if (space && n > 0) {
                to[n++] = ' ';
            }
            space = false;
            to[n++] = (char)c;
        } else {
            space = true;
        }
    }
    to[n] = '\0';
    out->n += n;
}

/* One character of a folded text: its kind, and its length in bytes. A byte that is not
 * UTF-8 is a space. */
static CharKind next_char(Text text, size_t at, size_t *n)
{
    unsigned char c = (unsigned char)text.p[at];
    *n = 1;
    if (c < 0x80) {
        return ascii_kind(c);
    }
    uint32_t code;
    size_t length = utf8_decode((Text){text.p + at, text.n - at}, &code);
    if (length == 0) {
        return CHAR_SPACE;
    }
    *n = length;
    return unicode_kind(code);
}

/* Does a character of this kind go on with the word that one of kind `before` is in? */
static bool joins(Cleaning how, CharKind before, CharKind kind)
{
    if (kind == CHAR_MARK) {
        return before == CHAR_LETTER;
    }
    bool word = kind == CHAR_LETTER || kind == CHAR_DIGIT;
    if (how == CLEAN_PUNCTUATION) {
        return word && before == kind;
    }
    return word && (before == CHAR_LETTER || before == CHAR_DIGIT);
}

static bool begins_word(Cleaning how, CharKind kind)
{
    return kind == CHAR_LETTER || kind == CHAR_DIGIT ||
           (how == CLEAN_PUNCTUATION && kind != CHAR_SPACE);
}

/* Words of a folded text. A mark keeps the kind of the letter it belongs to, so that
 * letters may follow it. */
static void split_folded(Cleaning how, Text text, StrBuf *out)
{
    CharKind before = CHAR_SPACE;
    for (size_t at = 0, n; at < text.n; at += n) {
        CharKind kind = next_char(text, at, &n);
        if (joins(how, before, kind)) {
            before = kind == CHAR_MARK ? before : kind;
            strbuf_add(out, text.p + at, n);
        } else if (begins_word(how, kind)) {
            if (out->n > 0) {
                strbuf_add_char(out, ' ');
            }
            before = kind;
            strbuf_add(out, text.p + at, n);
        } else {
            before = CHAR_SPACE;
        }
    }
}

static void lower_ascii(Text text, StrBuf *out)
{
    char *to = reserve(out, text.n);
    for (size_t i = 0; i < text.n; i++) {
        to[i] = (char)lower((unsigned char)text.p[i]);
    }
    to[text.n] = '\0';
    out->n += text.n;
}

static void clean_folded(Cleaning how, Text text, StrBuf *out)
{
    StrBuf folded = {0};
    if (is_ascii(text) || !unicode_fold(text, &folded)) {
        lower_ascii(text, &folded);
    }
    split_folded(how, (Text){folded.p, folded.n}, out);
    strbuf_free(&folded);
}

/* ---- the course's clean_text ---- */

static bool is_stop_word(Text word)
{
    if (word.n > 10) {
        return false;
    }
    for (const char *const *stop = clean_stop_words; *stop; stop++) {
        if ((*stop)[0] == word.p[0] && text_is(word, *stop)) {
            return true;
        }
    }
    return false;
}

/* Python's str.lower, as far as ASCII comes out of it: two characters beyond ASCII have a
 * lower case that begins with an ASCII letter. */
static uint32_t lower_code(uint32_t code)
{
    if (code < 0x80) {
        return lower((unsigned char)code);
    }
    return code == 0x130 ? 'i' : code == 0x212A ? 'k' : code;
}

/* A character of the regular expression class \w. */
static bool is_word_char(uint32_t code)
{
    if (code < 0x80) {
        CharKind kind = ascii_kind((unsigned char)code);
        return kind == CHAR_LETTER || kind == CHAR_DIGIT || code == '_';
    }
    CharKind kind = unicode_kind(code);
    return kind == CHAR_LETTER || kind == CHAR_DIGIT;
}

/* What is collected while a text is gone through: `run` is the run of \w characters at
 * hand, those beyond ASCII and '_' standing as spaces; `out` gets what is kept. */
typedef struct CourseCleaner {
    StrBuf *run, *out;
    bool space; /* a space is due before the next character */
} CourseCleaner;

static void course_end_run(CourseCleaner *cleaner)
{
    Text run = {cleaner->run->p, cleaner->run->n};
    if (run.n > 0 && is_stop_word(run)) {
        cleaner->space = true;
    } else {
        for (size_t i = 0; i < run.n; i++) {
            if (run.p[i] == ' ') {
                cleaner->space = true;
                continue;
            }
            if (cleaner->space && cleaner->out->n > 0) {
                strbuf_add_char(cleaner->out, ' ');
            }
            cleaner->space = false;
            strbuf_add_char(cleaner->out, run.p[i]);
        }
    }
    strbuf_clear(cleaner->run);
}

static void course_add_char(CourseCleaner *cleaner, uint32_t code)
{
    if (!is_word_char(code)) {
        course_end_run(cleaner);
        cleaner->space = true;
    } else {
        strbuf_add_char(cleaner->run, code < 0x80 && code != '_' ? (char)code : ' ');
    }
}

/* re.sub(r"http\S+", "", text): the rest of a word from "http" on goes when at least one
 * character follows it. The spaces around stay, as they do in the course. */
static void remove_links(StrBuf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->n;) {
        if (text->n - i > 4 && memcmp(text->p + i, "http", 4) == 0 &&
            text->p[i + 4] != ' ') {
            while (i < text->n && text->p[i] != ' ') {
                i++;
            }
        } else {
            text->p[n++] = text->p[i++];
        }
    }
    text->n = n;
    if (text->p) {
        text->p[n] = '\0';
    }
}

static void clean_madewithml(Text text, StrBuf *out)
{
    StrBuf run = {0};
    CourseCleaner cleaner = {.run = &run, .out = out};
    for (size_t at = 0; at < text.n;) {
        uint32_t code = ' ';
        size_t n = utf8_decode((Text){text.p + at, text.n - at}, &code);
        at += n ? n : 1;
        course_add_char(&cleaner, lower_code(code));
        if (code == 0x130) {
            course_add_char(&cleaner, 0x307); /* the dot above, which is no \w */
        }
    }
    course_end_run(&cleaner);
    remove_links(out);
    strbuf_free(&run);
}

void clean_text(Cleaning how, Text text, StrBuf *out)
{
    strbuf_clear(out);
    if (how == CLEAN_NONE) {
        strbuf_add(out, text.p, text.n);
    } else if (how == CLEAN_MADEWITHML) {
        clean_madewithml(text, out);
    } else if (how == CLEAN_BASIC && is_ascii(text)) {
        clean_basic_ascii(text, out);
    } else {
        clean_folded(how, text, out);
    }
}

static bool is_break(char c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0D);
}

bool clean_next_word(Text *rest, Text *word)
{
    size_t i = 0;
    while (i < rest->n && is_break(rest->p[i])) {
        i++;
    }
    size_t begin = i;
    while (i < rest->n && !is_break(rest->p[i])) {
        i++;
    }
    *word = (Text){rest->p + begin, i - begin};
    rest->p += i;
    rest->n -= i;
    return word->n > 0;
}
