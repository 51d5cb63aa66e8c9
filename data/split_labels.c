/* Iterative stratification over units: rows, or groups of them. */
#include "data/split_labels.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* Keys this file's draws beside those of split.c. */
enum { DRAW_LABELS = 4 };

typedef enum Cut { CUT_VAL, CUT_TEST, CUT_FOLD } Cut;

/* What stands together: unit u has the rows row[start[u] .. start[u + 1]). */
typedef struct Units {
    size_t n;
    uint32_t *row;
    size_t *start; /* [n + 1] */
} Units;

static Units list_units(const SplitRequest *request)
{
    size_t n = request->group_of ? request->n_groups : request->n_rows;
    Units units = {n, mem_alloc(request->n_rows, sizeof *units.row),
                   mem_zalloc(n + 2, sizeof *units.start)};
    /* One place further than they belong, so that filling moves them there. */
    for (size_t i = 0; i < request->n_rows; i++) {
        units.start[(request->group_of ? request->group_of[i] : i) + 2]++;
    }
    for (size_t u = 2; u <= n; u++) {
        units.start[u] += units.start[u - 1];
    }
    for (size_t i = 0; i < request->n_rows; i++) {
        size_t u = request->group_of ? request->group_of[i] : i;
        units.row[units.start[u + 1]++] = (uint32_t)i;
    }
    return units;
}

static void free_units(Units *units)
{
    free(units->row);
    free(units->start);
}

/* One cut: the units whose rows are all still in training, dealt to k parts. */
typedef struct Dealing {
    const SplitRequest *request;
    const Units *units;
    size_t k;
    uint32_t *order; /* [n_order] units, as drawn */
    size_t n_order;
    double *wants;      /* [k, n_classes] rows of a label that a part still misses */
    double *wants_rows; /* [k] rows */
    size_t *left;       /* [n_classes] rows of a label that are not dealt yet */
    uint32_t *with;     /* units with label c: with[with_start[c] .. with_start[c + 1]) */
    size_t *with_start; /* [n_classes + 1] */
    uint8_t *dealt;     /* [units] */
    uint32_t *to;       /* [units] the part it went to */
} Dealing;

/* Calls `each` for every label of every row of a unit. */
static void for_labels(Dealing *deal, uint32_t unit,
                       void (*each)(Dealing *deal, uint32_t unit, int32_t label))
{
    const Units *units = deal->units;
    for (size_t i = units->start[unit]; i < units->start[unit + 1]; i++) {
        ClassSet labels = targets_of(&deal->request->labels, units->row[i]);
        for (size_t j = 0; j < labels.n; j++) {
            each(deal, unit, labels.classes[j]);
        }
    }
}

static void count_label(Dealing *deal, uint32_t unit, int32_t label)
{
    (void)unit;
    deal->left[label]++;
}

static void list_label(Dealing *deal, uint32_t unit, int32_t label)
{
    deal->with[deal->with_start[label + 1]++] = unit;
}

static void take_label(Dealing *deal, uint32_t unit, int32_t label)
{
    deal->left[label]--;
    deal->wants[deal->to[unit] * deal->request->n_classes + (size_t)label] -= 1;
}

static void order_units(Dealing *deal, Cut cut, const uint8_t *part)
{
    const SplitRequest *request = deal->request;
    const Units *units = deal->units;
    deal->order = mem_alloc(units->n, sizeof *deal->order);
    for (size_t u = 0; u < units->n; u++) {
        size_t first = units->start[u];
        if (first < units->start[u + 1] && part[units->row[first]] == PART_TRAIN) {
            deal->order[deal->n_order++] = (uint32_t)u;
        }
    }
    if (request->shuffle) {
        Rng rng = rng_stream(request->seed, RNG_SPLIT, (uint32_t)cut, DRAW_LABELS);
        rng_shuffle(&rng, deal->order, deal->n_order);
    }
}

/* The units of every label, in drawn order. */
static void index_labels(Dealing *deal)
{
    size_t C = deal->request->n_classes;
    for (size_t i = 0; i < deal->n_order; i++) {
        for_labels(deal, deal->order[i], count_label);
    }
    deal->with_start = mem_zalloc(C + 2, sizeof *deal->with_start);
    for (size_t c = 0; c < C; c++) {
        deal->with_start[c + 2] = deal->with_start[c + 1] + deal->left[c];
    }
    deal->with = mem_alloc(deal->with_start[C + 1], sizeof *deal->with);
    for (size_t i = 0; i < deal->n_order; i++) {
        for_labels(deal, deal->order[i], list_label);
    }
}

static void set_wants(Dealing *deal, const double *share)
{
    size_t C = deal->request->n_classes, n_rows = 0;
    const Units *units = deal->units;
    for (size_t i = 0; i < deal->n_order; i++) {
        n_rows += units->start[deal->order[i] + 1] - units->start[deal->order[i]];
    }
    for (size_t p = 0; p < deal->k; p++) {
        deal->wants_rows[p] = share[p] * (double)n_rows;
        for (size_t c = 0; c < C; c++) {
            deal->wants[p * C + c] = share[p] * (double)deal->left[c];
        }
    }
}

