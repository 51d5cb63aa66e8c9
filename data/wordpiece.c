/* Longest match first, over a hash table of all tokens. The hashes of all prefixes of
 * what is left of a word come from one pass, since FNV-1a takes a byte at a time; then
 * the longest is looked up, and shorter ones, until one is there. */
#include "data/wordpiece.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

typedef struct Slot {
    uint64_t hash; /* FNV-1a of the token's bytes */
    uint32_t id;   /* PIECE_ABSENT: free */
} Slot;

struct WordPiece {
    char *unk, *prefix;
    WordPieceConfig config; /* points to the two above */
    uint32_t unk_id;
    size_t n;
    char *bytes;     /* all tokens back to back */
    uint32_t *begin; /* [n + 1] */
    Slot *slots;
    size_t mask;
    size_t longest;       /* bytes of the longest token */
    uint64_t prefix_hash; /* the state after the prefix */
};

void wordpiece_close(WordPiece *model)
{
    if (!model) {
        return;
    }
    free(model->unk);
    free(model->prefix);
    free(model->bytes);
    free(model->begin);
    free(model->slots);
    free(model);
}

static uint64_t hash_more(uint64_t hash, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * FNV_PRIME;
    }
    return hash;
}

/* FNV's low bits alone are weak. */
static size_t slot_of(const WordPiece *model, uint64_t hash)
{
    return (size_t)(hash ^ hash >> 29) & model->mask;
}

Text wordpiece_token(const WordPiece *model, uint32_t id)
{
    return (Text){model->bytes + model->begin[id],
                  model->begin[id + 1] - model->begin[id]};
}

/* Is token `id` the prefix (unless `prefix` is empty) and then these bytes? */
static bool is_token(const WordPiece *model, uint32_t id, Text prefix, Text bytes)
{
    Text token = wordpiece_token(model, id);
    return token.n == prefix.n + bytes.n && memcmp(token.p, prefix.p, prefix.n) == 0 &&
           memcmp(token.p + prefix.n, bytes.p, bytes.n) == 0;
}

static uint32_t find(const WordPiece *model, uint64_t hash, Text prefix, Text bytes)
{
    for (size_t at = slot_of(model, hash);; at = (at + 1) & model->mask) {
        const Slot *slot = &model->slots[at];
        if (slot->id == PIECE_ABSENT) {
            return PIECE_ABSENT;
        }
        if (slot->hash == hash && is_token(model, slot->id, prefix, bytes)) {
            return slot->id;
        }
    }
}

uint32_t wordpiece_find(const WordPiece *model, Text token)
{
    return find(model, hash_more(FNV_START, token.p, token.n), TEXT(""), token);
}

/* ---- opening ---- */

static void copy_tokens(WordPiece *model, const StrList *vocab)
{
    size_t total = 0;
    for (size_t i = 0; i < vocab->n; i++) {
        total += strlen(vocab->items[i]);
    }
    CHECK(total < UINT32_MAX);
    model->n = vocab->n;
    model->bytes = mem_alloc(total + 1, 1);
    model->begin = mem_zalloc(vocab->n + 1, sizeof *model->begin);
    for (size_t i = 0; i < vocab->n; i++) {
        size_t n = strlen(vocab->items[i]);
        memcpy(model->bytes + model->begin[i], vocab->items[i], n);
        model->begin[i + 1] = model->begin[i] + (uint32_t)n;
        model->longest = n > model->longest ? n : model->longest;
    }
}

static Status index_tokens(WordPiece *model)
{
    size_t size = 64;
    while (size < 4 * model->n) {
        size *= 2;
    }
    model->mask = size - 1;
    model->slots = mem_alloc(size, sizeof *model->slots);
    for (size_t i = 0; i < size; i++) {
        model->slots[i] = (Slot){0, PIECE_ABSENT};
    }
    for (uint32_t id = 0; id < model->n; id++) {
        Text token = wordpiece_token(model, id);
        uint32_t other = wordpiece_find(model, token);
        if (other != PIECE_ABSENT) {
            return status_set(STATUS_DAMAGED,
                              "token \"%.*s\" stands there twice, as %u and as %u",
                              (int)token.n, token.p, other, id);
        }
        uint64_t hash = hash_more(FNV_START, token.p, token.n);
        size_t at = slot_of(model, hash);
        while (model->slots[at].id != PIECE_ABSENT) {
            at = (at + 1) & model->mask;
        }
        model->slots[at] = (Slot){hash, id};
    }
    return STATUS_OK;
}

