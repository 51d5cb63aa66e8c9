/* Open addressing over pointers that are set once and never change: a reader sees a whole
 * key or none. */
#include "tracker/key_table.h"

#include "base/mem.h"
#include "tracker/validate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 1 << 17,      /* a power of two; pages of it are touched as keys come */
    KEYS_MAX = SLOTS / 2, /* beyond this, probing would get slow */
    KEY_BYTES_MAX = 4 * LIMIT_KEY
};

typedef struct Key {
    uint64_t hash;
    char text[];
} Key;

struct KeyTable {
    _Atomic(Key *) *slots;
    void *block;
    pthread_mutex_t lock; /* of those who add */
    size_t n;
};

KeyTable *key_table_open(void)
{
    KeyTable *table = mem_zalloc(1, sizeof *table);
    table->slots = mem_zalloc_untouched(SLOTS, sizeof *table->slots, &table->block);
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

void key_table_close(KeyTable *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < SLOTS && table->n > 0; i++) {
        Key *key = atomic_load_explicit(&table->slots[i], memory_order_relaxed);
        if (key) {
            free(key);
            table->n--;
        }
    }
    pthread_mutex_destroy(&table->lock);
    free(table->block);
    free(table);
}

/* FNV-1a (Fowler, Noll, Vo), its bits mixed down to where the slot is taken from. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        hash = (hash ^ *p) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

/* The key, or NULL and the slot where it would be. */
static Key *find(KeyTable *table, const char *text, uint64_t hash, size_t *slot)
{
    for (size_t i = hash % SLOTS;; i = (i + 1) % SLOTS) {
        Key *key = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        if (!key || (key->hash == hash && strcmp(key->text, text) == 0)) {
            *slot = i;
            return key;
        }
    }
}

static Status add(KeyTable *table, const char *text, uint64_t hash, const char **out)
{
    TRY(validate_key("metric", text));
    pthread_mutex_lock(&table->lock);
    size_t slot;
    Key *key = find(table, text, hash, &slot); /* another thread may have been faster */
    if (!key && table->n < KEYS_MAX) {
        size_t n = strnlen(text, KEY_BYTES_MAX) + 1;
        key = mem_alloc(1, sizeof *key + n);
        key->hash = hash;
        memcpy(key->text, text, n);
        table->n++;
        atomic_store_explicit(&table->slots[slot], key, memory_order_release);
    }
    pthread_mutex_unlock(&table->lock);
    if (!key) {
        return status_set(STATUS_USAGE,
                          "metric %s: a run takes at most %d different keys", text,
                          KEYS_MAX);
    }
    *out = key->text;
    return STATUS_OK;
}

Status key_table_intern(KeyTable *table, const char *text, const char **out)
{
    if (!text) {
        return validate_key("metric", text);
    }
    uint64_t hash = hash_of(text);
    size_t slot;
    Key *key = find(table, text, hash, &slot);
    if (!key) {
        return add(table, text, hash, out);
    }
    *out = key->text;
    return STATUS_OK;
}
