/* Open addressing with linear probing; at most half of the slots are used. */
#include "data/lexicon.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void lexicon_free(Lexicon *table)
{
    free(table->hash);
    free(table->bytes);
    free(table->begin);
    free(table->slots);
    memset(table, 0, sizeof *table);
}

Text lexicon_get(const Lexicon *table, uint32_t number)
{
    size_t begin = table->begin[number];
    return (Text){table->bytes + begin, table->begin[number + 1] - begin};
}

/* The slot that holds `word`, or the free one where it belongs. */
static size_t find_slot(const Lexicon *table, Text word, uint64_t hash)
{
    size_t at = (size_t)hash & (table->n_slots - 1);
    uint32_t entry;
    while ((entry = table->slots[at])) {
        if (table->hash[entry - 1] == hash &&
            text_equal(lexicon_get(table, entry - 1), word)) {
            break;
        }
        at = (at + 1) & (table->n_slots - 1);
    }
    return at;
}

static void grow_slots(Lexicon *table)
{
    table->n_slots = table->n_slots ? table->n_slots * 2 : 1024;
    free(table->slots);
    table->slots = mem_zalloc(table->n_slots, sizeof *table->slots);
    for (size_t i = 0; i < table->n; i++) {
        size_t at = (size_t)table->hash[i] & (table->n_slots - 1);
        while (table->slots[at]) {
            at = (at + 1) & (table->n_slots - 1);
        }
        table->slots[at] = (uint32_t)i + 1;
    }
}

static void append_word(Lexicon *table, Text word, uint64_t hash)
{
    size_t n = table->n;
    table->hash = mem_grow(table->hash, &table->hash_cap, n + 1, sizeof *table->hash);
    table->begin = mem_grow(table->begin, &table->begin_cap, n + 2, sizeof *table->begin);
    if (n == 0) {
        table->begin[0] = 0;
    }
    size_t begin = table->begin[n];
    table->bytes = mem_grow(table->bytes, &table->bytes_cap, begin + word.n + 1, 1);
    if (word.n > 0) {
        memcpy(table->bytes + begin, word.p, word.n);
    }
    table->begin[n + 1] = begin + word.n;
    table->hash[n] = hash;
    table->n++;
}

uint32_t lexicon_add(Lexicon *table, Text word)
{
    return lexicon_add_hashed(table, word, hash_bytes(0, word.p, word.n));
}

void lexicon_clear(Lexicon *table)
{
    table->n = 0;
    if (table->slots) {
        memset(table->slots, 0, table->n_slots * sizeof *table->slots);
    }
}

uint32_t lexicon_add_hashed(Lexicon *table, Text word, uint64_t hash)
{
    if (2 * (table->n + 1) > table->n_slots) {
        grow_slots(table);
    }
    size_t at = find_slot(table, word, hash);
    if (table->slots[at] == 0) {
        CHECK(table->n < WORD_ABSENT - 1);
        append_word(table, word, hash);
        table->slots[at] = (uint32_t)table->n;
    }
    return table->slots[at] - 1;
}

uint32_t lexicon_find(const Lexicon *table, Text word)
{
    if (table->n_slots == 0) {
        return WORD_ABSENT;
    }
    uint32_t entry = table->slots[find_slot(table, word, hash_bytes(0, word.p, word.n))];
    return entry ? entry - 1 : WORD_ABSENT;
}
