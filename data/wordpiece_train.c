/* Words are lists of pieces; a table holds for each pair of neighbours how often it
 * stands and in which words, a heap the pairs by count. Joining a pair touches the words
 * that have it; counts in the heap may be old, and are put right when they come to the
 * top. */
#include "data/wordpiece_train.h"

#include "base/mem.h"
#include "base/parallel.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

typedef struct TrainWord {
    uint32_t *piece; /* in `pieces` of the trainer */
    uint32_t n;
    uint64_t count;
} TrainWord;

/* One pair of neighbours. */
typedef struct Pair {
    uint64_t key; /* first piece << 32 | second; UINT64_MAX: free */
    uint64_t count;
    uint32_t *words; /* where it stands or stood; a word may be there twice */
    size_t n_words, cap_words;
} Pair;

typedef struct PairTable {
    Pair *slots;
    size_t n, n_slots;
} PairTable;

/* A pair as the heap knows it. */
typedef struct Candidate {
    uint64_t count, key;
} Candidate;

typedef struct Trainer {
    const WordPieceTraining *options;
    StrList *vocab;
    Lexicon ids; /* the vocabulary again, to find tokens in */
    TrainWord *words;
    size_t n_words;
    uint32_t *pieces;
    PairTable pairs;
    Candidate *heap;
    size_t n_heap, heap_cap;
} Trainer;

/* ---- the alphabet ---- */

typedef struct Letter {
    uint32_t code;
    uint64_t count;
} Letter;

static int by_code(const void *a, const void *b)
{
    const Letter *x = a, *y = b;
    return x->code < y->code ? -1 : x->code > y->code;
}

static int by_count(const void *a, const void *b)
{
    const Letter *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return by_code(a, b);
}

static bool is_special(const WordPieceTraining *options, Text word)
{
    for (size_t i = 0; i < options->n_special; i++) {
        if (text_is(word, options->special[i])) {
            return true;
        }
    }
    return false;
}

static bool is_trained_on(const WordPieceTraining *options, Text word, uint32_t count)
{
    return count > 0 && word.n > 0 && utf8_valid_prefix(word) == word.n &&
           utf8_count(word) <= options->max_word_chars && !is_special(options, word);
}

/* How often each character stands, at its number. */
static uint64_t *count_letters(const Lexicon *words, const uint32_t *count,
                               const WordPieceTraining *options)
{
    uint64_t *letters = mem_zalloc(0x110000, sizeof *letters);
    for (uint32_t i = 0; i < words->n; i++) {
        Text word = lexicon_get(words, i);
        if (!is_trained_on(options, word, count[i])) {
            continue;
        }
        for (size_t at = 0; at < word.n;) {
            uint32_t code = 0;
            at += utf8_decode((Text){word.p + at, word.n - at}, &code);
            letters[code] += count[i];
        }
    }
    return letters;
}

static void add_token(Trainer *t, Text token)
{
    size_t before = t->ids.n;
    if (lexicon_add(&t->ids, token) == before) {
        strlist_add_take(t->vocab, mem_strndup(token.p, token.n));
    }
}

/* The most frequent characters, in the order of their numbers. Those cut off are set to 0
 * in `letters`. */
static void add_alphabet(Trainer *t, uint64_t *letters)
{
    Letter *list = mem_alloc(0x110000, sizeof *list);
    size_t n = 0,
           most = t->options->limit_alphabet ? t->options->limit_alphabet : 0x110000;
    size_t room =
        t->options->vocab_size > t->vocab->n ? t->options->vocab_size - t->vocab->n : 0;
    most = most < room / 2 ? most : room / 2; /* each stands inside words, too */
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (letters[code] > 0) {
            list[n++] = (Letter){code, letters[code]};
        }
    }
    qsort(list, n, sizeof *list, by_count);
    for (size_t i = most; i < n; i++) {
        letters[list[i].code] = 0;
    }
    n = n < most ? n : most;
    qsort(list, n, sizeof *list, by_code);
    for (size_t i = 0; i < n; i++) {
        char bytes[4];
        add_token(t, (Text){bytes, utf8_encode(list[i].code, bytes)});
    }
    free(list);
}

