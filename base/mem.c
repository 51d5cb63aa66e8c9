/* Allocation that cannot fail: exhausted memory prints one line and ends with status 1.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };

static void out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "muster: error: out of memory (asked for %zu x %zu bytes)\n", n,
            size);
    exit(1);
}

static size_t checked_bytes(size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size) {
        out_of_memory(n, size);
    }
    size_t bytes = n * size;
    return bytes ? bytes : 1;
}

void *mem_alloc(size_t n, size_t size)
{
    void *p = malloc(checked_bytes(n, size));
    if (!p) {
        out_of_memory(n, size);
    }
    return p;
}

void *mem_zalloc(size_t n, size_t size)
{
    void *p = calloc(1, checked_bytes(n, size));
    if (!p) {
        out_of_memory(n, size);
    }
    return p;
}

/* Rows of large tables are read at random; in pages of 2 MB they are found without a walk
 * through the page table. Only whole pages are asked for, so none holds more than is
 * written. */
void *mem_zalloc_aligned(size_t n, size_t size)
{
    size_t bytes = checked_bytes(n, size);
    size_t alignment = bytes >= 2 * LARGE_PAGE ? LARGE_PAGE : 64;
    if (bytes > SIZE_MAX - alignment) {
        out_of_memory(n, size);
    }
    void *p = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!p) {
        out_of_memory(n, size);
    }
    if (alignment == LARGE_PAGE) {
        madvise(p, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE); /* a wish */
    }
    memset(p, 0, bytes);
    return p;
}

void *mem_zalloc_untouched(size_t n, size_t size, void **block)
{
    size_t bytes = checked_bytes(n, size);
    if (bytes > SIZE_MAX - 64) {
        out_of_memory(n, size);
    }
    *block = mem_zalloc(bytes + 64, 1);
    return (void *)(((uintptr_t)*block + 63) / 64 * 64);
}

void *mem_realloc(void *old, size_t n, size_t size)
{
    void *p = realloc(old, checked_bytes(n, size));
    if (!p) {
        out_of_memory(n, size);
    }
    return p;
}

void mem_copy_changed(void *to, const void *from, size_t n)
{
    enum { PAGE = 4096 };
    char *out = to;
    const char *in = from;
    for (size_t at = 0; at < n; at += PAGE) {
        size_t piece = n - at < PAGE ? n - at : PAGE;
        if (memcmp(out + at, in + at, piece) != 0) {
            memcpy(out + at, in + at, piece);
        }
    }
}

char *mem_strdup(const char *text)
{
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *bytes, size_t n)
{
    char *copy = mem_alloc(n + 1, 1);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    copy[n] = '\0';
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = mem_alloc((size_t)(n < 0 ? 0 : n) + 1, 1);
    vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, format, again);
    va_end(again);
    return text;
}

void *mem_grow(void *items, size_t *cap, size_t need, size_t item_size)
{
    if (need <= *cap) {
        return items;
    }
    size_t larger = *cap < 8 ? 16 : *cap * 2;
    *cap = larger > need ? larger : need;
    return mem_realloc(items, *cap, item_size);
}

void *mem_reserve(void *items, size_t *cap, size_t need, size_t item_size)
{
    if (need <= *cap) {
        return items;
    }
    free(items);
    *cap = need;
    return mem_zalloc_aligned(need, item_size);
}
