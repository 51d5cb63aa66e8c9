/* Presets and lists of steps, from the config and from a checkpoint. */
#include "data/cleaner.h"

#include "base/files.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/clean_steps.h"
#include "data/lexicon.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 32, STOP_FILE_LIMIT = 16 << 20 };

/* Part of the digest: to be raised when a step comes to do something else. */
static const char STEPS_VERSION[] = "muster cleaning 1";

static const char *const PRESETS[] = {"none", "basic", "punctuation", "madewithml"};
enum { N_PRESETS = sizeof PRESETS / sizeof PRESETS[0] };

static const struct {
    const char *name;
    void (*run)(Text text, StrBuf *out); /* NULL: stop words */
} STEPS[] = {
    {"lowercase", clean_step_lowercase},
    {"strip_accents", clean_step_strip_accents},
    {"stopwords", NULL},
    {"urls", clean_step_urls},
    {"emails", clean_step_emails},
    {"numbers", clean_step_numbers},
    {"html", clean_step_html},
    {"punctuation", clean_step_punctuation},
    {"whitespace", clean_step_whitespace},
    {"nfc", clean_step_nfc},
    {"nfkc", clean_step_nfkc},
};
enum { N_STEPS = sizeof STEPS / sizeof STEPS[0] };

typedef struct Step {
    size_t which;  /* of STEPS */
    Lexicon words; /* of stopwords */
} Step;

struct Cleaner {
    bool is_preset;
    Cleaning preset;
    Step steps[MOST_STEPS];
    size_t n_steps;
};

void cleaner_close(Cleaner *cleaner)
{
    if (!cleaner) {
        return;
    }
    for (size_t i = 0; i < cleaner->n_steps; i++) {
        lexicon_free(&cleaner->steps[i].words);
    }
    free(cleaner);
}

static bool find_preset(const char *name, Cleaning *out)
{
    for (int i = 0; i < N_PRESETS; i++) {
        if (strcmp(name, PRESETS[i]) == 0) {
            *out = (Cleaning)i;
            return true;
        }
    }
    return false;
}

static size_t find_step(const char *name, size_t n)
{
    size_t i = 0;
    while (i < N_STEPS &&
           (strlen(STEPS[i].name) != n || memcmp(name, STEPS[i].name, n) != 0)) {
        i++;
    }
    return i;
}

/* ---- stop words ---- */

static void add_word(Step *step, Text word)
{
    StrBuf lower = {0};
    clean_step_lowercase(word, &lower);
    lexicon_add(&step->words, (Text){lower.p, lower.n});
    strbuf_free(&lower);
}

static Text trimmed(Text line)
{
    const char *comment = memchr(line.p, '#', line.n);
    line.n = comment ? (size_t)(comment - line.p) : line.n;
    while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1])) {
        line.n--;
    }
    while (line.n > 0 && strchr(" \t", line.p[0])) {
        line.p++;
        line.n--;
    }
    return line;
}

static Status read_stop_words(const char *path, Step *step)
{
    StrBuf bytes = {0};
    TRY(file_read(path, STOP_FILE_LIMIT, STATUS_DATA, &bytes));
    Text rest = {bytes.p, bytes.n};
    Status status = STATUS_OK;
    for (size_t line = 1; rest.n > 0 && status == STATUS_OK; line++) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        Text word = trimmed((Text){rest.p, n});
        if (utf8_valid_prefix(word) < word.n || memchr(word.p, '\0', word.n)) {
            status = status_set(STATUS_DATA, "%s:%zu:1: is not UTF-8", path, line);
        } else if (word.n > 0) {
            add_word(step, word);
        }
        n += end != NULL;
        rest.p += n;
        rest.n -= n;
    }
    strbuf_free(&bytes);
    return status;
}

static Status take_stop_words(const char *source, Step *step)
{
    if (strcmp(source, "english") != 0) {
        return read_stop_words(source, step);
    }
    for (size_t i = 0; clean_stop_words[i]; i++) {
        add_word(step, text_of(clean_stop_words[i]));
    }
    return STATUS_OK;
}

