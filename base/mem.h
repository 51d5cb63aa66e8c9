/* Memory that is there or ends the process: no caller handles exhaustion.
 *
 * Sizes that come from files or sockets are bounded by the caller before they get here.
 */
#ifndef MUSTER_BASE_MEM_H
#define MUSTER_BASE_MEM_H

#include <stddef.h>

/* Uninitialised room for `n` items of `size` bytes; free with free(). n = 0 gives a
 * pointer that may be freed. */
void *mem_alloc(size_t n, size_t size);

/* The same, zeroed. */
void *mem_zalloc(size_t n, size_t size);

/* The same, zeroed and aligned to 64 bytes (a cache line, an AVX-512 register). */
void *mem_zalloc_aligned(size_t n, size_t size);

/* Zeroed and aligned as well, but untouched where that is possible: what is large takes
 * memory only as far as it is written. `*block` is what to free. */
void *mem_zalloc_untouched(size_t n, size_t size, void **block);

/* Resizes like realloc; the old pointer is gone. */
void *mem_realloc(void *old, size_t n, size_t size);

/* memcpy that leaves alone what is equal already, page by page: pages that neither side
 * ever wrote stay without memory. */
void mem_copy_changed(void *to, const void *from, size_t n);

/* A copy of a C string; NULL gives NULL. Free with free(). */
char *mem_strdup(const char *text);

/* A terminated copy of `n` bytes. */
char *mem_strndup(const char *bytes, size_t n);

/* A formatted string of its own. Free with free(). */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes room in a growing array: `items` (of `item_size` bytes) can hold `need` of them
 * when it returns; `*cap` at least doubles. Returns the new place of `items`. */
void *mem_grow(void *items, size_t *cap, size_t need, size_t item_size);

/* The same for an array whose contents are not needed any more: exactly `need` items when
 * there is less room, zeroed, so that no page of it is touched for the first time later.
 */
void *mem_reserve(void *items, size_t *cap, size_t need, size_t item_size);

#endif