/* ---- cutting words into characters ---- */

typedef struct SortedWord {
    Text text;
    uint64_t count;
} SortedWord;

static int by_bytes(const void *a, const void *b)
{
    return text_compare(((const SortedWord *)a)->text, ((const SortedWord *)b)->text);
}

/* The id of a character, with the prefix inside a word; added when it is new. */
static uint32_t letter_id(Trainer *t, Text letter, bool inside)
{
    char bytes[64];
    size_t n = inside ? strlen(t->options->prefix) : 0;
    memcpy(bytes, t->options->prefix, n);
    memcpy(bytes + n, letter.p, letter.n);
    Text token = {bytes, n + letter.n};
    add_token(t, token);
    return lexicon_find(&t->ids, token);
}

/* Characters beyond the alphabet are left out of the words, as the library does. */
static void cut_word(Trainer *t, const SortedWord *from, const uint64_t *letters,
                     uint32_t *pieces, TrainWord *out)
{
    *out = (TrainWord){.piece = pieces, .count = from->count};
    for (size_t at = 0; at < from->text.n;) {
        uint32_t code = 0;
        size_t n = utf8_decode((Text){from->text.p + at, from->text.n - at}, &code);
        if (letters[code] > 0) {
            Text letter = {from->text.p + at, n};
            pieces[out->n] = letter_id(t, letter, at > 0);
            out->n++;
        }
        at += n;
    }
}

/* Words in the order of their bytes: ids must not depend on the order they come in. */
static void cut_words(Trainer *t, const Lexicon *words, const uint32_t *count,
                      const uint64_t *letters)
{
    SortedWord *sorted = mem_alloc(words->n, sizeof *sorted);
    size_t n = 0, n_bytes = 0;
    for (uint32_t i = 0; i < words->n; i++) {
        Text word = lexicon_get(words, i);
        if (is_trained_on(t->options, word, count[i])) {
            sorted[n++] = (SortedWord){word, count[i]};
            n_bytes += word.n;
        }
    }
    qsort(sorted, n, sizeof *sorted, by_bytes);
    t->words = mem_alloc(n, sizeof *t->words);
    t->pieces = mem_alloc(n_bytes, sizeof *t->pieces);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        cut_word(t, &sorted[i], letters, t->pieces + at, &t->words[i]);
        at += t->words[i].n;
    }
    t->n_words = n;
    free(sorted);
}

/* ---- pairs ---- */

static uint64_t key_of(uint32_t first, uint32_t second)
{
    return (uint64_t)first << 32 | second;
}

static size_t slot_of(const PairTable *table, uint64_t key)
{
    size_t at =
        (size_t)((key ^ key >> 29) * 0x9E3779B97F4A7C15u >> 20) & (table->n_slots - 1);
    while (table->slots[at].key != key && table->slots[at].key != UINT64_MAX) {
        at = (at + 1) & (table->n_slots - 1);
    }
    return at;
}

static void grow_pairs(PairTable *table)
{
    PairTable old = *table;
    table->n_slots = old.n_slots ? 2 * old.n_slots : 1 << 12;
    table->slots = mem_alloc(table->n_slots, sizeof *table->slots);
    for (size_t i = 0; i < table->n_slots; i++) {
        table->slots[i] = (Pair){.key = UINT64_MAX};
    }
    for (size_t i = 0; i < old.n_slots; i++) {
        if (old.slots[i].key != UINT64_MAX) {
            table->slots[slot_of(table, old.slots[i].key)] = old.slots[i];
        }
    }
    free(old.slots);
}

static Pair *find_pair(PairTable *table, uint64_t key)
{
    if (2 * (table->n + 1) > table->n_slots) {
        grow_pairs(table);
    }
    Pair *pair = &table->slots[slot_of(table, key)];
    if (pair->key == UINT64_MAX) {
        *pair = (Pair){.key = key};
        table->n++;
    }
    return pair;
}

