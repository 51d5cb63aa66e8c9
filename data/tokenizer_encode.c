/* Encoding. ASCII words of up to 16 bytes, nearly all words of most texts, are cut once
 * and kept in a cache by their bytes: a word is then one load, one comparison and the
 * copy of its pieces. Everything else goes the general way, character by character, one
 * piece of text between ASCII spaces and punctuation at a time. */
#include "data/tokenizer.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "data/ascii.h"
#include "data/tokenizer_state.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_BITS = 15, CACHE_SIZE = 1 << CACHE_BITS, CACHED_PIECES = 8 };

/* A word that was cut: one cache line. n is 0 in a free slot. */
typedef struct CachedWord {
    AsciiWord word;
    uint32_t id[CACHED_PIECES];
    uint8_t end[CACHED_PIECES]; /* where the pieces end in the word */
    uint8_t n;
    uint8_t unused[7];
} CachedWord;

struct TokenizerScratch {
    CachedWord *cache; /* [CACHE_SIZE] */
    NormalText normal;
    StrBuf word;      /* a normalised word as bytes */
    uint32_t *places; /* for each byte of it the number of its character */
    uint32_t *ids, *ends;
    size_t places_cap, ids_cap, ends_cap;
    Encoding second; /* of a pair */
};

TokenizerScratch *tokenizer_scratch_open(const Tokenizer *tokenizer)
{
    (void)tokenizer;
    TokenizerScratch *scratch = mem_zalloc(1, sizeof *scratch);
    scratch->cache = mem_zalloc_aligned(CACHE_SIZE, sizeof *scratch->cache);
    return scratch;
}

void tokenizer_scratch_close(TokenizerScratch *scratch)
{
    if (!scratch) {
        return;
    }
    free(scratch->cache);
    normal_text_free(&scratch->normal);
    strbuf_free(&scratch->word);
    free(scratch->places);
    free(scratch->ids);
    free(scratch->ends);
    encoding_free(&scratch->second);
    free(scratch);
}

void encoding_free(Encoding *encoding)
{
    free(encoding->tokens);
    *encoding = (Encoding){0};
}

/* What one text is encoded with. */
typedef struct Encoder {
    const Tokenizer *tokenizer;
    TokenizerScratch *scratch;
    Encoding *out;
    const char *text; /* offset 0 */
} Encoder;

static void reserve(Encoding *out, size_t n)
{
    out->tokens = mem_grow(out->tokens, &out->cap, out->n + n, sizeof *out->tokens);
}

static inline void add_token(Encoding *out, uint32_t id, uint32_t begin, uint32_t end,
                             uint8_t word)
{
    out->tokens[out->n++] = (Token){.id = id, .begin = begin, .end = end, .word = word};
}

/* ---- the general way ---- */

static void make_word_room(TokenizerScratch *scratch, size_t n)
{
    scratch->ids = mem_grow(scratch->ids, &scratch->ids_cap, n + 1, sizeof(uint32_t));
    scratch->ends = mem_grow(scratch->ends, &scratch->ends_cap, n + 1, sizeof(uint32_t));
}

/* The word's bytes, and which character each belongs to. */
static void spell(TokenizerScratch *scratch, const NormalChar *chars, size_t n)
{
    StrBuf *word = &scratch->word;
    word->p = mem_grow(word->p, &word->cap, 4 * n + 1, 1);
    scratch->places = mem_grow(scratch->places, &scratch->places_cap, 4 * n + 1,
                               sizeof *scratch->places);
    word->n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = utf8_encode(chars[i].code, word->p + word->n);
        for (size_t j = 0; j < size; j++) {
            scratch->places[word->n + j] = (uint32_t)i;
        }
        word->n += size;
    }
}

static void add_word(Encoder *encoder, const NormalChar *chars, size_t n)
{
    TokenizerScratch *scratch = encoder->scratch;
    spell(scratch, chars, n);
    make_word_room(scratch, scratch->word.n);
    size_t n_pieces = wordpiece_split(encoder->tokenizer->model,
                                      (Text){scratch->word.p, scratch->word.n},
                                      scratch->ids, scratch->ends);
    reserve(encoder->out, n_pieces);
    size_t from = 0;
    for (size_t i = 0; i < n_pieces; i++) {
        size_t last = scratch->ends[i] - 1;
        add_token(encoder->out, scratch->ids[i], chars[scratch->places[from]].begin,
                  chars[scratch->places[last]].end, i == 0 ? TOKEN_WORD : TOKEN_INNER);
        from = scratch->ends[i];
    }
}

