/* The search language: MLflow's filter strings and order_by entries, parsed.
 *
 *     metrics.val_f1 > 0.9 AND params.model = 'lite' AND tags.mlflow.user LIKE 'a%'
 *     NOT (status = 'FAILED' OR tags.note IS NULL)
 *
 * MLflow has comparisons joined by AND (any case; a missing, leading or trailing one is
 * tolerated, as MLflow tolerates it). Beyond it there are OR, NOT and parentheses, where
 * NOT binds before AND and AND before OR, IS [NOT] NULL, IN and NOT LIKE for every text.
 *
 * A comparison is true or false, never unknown: one with a key that a run lacks is false,
 * != too, and NOT makes it true. IS NULL asks whether the run lacks the key.
 *
 * Parsing decides everything that needs no store: which entity a key belongs to, which
 * operators and values it takes. Failures are STATUS_USAGE with the column, and a hint
 * that shows the place with a caret. One tree serves tracker/query.h, which makes SQL of
 * it, and tracker/search.h, which walks over runs in memory. */
#ifndef MUSTER_TRACKER_FILTER_H
#define MUSTER_TRACKER_FILTER_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* What is being searched; it decides the attributes and entities. */
typedef enum FilterSubject {
    FILTER_RUNS,
    FILTER_EXPERIMENTS,
    FILTER_MODELS,        /* of the registry */
    FILTER_VERSIONS,      /* of those */
    FILTER_LOGGED_MODELS, /* tracker/logged_models.h */
    N_FILTER_SUBJECTS
} FilterSubject;

typedef enum FilterEntity {
    ENTITY_ATTRIBUTE,
    ENTITY_METRIC,
    ENTITY_PARAM,
    ENTITY_TAG,
    ENTITY_DATASET
} FilterEntity;

typedef enum FilterOp {
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_LIKE,  /* case counts; % and _ */
    OP_ILIKE, /* case does not count */
    OP_NOT_LIKE,
    OP_NOT_ILIKE,
    OP_IN,
    OP_NOT_IN,
    OP_IS_NULL, /* the key is not there */
    OP_IS_NOT_NULL
} FilterOp;

/* More than this is refused at its place: what a statement of SQL can hold. */
enum {
    FILTER_MAX_COMPARISONS = 1000,
    FILTER_MAX_VALUES = 10000,  /* of all IN lists */
    FILTER_MAX_PATTERN = 50000, /* bytes behind LIKE */
    FILTER_MAX_DEPTH = 100,     /* parentheses and NOTs */
    ORDER_MAX_TERMS = 32
};

typedef struct FilterKey {
    FilterEntity entity;
    char *name;       /* owned; an attribute or data set field by its one true name */
    bool is_number;   /* its values are numbers, else text */
    bool orders_only; /* it has no place in a filter */
    size_t at;        /* byte offset in the text */
} FilterKey;

typedef struct FilterComparison {
    FilterKey key;
    FilterOp op;
    double number; /* where key.is_number */
    StrList texts; /* else: one, the members of IN, or none for IS NULL */
} FilterComparison;

typedef enum FilterNodeKind {
    FILTER_COMPARISON,
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT
} FilterNodeKind;

/* A node of the tree: AND and OR have two children or more, none of their own kind, NOT
 * has one, a comparison none. */
typedef struct FilterNode {
    FilterNodeKind kind;
    FilterComparison comparison;
    struct FilterNode **children;
    size_t n_children, cap_children;
} FilterNode;

typedef struct OrderTerm {
    FilterKey key;
    bool descending;
} OrderTerm;

typedef struct OrderTerms {
    OrderTerm *items;
    size_t n, cap;
} OrderTerms;

/* Parses a filter. NULL and "" mean all: *out is NULL then. Free with filter_free. */
Status filter_parse(const char *text, FilterSubject subject, FilterNode **out);
void filter_free(FilterNode *root); /* NULL is fine */

/* Parses `<identifier> [ASC|DESC]` entries; a key that stands twice is refused. */
Status order_parse(const char *const *entries, size_t n, FilterSubject subject,
                   OrderTerms *out);
void order_free(OrderTerms *terms);

#endif