static void free_pairs(PairTable *table)
{
    for (size_t i = 0; i < table->n_slots; i++) {
        free(table->slots[i].key != UINT64_MAX ? table->slots[i].words : NULL);
    }
    free(table->slots);
}

static void add_place(Pair *pair, uint32_t word)
{
    if (pair->n_words > 0 && pair->words[pair->n_words - 1] == word) {
        return;
    }
    pair->words =
        mem_grow(pair->words, &pair->cap_words, pair->n_words + 1, sizeof *pair->words);
    pair->words[pair->n_words++] = word;
}

/* ---- the first count, in parallel ---- */

typedef struct Counting {
    const Trainer *trainer;
    PairTable parts[MOST_THREADS];
} Counting;

static void count_part(void *context, size_t part, size_t begin, size_t end)
{
    Counting *counting = context;
    PairTable *table = &counting->parts[part];
    for (size_t w = begin; w < end; w++) {
        const TrainWord *word = &counting->trainer->words[w];
        for (uint32_t i = 0; i + 1 < word->n; i++) {
            Pair *pair = find_pair(table, key_of(word->piece[i], word->piece[i + 1]));
            pair->count += word->count;
            add_place(pair, (uint32_t)w);
        }
    }
}

static void merge_pair(PairTable *all, const Pair *from)
{
    Pair *to = find_pair(all, from->key);
    to->count += from->count;
    to->words = mem_grow(to->words, &to->cap_words, to->n_words + from->n_words,
                         sizeof *to->words);
    memcpy(to->words + to->n_words, from->words, from->n_words * sizeof *to->words);
    to->n_words += from->n_words;
}

/* Parts are runs of words, merged in order: places stay ascending. */
static void count_pairs(Trainer *t)
{
    Counting *counting = mem_zalloc(1, sizeof *counting);
    counting->trainer = t;
    size_t threads = t->options->threads ? t->options->threads : parallel_cores();
    threads = t->n_words < 1000 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
    parallel_for(t->n_words, threads, count_part, counting);
    for (size_t p = 0; p < threads; p++) {
        PairTable *part = &counting->parts[p];
        for (size_t i = 0; i < part->n_slots; i++) {
            if (part->slots[i].key != UINT64_MAX) {
                merge_pair(&t->pairs, &part->slots[i]);
            }
        }
        free_pairs(part);
    }
    free(counting);
}

/* ---- the heap: most frequent first, equal ones by their ids ---- */

static bool comes_first(const Candidate *a, const Candidate *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void push(Trainer *t, Candidate new)
{
    t->heap = mem_grow(t->heap, &t->heap_cap, t->n_heap + 1, sizeof *t->heap);
    size_t at = t->n_heap++;
    while (at > 0 && comes_first(&new, &t->heap[(at - 1) / 2])) {
        t->heap[at] = t->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    t->heap[at] = new;
}

static Candidate pop(Trainer *t)
{
    Candidate top = t->heap[0], last = t->heap[--t->n_heap];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= t->n_heap) {
            break;
        }
        if (child + 1 < t->n_heap && comes_first(&t->heap[child + 1], &t->heap[child])) {
            child++;
        }
        if (!comes_first(&t->heap[child], &last)) {
            break;
        }
        t->heap[at] = t->heap[child];
        at = child;
    }
    t->heap[at] = last;
    return top;
}

/* ---- joining ---- */

/* "un" and "##able" become "unable", "##a" and "##b" become "##ab". */
static uint32_t join_tokens(Trainer *t, uint64_t key)
{
    const char *first = t->vocab->items[key >> 32];
    const char *second = t->vocab->items[key & UINT32_MAX];
    size_t n = strlen(t->options->prefix);
    second += strncmp(second, t->options->prefix, n) == 0 ? n : 0;
    char *token = mem_printf("%s%s", first, second);
    add_token(t, text_of(token));
    uint32_t id = lexicon_find(&t->ids, text_of(token));
    free(token);
    return id;
}

