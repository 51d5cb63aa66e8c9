/* How many rows of each class are held out, and which. */
#include "data/split.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/split_labels.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Remainder {
    double part;
    size_t class_index;
} Remainder;

static int compare_remainders(const void *a, const void *b)
{
    const Remainder *x = a, *y = b;
    if (x->part != y->part) {
        return x->part > y->part ? -1 : 1;
    }
    return x->class_index < y->class_index ? -1 : 1;
}

void split_counts(const size_t *class_rows, size_t n_classes, double share,
                  size_t *held_out)
{
    size_t n = 0;
    for (size_t c = 0; c < n_classes; c++) {
        n += class_rows[c];
    }
    size_t n_held = (size_t)ceil(share * (double)n);
    size_t n_kept = n > n_held ? n - n_held : 0, given = 0;
    Remainder *remainders = mem_alloc(n_classes, sizeof *remainders);
    for (size_t c = 0; c < n_classes; c++) {
        double exact = (double)class_rows[c] / (double)n * (double)n_kept;
        size_t kept = (size_t)floor(exact);
        remainders[c] = (Remainder){exact - floor(exact), c};
        held_out[c] = class_rows[c] - kept;
        given += kept;
    }
    qsort(remainders, n_classes, sizeof *remainders, compare_remainders);
    for (size_t i = 0; i < n_classes && given < n_kept; i++, given++) {
        held_out[remainders[i].class_index]--;
    }
    for (size_t c = 0; c < n_classes; c++) {
        if (class_rows[c] > 0 && held_out[c] == class_rows[c]) {
            held_out[c]--;
        }
    }
    free(remainders);
}

void split_fold_counts(const size_t *class_rows, const uint32_t *class_order,
                       size_t n_classes, int64_t folds, int64_t fold, size_t *held_out)
{
    size_t at = 0, k = (size_t)folds, f = (size_t)fold;
    for (size_t i = 0; i < n_classes; i++) {
        size_t c = class_order[i], end = at + class_rows[c];
        /* Multiples of k, plus f, in [at, end). */
        held_out[c] = (end + k - 1 - f) / k - (at + k - 1 - f) / k;
        at = end;
    }
}

/* ---- rows by themselves ---- */

/* Draws of the cuts, so that they share none. */
typedef enum Cut { CUT_VAL = 0, CUT_TEST = 1, CUT_FOLD = 2, CUT_GROUPS = 3 } Cut;

/* The rows still in PART_TRAIN, those of class c at list[start[c] .. start[c+1]-1]. */
typedef struct ClassLists {
    uint32_t *list;
    size_t *start; /* [n_classes + 1] */
} ClassLists;

static ClassLists list_classes(const SplitRequest *request, const uint8_t *part)
{
    size_t n_classes = request->n_classes;
    ClassLists lists = {mem_alloc(request->n_rows, sizeof *lists.list),
                        mem_zalloc(n_classes + 2, sizeof *lists.start)};
    /* One place further than they belong, so that filling moves them there. */
    for (size_t i = 0; i < request->n_rows; i++) {
        if (part[i] == PART_TRAIN) {
            lists.start[request->class_of[i] + 2]++;
        }
    }
    for (size_t c = 2; c <= n_classes; c++) {
        lists.start[c] += lists.start[c - 1];
    }
    for (size_t i = 0; i < request->n_rows; i++) {
        if (part[i] == PART_TRAIN) {
            lists.list[lists.start[request->class_of[i] + 1]++] = (uint32_t)i;
        }
    }
    return lists;
}

static void free_lists(ClassLists *lists)
{
    free(lists->list);
    free(lists->start);
}

static void count_lists(const ClassLists *lists, size_t n_classes, size_t *class_rows)
{
    for (size_t c = 0; c < n_classes; c++) {
        class_rows[c] = lists->start[c + 1] - lists->start[c];
    }
}