/* ---- names ---- */

static Status unknown_step(const char *item, bool alone)
{
    const char *names[N_PRESETS + N_STEPS];
    size_t n = 0;
    for (size_t i = 0; alone && i < N_PRESETS; i++) {
        names[n++] = PRESETS[i];
    }
    for (size_t i = 0; i < N_STEPS; i++) {
        names[n++] = STEPS[i].name;
    }
    Cleaning preset;
    if (!alone && find_preset(item, &preset)) {
        status_set(STATUS_CONFIG, "%s stands for all of cleaning, not for a step of it",
                   item);
        status_hint("give it alone, or name the steps instead");
        return STATUS_CONFIG;
    }
    const char *nearest = text_nearest(item, names, n);
    status_set(STATUS_CONFIG, "unknown cleaning \"%s\"", item);
    if (nearest) {
        status_hint("did you mean %s?", nearest);
    } else {
        status_hint(
            "none, basic, punctuation or madewithml; or a list of steps: lowercase, "
            "strip_accents, stopwords:english, urls, emails, numbers, html, "
            "punctuation, whitespace, nfc, nfkc");
    }
    return STATUS_CONFIG;
}

/* "stopwords:FILE": which step, and what stands behind the colon (NULL: nothing). */
static Status parse_step(const char *item, bool alone, size_t *which, const char **value)
{
    const char *colon = strchr(item, ':');
    *which = find_step(item, colon ? (size_t)(colon - item) : strlen(item));
    *value = colon && colon[1] ? colon + 1 : NULL;
    if (*which == N_STEPS) {
        return unknown_step(item, alone);
    }
    bool takes_value = STEPS[*which].run == NULL;
    if (takes_value && !*value) {
        status_set(STATUS_CONFIG, "stopwords: which ones?");
        status_hint("stopwords: english, or stopwords: FILE with a word a line");
        return STATUS_CONFIG;
    }
    if (!takes_value && colon) {
        return status_set(STATUS_CONFIG, "%s takes no value", STEPS[*which].name);
    }
    return STATUS_OK;
}

/* No item, and "auto", are `basic`. */
static bool is_preset(const StrList *items, Cleaning *preset)
{
    *preset = CLEAN_BASIC;
    return items->n == 0 || (items->n == 1 && (strcmp(items->items[0], "auto") == 0 ||
                                               find_preset(items->items[0], preset)));
}

Status cleaner_check(const StrList *items)
{
    Cleaning preset;
    if (is_preset(items, &preset)) {
        return STATUS_OK;
    }
    if (items->n > MOST_STEPS) {
        return status_set(STATUS_CONFIG, "more than %d steps", MOST_STEPS);
    }
    for (size_t i = 0; i < items->n; i++) {
        size_t which;
        const char *value;
        TRY(parse_step(items->items[i], items->n == 1, &which, &value));
    }
    return STATUS_OK;
}

/* ---- opening ---- */

Status cleaner_open(const StrList *items, Cleaner **out)
{
    TRY(cleaner_check(items));
    Cleaner *cleaner = mem_zalloc(1, sizeof *cleaner);
    cleaner->is_preset = is_preset(items, &cleaner->preset);
    Status status = STATUS_OK;
    for (size_t i = 0; !cleaner->is_preset && i < items->n && status == STATUS_OK; i++) {
        Step *step = &cleaner->steps[cleaner->n_steps++];
        const char *value;
        status = parse_step(items->items[i], false, &step->which, &value);
        if (status == STATUS_OK && value) {
            status = take_stop_words(value, step);
        }
    }
    if (status != STATUS_OK) {
        cleaner_close(cleaner);
        return status;
    }
    *out = cleaner;
    return STATUS_OK;
}

bool cleaner_preset(const Cleaner *cleaner, Cleaning *preset)
{
    *preset = cleaner->preset;
    return cleaner->is_preset;
}

