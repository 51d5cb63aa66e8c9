/* From words to a tree: how comparisons are joined, and what orders. */
#include "tracker/filter.h"

#include "base/mem.h"
#include "tracker/filter_comparison.h"
#include "tracker/filter_keys.h"
#include "tracker/lexer.h"

#include <stdlib.h>
#include <string.h>

typedef struct Parser {
    Lexer lexer;
    FilterSubject subject;
    int depth; /* of parentheses and NOTs */
    size_t n_comparisons, n_values;
} Parser;

/* ---- nodes ---- */

static FilterNode *node_new(FilterNodeKind kind)
{
    FilterNode *node = mem_zalloc(1, sizeof *node);
    node->kind = kind;
    return node;
}

static void node_push(FilterNode *parent, FilterNode *child)
{
    parent->children = mem_grow(parent->children, &parent->cap_children,
                                parent->n_children + 1, sizeof(FilterNode *));
    parent->children[parent->n_children++] = child;
}

/* An AND within an AND, or an OR within an OR, hands its children up. */
static void node_add(FilterNode *parent, FilterNode *child)
{
    if (child->kind != parent->kind || child->kind == FILTER_NOT) {
        node_push(parent, child);
        return;
    }
    for (size_t i = 0; i < child->n_children; i++) {
        node_push(parent, child->children[i]);
    }
    child->n_children = 0;
    filter_free(child);
}

/* What joins one thing alone is that thing. */
static FilterNode *node_simplify(FilterNode *node)
{
    if (node->n_children != 1 || node->kind == FILTER_NOT) {
        return node;
    }
    FilterNode *only = node->children[0];
    node->n_children = 0;
    filter_free(node);
    return only;
}

void filter_free(FilterNode *root)
{
    if (!root) {
        return;
    }
    for (size_t i = 0; i < root->n_children; i++) {
        filter_free(root->children[i]);
    }
    free(root->children);
    free(root->comparison.key.name);
    strlist_free(&root->comparison.texts);
    free(root);
}

/* ---- the expression ---- */

static Status parse_disjunction(Parser *parser, FilterNode **out);

static Status check_limits(Parser *parser, const FilterComparison *comparison)
{
    parser->n_comparisons++;
    parser->n_values += comparison->texts.n;
    if (parser->n_comparisons > FILTER_MAX_COMPARISONS) {
        return lexer_fail(&parser->lexer, comparison->key.at,
                          "a filter has at most %d comparisons", FILTER_MAX_COMPARISONS);
    }
    if (parser->n_values > FILTER_MAX_VALUES) {
        return lexer_fail(&parser->lexer, comparison->key.at,
                          "a filter has at most %d values", FILTER_MAX_VALUES);
    }
    return STATUS_OK;
}

static Status parse_comparison(Parser *parser, FilterNode **out)
{
    if (lexer_is_word(&parser->lexer, "between")) {
        return lexer_fail(&parser->lexer, parser->lexer.token.at,
                          "there is no BETWEEN: join two comparisons with AND");
    }
    FilterNode *node = node_new(FILTER_COMPARISON);
    Status status =
        filter_comparison_parse(&parser->lexer, parser->subject, &node->comparison);
    if (status == STATUS_OK) {
        status = check_limits(parser, &node->comparison);
    }
    if (status != STATUS_OK) {
        filter_free(node);
        return status;
    }
    *out = node;
    return STATUS_OK;
}

static Status expect_close(Parser *parser, size_t opened_at)
{
    Lexer *lexer = &parser->lexer;
    if (lexer->token.kind == TOKEN_END) {
        return lexer_fail(lexer, opened_at, "this parenthesis is never closed");
    }
    return lexer_next(lexer); /* a disjunction ends at ) or at the end alone */
}

static Status parse_group(Parser *parser, FilterNode **out)
{
    size_t at = parser->lexer.token.at;
    TRY(lexer_next(&parser->lexer));
    FilterNode *inner;
    TRY(parse_disjunction(parser, &inner));
    Status status = expect_close(parser, at);
    if (status != STATUS_OK) {
        filter_free(inner);
        return status;
    }
    *out = inner;
    return STATUS_OK;
}

static Status parse_operand(Parser *parser, FilterNode **out);

static Status parse_not(Parser *parser, FilterNode **out)
{
    TRY(lexer_next(&parser->lexer));
    FilterNode *inner;
    TRY(parse_operand(parser, &inner));
    FilterNode *node = node_new(FILTER_NOT);
    node_push(node, inner);
    *out = node;
    return STATUS_OK;
}

static Status parse_operand(Parser *parser, FilterNode **out)
{
    const Lexer *lexer = &parser->lexer;
    bool negated = lexer_is_word(lexer, "not");
    if (!negated && lexer->token.kind != TOKEN_OPEN) {
        return parse_comparison(parser, out);
    }
    if (parser->depth == FILTER_MAX_DEPTH) {
        return lexer_fail(lexer, lexer->token.at, "more than %d levels deep",
                          FILTER_MAX_DEPTH);
    }
    parser->depth++;
    Status status = negated ? parse_not(parser, out) : parse_group(parser, out);
    parser->depth--;
    return status;
}

static bool ends_conjunction(const Parser *parser)
{
    const Lexer *lexer = &parser->lexer;
    return lexer->token.kind == TOKEN_END || lexer->token.kind == TOKEN_CLOSE ||
           lexer_is_word(lexer, "or");
}

static Status skip_and(Parser *parser)
{
    while (lexer_is_word(&parser->lexer, "and")) {
        TRY(lexer_next(&parser->lexer));
    }
    return STATUS_OK;
}