/* Moves rows of each class, from the one numbered `first[c]` on, to `to`. */
static void move_rows(const SplitRequest *request, ClassLists *lists, Cut cut,
                      const size_t *first, const size_t *n, SplitPart to, uint8_t *part)
{
    for (size_t c = 0; c < request->n_classes; c++) {
        uint32_t *rows = lists->list + lists->start[c];
        if (request->shuffle) {
            Rng rng = rng_stream(request->seed, RNG_SPLIT, (uint32_t)c, (uint32_t)cut);
            rng_shuffle(&rng, rows, lists->start[c + 1] - lists->start[c]);
        }
        for (size_t i = 0; i < n[c]; i++) {
            part[rows[first[c] + i]] = (uint8_t)to;
        }
    }
}

static void cut_share(const SplitRequest *request, double share, Cut cut, SplitPart to,
                      uint8_t *part)
{
    size_t n_classes = request->n_classes;
    ClassLists lists = list_classes(request, part);
    size_t *class_rows = mem_alloc(3 * n_classes, sizeof *class_rows);
    size_t *held = class_rows + n_classes, *first = held + n_classes;
    count_lists(&lists, n_classes, class_rows);
    split_counts(class_rows, n_classes, share, held);
    for (size_t c = 0; c < n_classes; c++) {
        first[c] = request->shuffle ? 0 : class_rows[c] - held[c];
    }
    move_rows(request, &lists, cut, first, held, to, part);
    free(class_rows);
    free_lists(&lists);
}

/* Classes in the order of their first rows. */
static void order_classes(const ClassLists *lists, size_t n_classes, uint32_t *order)
{
    size_t n = 0;
    for (size_t c = 0; c < n_classes; c++) {
        size_t at = n++;
        uint32_t row = lists->start[c] < lists->start[c + 1]
                           ? lists->list[lists->start[c]]
                           : UINT32_MAX;
        for (; at > 0; at--) {
            size_t other = order[at - 1];
            bool later = lists->start[other] == lists->start[other + 1] ||
                         lists->list[lists->start[other]] > row;
            if (!later) {
                break;
            }
            order[at] = order[at - 1];
        }
        order[at] = (uint32_t)c;
    }
}

static void cut_fold(const SplitRequest *request, uint8_t *part)
{
    size_t n_classes = request->n_classes;
    ClassLists lists = list_classes(request, part);
    size_t *class_rows = mem_zalloc(3 * n_classes, sizeof *class_rows);
    size_t *held = class_rows + n_classes, *first = held + n_classes;
    uint32_t *order = mem_alloc(n_classes, sizeof *order);
    count_lists(&lists, n_classes, class_rows);
    order_classes(&lists, n_classes, order);
    for (int64_t fold = 0; fold <= request->fold; fold++) {
        for (size_t c = 0; c < n_classes; c++) {
            first[c] += fold > 0 ? held[c] : 0;
        }
        split_fold_counts(class_rows, order, n_classes, request->folds, fold, held);
    }
    move_rows(request, &lists, CUT_FOLD, first, held, PART_VAL, part);
    free(order);
    free(class_rows);
    free_lists(&lists);
}

/* ---- groups ---- */

/* The rows in the order of their groups: group g has row[start[g] .. start[g+1]-1]. */
typedef struct GroupLists {
    uint32_t *row;
    size_t *start; /* [n_groups + 1] */
} GroupLists;

static GroupLists list_groups(const SplitRequest *request)
{
    GroupLists lists = {mem_alloc(request->n_rows, sizeof *lists.row),
                        mem_zalloc(request->n_groups + 2, sizeof *lists.start)};
    for (size_t i = 0; i < request->n_rows; i++) {
        lists.start[request->group_of[i] + 2]++;
    }
    for (size_t g = 2; g <= request->n_groups; g++) {
        lists.start[g] += lists.start[g - 1];
    }
    for (size_t i = 0; i < request->n_rows; i++) {
        lists.row[lists.start[request->group_of[i] + 1]++] = (uint32_t)i;
    }
    return lists;
}

static size_t group_size(const GroupLists *groups, uint32_t g)
{
    return groups->start[g + 1] - groups->start[g];
}