/* The part that misses the label most (`label` -1: rows). */
static size_t neediest(const Dealing *deal, int32_t label)
{
    size_t best = 0, C = deal->request->n_classes;
    for (size_t p = 1; p < deal->k; p++) {
        double more = label < 0 ? 0
                                : deal->wants[p * C + (size_t)label] -
                                      deal->wants[best * C + (size_t)label];
        if (more > 0 || (more == 0 && deal->wants_rows[p] > deal->wants_rows[best])) {
            best = p;
        }
    }
    return best;
}

static void deal_unit(Dealing *deal, uint32_t unit, int32_t label)
{
    if (deal->dealt[unit]) {
        return;
    }
    const Units *units = deal->units;
    size_t p = neediest(deal, label);
    deal->dealt[unit] = 1;
    deal->to[unit] = (uint32_t)p;
    deal->wants_rows[p] -= (double)(units->start[unit + 1] - units->start[unit]);
    for_labels(deal, unit, take_label);
}

/* The label with the fewest rows left; -1 when all are dealt. */
static int32_t rarest(const Dealing *deal)
{
    int32_t found = -1;
    for (size_t c = 0; c < deal->request->n_classes; c++) {
        if (deal->left[c] > 0 && (found < 0 || deal->left[c] < deal->left[found])) {
            found = (int32_t)c;
        }
    }
    return found;
}

static void deal_all(Dealing *deal)
{
    int32_t label;
    while ((label = rarest(deal)) >= 0) {
        for (size_t i = deal->with_start[label]; i < deal->with_start[label + 1]; i++) {
            deal_unit(deal, deal->with[i], label);
        }
    }
    for (size_t i = 0; i < deal->n_order; i++) {
        deal_unit(deal, deal->order[i], -1);
    }
}

static void set_part(const Units *units, uint32_t unit, SplitPart to, uint8_t *part)
{
    for (size_t i = units->start[unit]; i < units->start[unit + 1]; i++) {
        part[units->row[i]] = (uint8_t)to;
    }
}

/* Deals to k parts; what part `chosen` gets moves to `to`. */
static void cut_units(const SplitRequest *request, const Units *units, Cut cut, size_t k,
                      const double *share, size_t chosen, SplitPart to, uint8_t *part)
{
    size_t C = request->n_classes;
    Dealing deal = {.request = request,
                    .units = units,
                    .k = k,
                    .wants = mem_zalloc(k * C, sizeof *deal.wants),
                    .wants_rows = mem_zalloc(k, sizeof *deal.wants_rows),
                    .left = mem_zalloc(C, sizeof *deal.left),
                    .dealt = mem_zalloc(units->n, sizeof *deal.dealt),
                    .to = mem_zalloc(units->n, sizeof *deal.to)};
    order_units(&deal, cut, part);
    index_labels(&deal);
    set_wants(&deal, share);
    deal_all(&deal);
    for (size_t i = 0; i < deal.n_order; i++) {
        if (deal.to[deal.order[i]] == chosen) {
            set_part(units, deal.order[i], to, part);
        }
    }
    free(deal.order);
    free(deal.wants);
    free(deal.wants_rows);
    free(deal.left);
    free(deal.with);
    free(deal.with_start);
    free(deal.dealt);
    free(deal.to);
}

static void cut_share(const SplitRequest *request, const Units *units, Cut cut,
                      double held, SplitPart to, uint8_t *part)
{
    const double share[2] = {1 - held, held};
    cut_units(request, units, cut, 2, share, 1, to, part);
}

static void cut_fold(const SplitRequest *request, const Units *units, uint8_t *part)
{
    size_t k = (size_t)request->folds;
    double *share = mem_alloc(k, sizeof *share);
    for (size_t f = 0; f < k; f++) {
        share[f] = 1.0 / (double)k;
    }
    cut_units(request, units, CUT_FOLD, k, share, (size_t)request->fold, PART_VAL, part);
    free(share);
}

/* Whatever is moved to training takes no label away from it. */
static void give_back(const SplitRequest *request, const Units *units, uint8_t *part)
{
    bool *trained = mem_zalloc(request->n_classes, sizeof *trained);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < request->n_rows; i++) {
            ClassSet labels = targets_of(&request->labels, i);
            bool needed = false;
            for (size_t j = 0; j < labels.n; j++) {
                needed = needed || !trained[labels.classes[j]];
            }
            if (round == 1 && needed) {
                uint32_t unit = request->group_of ? request->group_of[i] : (uint32_t)i;
                set_part(units, unit, PART_TRAIN, part);
            }
            for (size_t j = 0; j < labels.n && part[i] == PART_TRAIN; j++) {
                trained[labels.classes[j]] = true;
            }
        }
    }
    free(trained);
}

void split_labels_make(const SplitRequest *request, uint8_t *part)
{
    Units units = list_units(request);
    if (request->test_size > 0) {
        cut_share(request, &units, CUT_TEST, request->test_size, PART_TEST, part);
    }
    if (request->folds > 1) {
        cut_fold(request, &units, part);
    } else if (request->val_size > 0) {
        cut_share(request, &units, CUT_VAL, request->val_size, PART_VAL, part);
    }
    give_back(request, &units, part);
    free_units(&units);
}