static Status expected_comparison(const Parser *parser)
{
    char found[64];
    token_describe(&parser->lexer.token, found);
    return lexer_fail(&parser->lexer, parser->lexer.token.at,
                      "expected a comparison such as metrics.val_loss < 0.5, found %s",
                      found);
}

/* Of the ANDs that stand nowhere between two comparisons, MLflow's leniency covers those
 * at the beginning and the end of the text. */
static Status parse_operands(Parser *parser, FilterNode *node)
{
    do {
        if (ends_conjunction(parser)) {
            return expected_comparison(parser);
        }
        FilterNode *operand;
        TRY(parse_operand(parser, &operand));
        node_add(node, operand);
        bool joined = lexer_is_word(&parser->lexer, "and");
        TRY(skip_and(parser));
        if (joined && ends_conjunction(parser) &&
            (parser->lexer.token.kind != TOKEN_END || parser->depth > 0)) {
            return expected_comparison(parser);
        }
    } while (!ends_conjunction(parser));
    return STATUS_OK;
}

static Status parse_conjunction(Parser *parser, FilterNode **out)
{
    FilterNode *node = node_new(FILTER_AND);
    Status status = parse_operands(parser, node);
    if (status != STATUS_OK) {
        filter_free(node);
        return status;
    }
    *out = node_simplify(node);
    return STATUS_OK;
}

static Status parse_alternatives(Parser *parser, FilterNode *node)
{
    for (;;) {
        FilterNode *alternative;
        TRY(parse_conjunction(parser, &alternative));
        node_add(node, alternative);
        if (!lexer_is_word(&parser->lexer, "or")) {
            return STATUS_OK;
        }
        TRY(lexer_next(&parser->lexer));
    }
}

static Status parse_disjunction(Parser *parser, FilterNode **out)
{
    FilterNode *node = node_new(FILTER_OR);
    Status status = parse_alternatives(parser, node);
    if (status != STATUS_OK) {
        filter_free(node);
        return status;
    }
    *out = node_simplify(node);
    return STATUS_OK;
}

static Status parse_all(Parser *parser, FilterNode **out)
{
    TRY(skip_and(parser));
    FilterNode *root;
    TRY(parse_disjunction(parser, &root));
    if (parser->lexer.token.kind != TOKEN_END) {
        filter_free(root);
        return lexer_fail(&parser->lexer, parser->lexer.token.at,
                          "this parenthesis was never opened");
    }
    *out = root;
    return STATUS_OK;
}

Status filter_parse(const char *text, FilterSubject subject, FilterNode **out)
{
    if (!text || !*text) {
        *out = NULL;
        return STATUS_OK;
    }
    Parser parser = {.subject = subject};
    TRY(lexer_init(&parser.lexer, text, "filter"));
    return parse_all(&parser, out);
}

/* ---- order_by ---- */

static Status parse_direction(Lexer *lexer, bool *descending)
{
    *descending = lexer_is_word(lexer, "desc");
    if (*descending || lexer_is_word(lexer, "asc")) {
        TRY(lexer_next(lexer));
    }
    if (lexer->token.kind != TOKEN_END) {
        char found[64];
        token_describe(&lexer->token, found);
        return lexer_fail(lexer, lexer->token.at,
                          "expected ASC, DESC or the end, found %s", found);
    }
    return STATUS_OK;
}

static bool already_ordered(const OrderTerms *terms, const FilterKey *key)
{
    for (size_t i = 0; i < terms->n; i++) {
        if (terms->items[i].key.entity == key->entity &&
            strcmp(terms->items[i].key.name, key->name) == 0) {
            return true;
        }
    }
    return false;
}

static Status check_order(const Lexer *lexer, const OrderTerms *terms,
                          FilterSubject subject, const FilterKey *key)
{
    if (key->entity == ENTITY_DATASET) {
        return lexer_fail(lexer, key->at, "data sets do not order runs");
    }
    if (subject == FILTER_EXPERIMENTS && key->entity != ENTITY_ATTRIBUTE) {
        return lexer_fail(lexer, key->at, "only attributes order experiments");
    }
    if (already_ordered(terms, key)) {
        return lexer_fail(lexer, key->at, "this key stands twice");
    }
    if (terms->n == ORDER_MAX_TERMS) {
        return lexer_fail(lexer, key->at, "at most %d keys order", ORDER_MAX_TERMS);
    }
    return STATUS_OK;
}

static Status parse_term(const char *entry, FilterSubject subject, OrderTerms *out)
{
    Lexer lexer;
    TRY(lexer_init(&lexer, entry, "order_by"));
    OrderTerm term = {0};
    Status status = filter_key_parse(&lexer, subject, &term.key);
    if (status == STATUS_OK) {
        status = parse_direction(&lexer, &term.descending);
    }
    if (status == STATUS_OK) {
        status = check_order(&lexer, out, subject, &term.key);
    }
    if (status != STATUS_OK) {
        free(term.key.name);
        return status;
    }
    out->items = mem_grow(out->items, &out->cap, out->n + 1, sizeof *out->items);
    out->items[out->n++] = term;
    return STATUS_OK;
}

Status order_parse(const char *const *entries, size_t n, FilterSubject subject,
                   OrderTerms *out)
{
    OrderTerms terms = {0};
    for (size_t i = 0; i < n; i++) {
        Status status = parse_term(entries[i], subject, &terms);
        if (status != STATUS_OK) {
            order_free(&terms);
            return status;
        }
    }
    *out = terms;
    return STATUS_OK;
}

void order_free(OrderTerms *terms)
{
    for (size_t i = 0; i < terms->n; i++) {
        free(terms->items[i].key.name);
    }
    free(terms->items);
    *terms = (OrderTerms){0};
}