/* The largest group first, equal ones as they were: a counting sort by size. */
static void sort_by_size(const GroupLists *groups, uint32_t *order, size_t n)
{
    size_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = group_size(groups, order[i]);
        largest = size > largest ? size : largest;
    }
    size_t *start = mem_zalloc(largest + 2, sizeof *start);
    for (size_t i = 0; i < n; i++) {
        start[largest - group_size(groups, order[i]) + 1]++;
    }
    for (size_t i = 1; i <= largest + 1; i++) {
        start[i] += start[i - 1];
    }
    uint32_t *sorted = mem_alloc(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        sorted[start[largest - group_size(groups, order[i])]++] = order[i];
    }
    memcpy(order, sorted, n * sizeof *order);
    free(sorted);
    free(start);
}

/* Dealing groups to `k` parts that want `share[p]` of every class. */
typedef struct Dealing {
    const SplitRequest *request;
    const GroupLists *groups;
    size_t k;
    const double *share;
    double *total;  /* [n_classes] rows of the class in all */
    double *filled; /* [k, n_classes] rows that a part has of it, as a share */
} Dealing;

/* How much worse the sum of squares gets with the group in part p; what all parts have in
 * common is left out. */
static double cost(const Dealing *deal, uint32_t g, size_t p)
{
    const double *filled = deal->filled + p * deal->request->n_classes;
    double sum = 0;
    for (size_t i = deal->groups->start[g]; i < deal->groups->start[g + 1]; i++) {
        size_t c = (size_t)deal->request->class_of[deal->groups->row[i]];
        /* Each of the group's rows of the class brings its part of the whole. */
        sum += (filled[c] - deal->share[p]) / deal->total[c];
    }
    return sum;
}

static size_t best_part(const Dealing *deal, uint32_t g)
{
    size_t best = 0;
    double least = 0;
    for (size_t p = 0; p < deal->k; p++) {
        double found = cost(deal, g, p);
        if (p == 0 || found < least) {
            best = p;
            least = found;
        }
    }
    return best;
}

/* The groups whose rows are in PART_TRAIN, as drawn or as they come, by size. */
static uint32_t *order_groups(const SplitRequest *request, const GroupLists *groups,
                              Cut cut, const uint8_t *part, size_t *n)
{
    uint32_t *order = mem_alloc(request->n_groups, sizeof *order);
    *n = 0;
    for (size_t g = 0; g < request->n_groups; g++) {
        size_t first = groups->start[g];
        if (first < groups->start[g + 1] && part[groups->row[first]] == PART_TRAIN) {
            order[(*n)++] = (uint32_t)g;
        }
    }
    if (request->shuffle) {
        Rng rng = rng_stream(request->seed, RNG_SPLIT, (uint32_t)cut, CUT_GROUPS);
        rng_shuffle(&rng, order, *n);
    }
    sort_by_size(groups, order, *n);
    return order;
}

/* Deals the groups to k parts; those of part `chosen` move to `to`. */
static void deal_groups(const SplitRequest *request, const GroupLists *groups, Cut cut,
                        size_t k, const double *share, size_t chosen, SplitPart to,
                        uint8_t *part)
{
    size_t n_classes = request->n_classes, n;
    Dealing deal = {.request = request,
                    .groups = groups,
                    .k = k,
                    .share = share,
                    .total = mem_zalloc(n_classes, sizeof(double)),
                    .filled = mem_zalloc(k * n_classes, sizeof(double))};
    for (size_t i = 0; i < request->n_rows; i++) {
        deal.total[request->class_of[i]] += part[i] == PART_TRAIN;
    }
    uint32_t *order = order_groups(request, groups, cut, part, &n);
    for (size_t i = 0; i < n; i++) {
        size_t p = best_part(&deal, order[i]);
        double *filled = deal.filled + p * n_classes;
        for (size_t j = groups->start[order[i]]; j < groups->start[order[i] + 1]; j++) {
            size_t row = groups->row[j], c = (size_t)request->class_of[row];
            filled[c] += 1 / deal.total[c];
            part[row] = p == chosen ? (uint8_t)to : part[row];
        }
    }
    free(order);
    free(deal.total);
    free(deal.filled);
}