static void add_general(Encoder *encoder, const char *p, const char *end)
{
    NormalText *normal = &encoder->scratch->normal;
    bert_normalize(&encoder->tokenizer->settings.normalizer, (Text){p, (size_t)(end - p)},
                   (uint32_t)(p - encoder->text), normal);
    size_t at = 0, first, n;
    while (bert_next_word(normal, &at, &first, &n)) {
        add_word(encoder, normal->chars + first, n);
    }
}

/* Where what cannot be taken apart ends: the next ASCII space or punctuation. */
static const char *general_end(const char *p, const char *end)
{
    while (p < end) {
        AsciiClass class = ascii_class((unsigned char)*p);
        if (class == ASCII_SPACE || class == ASCII_PUNCT) {
            break;
        }
        p++;
    }
    return p;
}

/* ---- ASCII words ---- */

static inline size_t cache_slot(AsciiWord word)
{
    uint64_t hash = (word.low ^ word.high * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return (size_t)(hash >> (64 - CACHE_BITS));
}

static inline bool same_word(const CachedWord *cached, AsciiWord word)
{
    return cached->word.low == word.low && cached->word.high == word.high;
}

/* Cuts a word that is not in the cache and puts it there, over an older one. */
static const CachedWord *cache_word(Encoder *encoder, AsciiWord word, size_t n,
                                    CachedWord *slot)
{
    TokenizerScratch *scratch = encoder->scratch;
    char bytes[16];
    memcpy(bytes, &word, sizeof bytes);
    make_word_room(scratch, sizeof bytes);
    size_t n_pieces = wordpiece_split(encoder->tokenizer->model, (Text){bytes, n},
                                      scratch->ids, scratch->ends);
    if (n_pieces > CACHED_PIECES) {
        return NULL;
    }
    slot->word = word;
    slot->n = (uint8_t)n_pieces;
    for (size_t i = 0; i < n_pieces; i++) {
        slot->id[i] = scratch->ids[i];
        slot->end[i] = (uint8_t)scratch->ends[i];
    }
    return slot;
}

static inline const CachedWord *look_up(Encoder *encoder, AsciiWord word, size_t n)
{
    size_t at = cache_slot(word);
    CachedWord *cache = encoder->scratch->cache;
    if (same_word(&cache[at], word)) {
        return &cache[at];
    }
    if (same_word(&cache[at ^ 1], word)) {
        return &cache[at ^ 1];
    }
    /* The newer one stays where it is found first. */
    cache[at ^ 1] = cache[at];
    return cache_word(encoder, word, n, &cache[at]);
}

static inline void add_cached(Encoding *out, const CachedWord *cached, uint32_t begin)
{
    Token *to = out->tokens + out->n;
    uint32_t from = begin;
    for (size_t i = 0; i < cached->n; i++) {
        uint32_t end = begin + cached->end[i];
        to[i] = (Token){.id = cached->id[i], .begin = from, .end = end};
        from = end;
    }
    to[0].word = TOKEN_WORD;
    out->n += cached->n;
}

/* Words at the very end of a text: 16 bytes may not be there to be read. */
static size_t last_word(const char *p, const char *end, bool lower, AsciiWord *word)
{
    char bytes[16] = {0};
    size_t left = (size_t)(end - p);
    memcpy(bytes, p, left < sizeof bytes ? left : sizeof bytes);
    return ascii_word(bytes, lower, word);
}

/* The word, or what it is the start of, from p on. Returns where it ends. */
static inline const char *add_ascii_word(Encoder *encoder, const char *p, const char *end)
{
    bool lower = encoder->tokenizer->settings.normalizer.lowercase;
    AsciiWord word;
    size_t n =
        end - p >= 16 ? ascii_word(p, lower, &word) : last_word(p, end, lower, &word);
    const char *behind = p + n;
    AsciiClass class = behind < end ? ascii_class((unsigned char)*behind) : ASCII_SPACE;
    if (class == ASCII_SPACE || class == ASCII_PUNCT) {
        const CachedWord *cached = look_up(encoder, word, n);
        if (cached) {
            add_cached(encoder->out, cached, (uint32_t)(p - encoder->text));
            return behind;
        }
    }
    behind = general_end(behind, end);
    add_general(encoder, p, behind);
    return behind;
}

static void add_segment(Encoder *encoder, const char *p, const char *end)
{
    const uint32_t *punctuation = encoder->tokenizer->punctuation;
    while (p < end) {
        /* A byte gives one token at most, but for decomposed characters, which make room
         * for themselves. */
        reserve(encoder->out, (size_t)(end - p));
        const char *stop = end;
        while (p < stop) {
            AsciiClass class = ascii_class((unsigned char)*p);
            if (class == ASCII_WORD) {
                p = add_ascii_word(encoder, p, end);
            } else if (class == ASCII_SPACE) {
                p++;
            } else if (class == ASCII_PUNCT) {
                uint32_t at = (uint32_t)(p - encoder->text);
                add_token(encoder->out, punctuation[(unsigned char)*p], at, at + 1,
                          TOKEN_WORD);
                p++;
            } else {
                const char *behind = general_end(p, end);
                add_general(encoder, p, behind);
                p = behind;
                break;
            }
            if (encoder->out->n + (size_t)(end - p) > encoder->out->cap) {
                break;
            }
        }
    }
}

static void add_text(const Tokenizer *tokenizer, TokenizerScratch *scratch, Text text,
                     Encoding *out)
{
    Encoder encoder = {tokenizer, scratch, out, text.p};
    size_t from = 0, at = 0;
    const AddedToken *token;
    out->n = 0;
    while ((token = added_token_find(tokenizer, text, from, &at))) {
        size_t n = strlen(token->content);
        add_segment(&encoder, text.p + from, text.p + at);
        reserve(out, 1);
        add_token(out, token->id, (uint32_t)at, (uint32_t)(at + n), TOKEN_ADDED);
        from = at + n;
    }
    add_segment(&encoder, text.p + from, text.p + text.n);
}

/* ---- truncation and template ---- */

static void cut(const Tokenizer *tokenizer, Encoding *encoding, size_t n)
{
    if (n >= encoding->n) {
        return;
    }
    if (tokenizer->settings.truncate_left) {
        memmove(encoding->tokens, encoding->tokens + (encoding->n - n),
                n * sizeof *encoding->tokens);
    }
    encoding->n = n;
}

/* How many tokens the library has of a text when it compares it with the other of a pair:
 * it stops encoding behind the word that reaches the limit, so of long texts it knows no
 * more than that. Added tokens count, but do not end it. */
static size_t tokens_known(const Encoding *encoding, size_t limit, bool from_left)
{
    const Token *tokens = encoding->tokens;
    for (size_t n = limit; n < encoding->n; n++) {
        const Token *last = from_left ? &tokens[n - 1] : &tokens[encoding->n - n];
        bool whole =
            from_left ? tokens[n].word != TOKEN_INNER : last->word != TOKEN_INNER;
        if (whole && last->word != TOKEN_ADDED) {
            return n;
        }
    }
    return encoding->n;
}

/* Both become about as long, as the library shares the room out. */
static void cut_longest(const Tokenizer *tokenizer, Encoding *first, Encoding *second,
                        size_t room, size_t limit)
{
    bool from_left = !tokenizer->settings.truncate_left;
    size_t n_first = tokens_known(first, limit, from_left);
    size_t n_second = tokens_known(second, limit, from_left);
    bool swapped = n_first > n_second;
    size_t shorter = swapped ? n_second : n_first;
    size_t longer = shorter <= room ? room - shorter : 0;
    if (shorter > longer) {
        shorter = room / 2;
        longer = shorter + room % 2;
    }
    cut(tokenizer, first, swapped ? longer : shorter);
    cut(tokenizer, second, swapped ? shorter : longer);
}

static Status too_short(const char *which, size_t room)
{
    status_set(STATUS_DATA,
               "the %s text is too short to bring the pair down to %zu tokens", which,
               room);
    status_hint("truncate with longest_first, or allow more tokens");
    return STATUS_DATA;
}

/* `limit` tokens in all, `room` of them for the texts. */
static Status truncate_texts(const Tokenizer *tokenizer, size_t room, size_t limit,
                             Encoding *first, Encoding *second)
{
    size_t total = first->n + (second ? second->n : 0);
    Truncation how = tokenizer->settings.truncation;
    if (total <= room) {
        return STATUS_OK;
    }
    if (room == 0) {
        first->n = 0;
        if (second) {
            second->n = 0;
        }
        return STATUS_OK;
    }
    if (how == TRUNCATE_LONGEST_FIRST) {
        if (second) {
            cut_longest(tokenizer, first, second, room, limit);
        } else {
            cut(tokenizer, first, room);
        }
        return STATUS_OK;
    }
    Encoding *target = how == TRUNCATE_ONLY_FIRST ? first : second;
    const char *which = how == TRUNCATE_ONLY_FIRST ? "first" : "second";
    if (!target || target->n <= total - room) {
        return too_short(which, room);
    }
    cut(tokenizer, target, target->n - (total - room));
    return STATUS_OK;
}

static void place_text(Token *to, const Encoding *from, int text, uint8_t type_id)
{
    for (size_t i = 0; i < from->n; i++) {
        to[i] = from->tokens[i];
        to[i].text = (uint8_t)text;
        to[i].type_id = type_id;
    }
}

/* [CLS] A [SEP]: in place, moved behind what comes before it. */
static void apply_single(const Template *template, Encoding *out)
{
    size_t n = out->n, before = 0, i = 0;
    reserve(out, template->n);
    while (template->parts[before].text < 0) {
        before++;
    }
    memmove(out->tokens + before, out->tokens, n * sizeof *out->tokens);
    for (; i < template->n; i++) {
        const TemplatePart *part = &template->parts[i];
        if (part->text < 0) {
            out->tokens[i < before ? i : n + i - 1] = (Token){
                .id = part->id, .type_id = part->type_id, .text = 2, .special = 1};
        } else if (part->type_id != 0) {
            for (size_t j = 0; j < n; j++) {
                out->tokens[before + j].type_id = part->type_id;
            }
        }
    }
    out->n = n + template->n - 1;
}

static void apply_pair(const Template *template, Encoding *first, Encoding *second,
                       Encoding *out)
{
    size_t n = 0;
    Token *all = mem_alloc(first->n + second->n + template->n, sizeof *all);
    for (size_t i = 0; i < template->n; i++) {
        const TemplatePart *part = &template->parts[i];
        if (part->text < 0) {
            all[n++] = (Token){
                .id = part->id, .type_id = part->type_id, .text = 2, .special = 1};
        } else {
            const Encoding *from = part->text == 0 ? first : second;
            place_text(all + n, from, part->text, part->type_id);
            n += from->n;
        }
    }
    reserve(out, n > out->n ? n - out->n : 0);
    memcpy(out->tokens, all, n * sizeof *all);
    out->n = n;
    free(all);
}

/* Texts one behind the other, without anything between. */
static const Template BARE_PAIR = {.parts = {{0, 0, 0}, {1, 0, 1}}, .n = 2};

Status tokenizer_encode(const Tokenizer *tokenizer, TokenizerScratch *scratch, Text text,
                        const Text *second, const EncodeOptions *options, Encoding *out)
{
    if (text.n >= UINT32_MAX || (second && second->n >= UINT32_MAX)) {
        return status_set(STATUS_DATA, "a text of 4 GB or more cannot be encoded");
    }
    const TokenizerSettings *settings = &tokenizer->settings;
    Encoding *other = second ? &scratch->second : NULL;
    add_text(tokenizer, scratch, text, out);
    if (second) {
        add_text(tokenizer, scratch, *second, other);
    }
    size_t added = !options->special_tokens ? 0
                   : second                 ? tokenizer->n_pair
                                            : tokenizer->n_single;
    size_t most = options->max_length ? options->max_length : settings->max_length;
    if (most > 0) {
        TRY(truncate_texts(tokenizer, most > added ? most - added : 0, most, out, other));
    }
    if (second) {
        bool bare = !options->special_tokens || settings->pair.n == 0;
        apply_pair(bare ? &BARE_PAIR : &settings->pair, out, other, out);
    } else if (options->special_tokens && settings->single.n > 0) {
        apply_single(&settings->single, out);
    }
    return STATUS_OK;
}