/* A pair that comes to stand in a word, or no longer does. */
static void change(Trainer *t, uint64_t key, uint32_t w, bool added)
{
    Pair *pair = find_pair(&t->pairs, key);
    uint64_t count = t->words[w].count;
    if (added) {
        pair->count += count;
        add_place(pair, w);
    } else {
        pair->count = pair->count > count ? pair->count - count : 0;
    }
}

/* Joins the pair wherever it stands in the word; `touched` collects the keys of pairs
 * that became more. */
static void join_in_word(Trainer *t, uint64_t key, uint32_t joined, uint32_t w,
                         uint64_t **touched, size_t *n_touched, size_t *cap)
{
    TrainWord *word = &t->words[w];
    uint32_t first = (uint32_t)(key >> 32), second = (uint32_t)key;
    for (uint32_t i = 0; i + 1 < word->n; i++) {
        if (word->piece[i] != first || word->piece[i + 1] != second) {
            continue;
        }
        if (i > 0) {
            change(t, key_of(word->piece[i - 1], first), w, false);
            change(t, key_of(word->piece[i - 1], joined), w, true);
        }
        if (i + 2 < word->n) {
            change(t, key_of(second, word->piece[i + 2]), w, false);
            change(t, key_of(joined, word->piece[i + 2]), w, true);
        }
        *touched = mem_grow(*touched, cap, *n_touched + 2, sizeof **touched);
        if (i > 0) {
            (*touched)[(*n_touched)++] = key_of(word->piece[i - 1], joined);
        }
        if (i + 2 < word->n) {
            (*touched)[(*n_touched)++] = key_of(joined, word->piece[i + 2]);
        }
        word->piece[i] = joined;
        memmove(word->piece + i + 1, word->piece + i + 2,
                (word->n - i - 2) * sizeof *word->piece);
        word->n--;
    }
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void join_pair(Trainer *t, uint64_t key)
{
    Pair *pair = find_pair(&t->pairs, key);
    uint32_t *places = pair->words;
    size_t n_places = pair->n_words;
    pair->words = NULL;
    pair->n_words = pair->cap_words = 0;
    pair->count = 0;
    uint32_t joined = join_tokens(t, key);
    uint64_t *touched = NULL;
    size_t n_touched = 0, cap = 0;
    for (size_t i = 0; i < n_places; i++) {
        join_in_word(t, key, joined, places[i], &touched, &n_touched, &cap);
    }
    qsort(touched, n_touched, sizeof *touched, by_key);
    for (size_t i = 0; i < n_touched; i++) {
        if (i == 0 || touched[i] != touched[i - 1]) {
            push(t, (Candidate){find_pair(&t->pairs, touched[i])->count, touched[i]});
        }
    }
    free(touched);
    free(places);
}

static void join_pairs(Trainer *t)
{
    uint64_t least = t->options->min_frequency ? t->options->min_frequency : 1;
    for (size_t i = 0; i < t->pairs.n_slots; i++) {
        const Pair *pair = &t->pairs.slots[i];
        if (pair->key != UINT64_MAX) {
            push(t, (Candidate){pair->count, pair->key});
        }
    }
    while (t->n_heap > 0 && t->vocab->n < t->options->vocab_size) {
        Candidate top = pop(t);
        uint64_t now = find_pair(&t->pairs, top.key)->count;
        if (now != top.count && now > 0) {
            push(t, (Candidate){now, top.key});
        } else if (now == top.count && top.count < least) {
            break;
        } else if (now == top.count) {
            join_pair(t, top.key);
        }
    }
}

void wordpiece_train(const Lexicon *words, const uint32_t *count,
                     const WordPieceTraining *options, StrList *vocab)
{
    Trainer t = {.options = options, .vocab = vocab};
    for (size_t i = 0; i < options->n_special; i++) {
        add_token(&t, text_of(options->special[i]));
    }
    uint64_t *letters = count_letters(words, count, options);
    add_alphabet(&t, letters);
    cut_words(&t, words, count, letters);
    count_pairs(&t);
    join_pairs(&t);
    free(letters);
    free(t.words);
    free(t.pieces);
    free_pairs(&t.pairs);
    free(t.heap);
    lexicon_free(&t.ids);
}