static void split_groups(const SplitRequest *request, uint8_t *part)
{
    GroupLists groups = list_groups(request);
    if (request->test_size > 0) {
        const double share[2] = {1 - request->test_size, request->test_size};
        deal_groups(request, &groups, CUT_TEST, 2, share, 1, PART_TEST, part);
    }
    if (request->folds > 1) {
        size_t k = (size_t)request->folds;
        double *share = mem_alloc(k, sizeof *share);
        for (size_t f = 0; f < k; f++) {
            share[f] = 1.0 / (double)k;
        }
        deal_groups(request, &groups, CUT_FOLD, k, share, (size_t)request->fold, PART_VAL,
                    part);
        free(share);
    } else if (request->val_size > 0) {
        const double share[2] = {1 - request->val_size, request->val_size};
        deal_groups(request, &groups, CUT_VAL, 2, share, 1, PART_VAL, part);
    }
    free(groups.row);
    free(groups.start);
}

/* ---- both ---- */

static bool holds_out(const SplitRequest *request)
{
    return request->test_size > 0 || request->val_size > 0 || request->folds > 1;
}

static bool classes_suffice(const SplitRequest *request, SplitTooSmall *too_small)
{
    size_t needed = request->folds > 2 && !request->group_of ? (size_t)request->folds : 2;
    size_t *rows = mem_zalloc(request->n_classes, sizeof *rows);
    for (size_t i = 0; i < request->n_rows; i++) {
        rows[request->class_of[i]]++;
    }
    bool enough = true;
    for (size_t c = 0; c < request->n_classes && enough; c++) {
        enough = rows[c] == 0 || rows[c] >= needed;
        if (!enough) {
            *too_small = (SplitTooSmall){(int32_t)c, rows[c], needed, false};
        }
    }
    free(rows);
    return enough;
}

/* Groups in which class c stands. */
static size_t count_groups_of(const SplitRequest *request, int32_t c)
{
    bool *seen = mem_zalloc(request->n_groups, sizeof *seen);
    size_t n = 0;
    for (size_t i = 0; i < request->n_rows; i++) {
        if (request->class_of[i] == c && !seen[request->group_of[i]]) {
            seen[request->group_of[i]] = true;
            n++;
        }
    }
    free(seen);
    return n;
}

/* Every class needs a row to learn from. */
static bool training_has_all(const SplitRequest *request, const uint8_t *part,
                             SplitTooSmall *too_small)
{
    bool *seen = mem_zalloc(2 * request->n_classes, sizeof *seen);
    bool *trained = seen + request->n_classes;
    for (size_t i = 0; i < request->n_rows; i++) {
        seen[request->class_of[i]] = true;
        if (part[i] == PART_TRAIN) {
            trained[request->class_of[i]] = true;
        }
    }
    bool all = true;
    for (size_t c = 0; c < request->n_classes && all; c++) {
        all = !seen[c] || trained[c];
        if (!all) {
            size_t found = count_groups_of(request, (int32_t)c);
            *too_small = (SplitTooSmall){(int32_t)c, found, found + 1, true};
        }
    }
    free(seen);
    return all;
}

bool split_make(const SplitRequest *request, uint8_t *part, SplitTooSmall *too_small)
{
    memset(part, PART_TRAIN, request->n_rows);
    if (!holds_out(request)) {
        return true;
    }
    if (!request->class_of) {
        split_labels_make(request, part);
        return true;
    }
    if (!classes_suffice(request, too_small)) {
        return false;
    }
    if (request->group_of) {
        split_groups(request, part);
        return training_has_all(request, part, too_small);
    }
    if (request->test_size > 0) {
        cut_share(request, request->test_size, CUT_TEST, PART_TEST, part);
    }
    if (request->folds > 1) {
        cut_fold(request, part);
    } else if (request->val_size > 0) {
        cut_share(request, request->val_size, CUT_VAL, PART_VAL, part);
    }
    return true;
}