void cleaner_clean(const Cleaner *cleaner, Text text, StrBuf *out)
{
    if (cleaner->is_preset) {
        clean_text(cleaner->preset, text, out);
        return;
    }
    StrBuf buffers[2] = {{0}, {0}};
    for (size_t i = 0; i < cleaner->n_steps; i++) {
        const Step *step = &cleaner->steps[i];
        StrBuf *to = &buffers[i % 2];
        if (STEPS[step->which].run) {
            STEPS[step->which].run(text, to);
        } else {
            clean_step_stopwords(&step->words, text, to);
        }
        text = (Text){to->p, to->n};
    }
    strbuf_clear(out);
    strbuf_add(out, text.p, text.n);
    strbuf_free(&buffers[0]);
    strbuf_free(&buffers[1]);
}

/* ---- describing ---- */

static void write_stop_words(const Lexicon *words, JsonWriter *w)
{
    json_begin_object(w);
    json_write_key(w, "stopwords");
    json_begin_array(w);
    for (uint32_t i = 0; i < words->n; i++) {
        json_write_text(w, lexicon_get(words, i));
    }
    json_end_array(w);
    json_end_object(w);
}

void cleaner_describe(const Cleaner *cleaner, JsonWriter *w)
{
    if (cleaner->is_preset) {
        json_write_string(w, PRESETS[cleaner->preset]);
        return;
    }
    json_begin_array(w);
    for (size_t i = 0; i < cleaner->n_steps; i++) {
        const Step *step = &cleaner->steps[i];
        if (STEPS[step->which].run) {
            json_write_string(w, STEPS[step->which].name);
        } else {
            write_stop_words(&step->words, w);
        }
    }
    json_end_array(w);
}

static Status load_step(const Json *item, const char *where, Step *step)
{
    const char *name = json_string(item);
    const Json *words = json_get(item, "stopwords");
    step->which = find_step(name ? name : "stopwords", name ? strlen(name) : 9);
    bool fits = step->which < N_STEPS &&
                (name ? STEPS[step->which].run != NULL : json_type(words) == JSON_ARRAY);
    for (size_t i = 0; fits && i < json_size(words); i++) {
        fits = json_string(json_at(words, i)) != NULL;
        if (fits) {
            add_word(step, json_text(json_at(words, i)));
        }
    }
    return fits ? STATUS_OK
                : status_set(STATUS_DAMAGED, "%s: \"%s\" is not known", where,
                             name ? name : "");
}

Status cleaner_load(const Json *value, const char *where, Cleaner **out)
{
    Cleaner *cleaner = mem_zalloc(1, sizeof *cleaner);
    const char *name = json_string(value);
    Status status = STATUS_OK;
    cleaner->is_preset = name != NULL;
    if (name && !find_preset(name, &cleaner->preset)) {
        status = status_set(STATUS_DAMAGED, "%s: \"%s\" is not known", where, name);
    } else if (!name && (json_type(value) != JSON_ARRAY || json_size(value) == 0 ||
                         json_size(value) > MOST_STEPS)) {
        status =
            status_set(STATUS_DAMAGED, "%s: expected a name or a list of steps", where);
    }
    for (size_t i = 0; !name && status == STATUS_OK && i < json_size(value); i++) {
        status = load_step(json_at(value, i), where, &cleaner->steps[cleaner->n_steps++]);
    }
    if (status != STATUS_OK) {
        cleaner_close(cleaner);
        return status;
    }
    *out = cleaner;
    return STATUS_OK;
}

void cleaner_digest(const Cleaner *cleaner, char digest[SHA256_HEX])
{
    StrBuf text = {0};
    JsonWriter w = json_writer(&text, 0);
    strbuf_add(&text, STEPS_VERSION, sizeof STEPS_VERSION);
    cleaner_describe(cleaner, &w);
    sha256_bytes(text.p, text.n, digest);
    strbuf_free(&text);
}