Status wordpiece_open(const StrList *vocab, const WordPieceConfig *config,
                      WordPiece **out)
{
    WordPiece *model = mem_zalloc(1, sizeof *model);
    model->unk = mem_strdup(config->unk);
    model->prefix = mem_strdup(config->prefix);
    model->config = (WordPieceConfig){model->unk, model->prefix, config->max_word_chars};
    model->prefix_hash = hash_more(FNV_START, config->prefix, strlen(config->prefix));
    copy_tokens(model, vocab);
    Status status = index_tokens(model);
    if (status == STATUS_OK) {
        model->unk_id = wordpiece_find(model, text_of(config->unk));
        if (model->unk_id == PIECE_ABSENT) {
            status = status_set(STATUS_DAMAGED, "the unknown token \"%s\" is missing",
                                config->unk);
        }
    }
    if (status != STATUS_OK) {
        wordpiece_close(model);
        return status;
    }
    *out = model;
    return STATUS_OK;
}

size_t wordpiece_size(const WordPiece *model)
{
    return model->n;
}

const WordPieceConfig *wordpiece_config(const WordPiece *model)
{
    return &model->config;
}

uint32_t wordpiece_unk(const WordPiece *model)
{
    return model->unk_id;
}

/* ---- cutting ---- */

/* Prefix hashes of words up to this many bytes lie on the stack. */
enum { SHORT_WORD = 256 };

static bool is_boundary(Text word, size_t at)
{
    return at == word.n || ((unsigned char)word.p[at] & 0xC0) != 0x80;
}

/* The longest piece of the word from `start` on; *end is where it ends. */
static uint32_t longest_piece(const WordPiece *model, Text word, size_t start,
                              uint64_t *hashes, size_t *end)
{
    Text prefix = start > 0 ? text_of(model->prefix) : TEXT("");
    size_t most = word.n - start;
    size_t longest = model->longest > prefix.n ? model->longest - prefix.n : 0;
    most = most < longest ? most : longest;
    uint64_t hash = start > 0 ? model->prefix_hash : FNV_START;
    for (size_t i = 0; i < most; i++) {
        hash = (hash ^ (unsigned char)word.p[start + i]) * FNV_PRIME;
        hashes[i] = hash;
    }
    for (size_t n = most; n > 0; n--) {
        if (!is_boundary(word, start + n)) {
            continue;
        }
        uint32_t id = find(model, hashes[n - 1], prefix, (Text){word.p + start, n});
        if (id != PIECE_ABSENT) {
            *end = start + n;
            return id;
        }
    }
    return PIECE_ABSENT;
}

static size_t cut(const WordPiece *model, Text word, uint64_t *hashes, uint32_t *ids,
                  uint32_t *ends)
{
    size_t n = 0;
    for (size_t start = 0, end; start < word.n; start = end) {
        uint32_t id = longest_piece(model, word, start, hashes, &end);
        if (id == PIECE_ABSENT) {
            return 0;
        }
        ids[n] = id;
        ends[n++] = (uint32_t)end;
    }
    return n;
}

size_t wordpiece_split(const WordPiece *model, Text word, uint32_t *ids, uint32_t *ends)
{
    if (word.n == 0) {
        return 0;
    }
    size_t n = 0;
    if (word.n <= model->config.max_word_chars ||
        utf8_count(word) <= model->config.max_word_chars) {
        uint64_t few[SHORT_WORD];
        uint64_t *hashes = word.n <= SHORT_WORD ? few : mem_alloc(word.n, sizeof *hashes);
        n = cut(model, word, hashes, ids, ends);
        if (hashes != few) {
            free(hashes);
        }
    }
    if (n == 0) {
        ids[0] = model->unk_id;
        ends[0] = (uint32_t)word.n;
        n = 1;
    }
    return n;
}
