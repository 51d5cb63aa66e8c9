/* From words to a tree: which keys there are, and which operators and values they take.
 */
#include "tracker/filter.h"

#include "base/mem.h"
#include "tracker/filter_keys.h"
#include "tracker/lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    FilterOp op;
    bool for_text;
} OPERATORS[] = {
    {"=", OP_EQ, true},   {"!=", OP_NE, true}, {"<", OP_LT, false},
    {"<=", OP_LE, false}, {">", OP_GT, false}, {">=", OP_GE, false},
};

typedef struct Parser {
    Lexer lexer;
    FilterSubject subject;
} Parser;

/* ---- operators and values ---- */

static const char *kind_of_key(const FilterKey *key)
{
    static const char *const NAMES[] = {
        [ENTITY_ATTRIBUTE] = "this attribute",
        [ENTITY_METRIC] = "a metric",
        [ENTITY_PARAM] = "a param",
        [ENTITY_TAG] = "a tag",
        [ENTITY_DATASET] = "a data set field",
    };
    return NAMES[key->entity];
}

static Status parse_symbol(Parser *parser, const FilterKey *key, FilterOp *op)
{
    Token token = parser->lexer.token;
    for (size_t i = 0; i < sizeof OPERATORS / sizeof OPERATORS[0]; i++) {
        if (!text_is(token.text, OPERATORS[i].text)) {
            continue;
        }
        if (!key->is_number && !OPERATORS[i].for_text) {
            return lexer_fail(&parser->lexer, token.at,
                              "%s is text: expected =, !=, LIKE or ILIKE, found %s",
                              kind_of_key(key), OPERATORS[i].text);
        }
        *op = OPERATORS[i].op;
        return lexer_next(&parser->lexer);
    }
    const char *instead = text_is(token.text, "==")   ? " (write =)"
                          : text_is(token.text, "<>") ? " (write !=)"
                                                      : "";
    return lexer_fail(&parser->lexer, token.at, "there is no operator %.*s%s",
                      (int)token.text.n, token.text.p, instead);
}

static Status parse_in(Parser *parser, const FilterKey *key, size_t at, bool negated,
                       FilterOp *op)
{
    if (!lexer_is_word(&parser->lexer, "in")) {
        return lexer_fail(&parser->lexer, parser->lexer.token.at,
                          "expected IN after NOT");
    }
    if (!key->takes_in) {
        return lexer_fail(&parser->lexer, at,
                          "IN and NOT IN are for run_id and data sets alone");
    }
    *op = negated ? OP_NOT_IN : OP_IN;
    return lexer_next(&parser->lexer);
}

static Status parse_operator(Parser *parser, const FilterKey *key, FilterOp *op)
{
    Lexer *lexer = &parser->lexer;
    size_t at = lexer->token.at;
    if (lexer->token.kind == TOKEN_OPERATOR) {
        return parse_symbol(parser, key, op);
    }
    bool like = lexer_is_word(lexer, "like");
    if (like || lexer_is_word(lexer, "ilike")) {
        if (key->is_number) {
            return lexer_fail(lexer, at, "%s is a number: expected =, !=, <, <=, > or >=",
                              kind_of_key(key));
        }
        *op = like ? OP_LIKE : OP_ILIKE;
        return lexer_next(lexer);
    }
    bool negated = lexer_is_word(lexer, "not");
    if (negated) {
        TRY(lexer_next(lexer));
    }
    if (negated || lexer_is_word(lexer, "in")) {
        return parse_in(parser, key, at, negated, op);
    }
    char found[64];
    token_describe(&lexer->token, found);
    return lexer_fail(lexer, at, "expected an operator, found %s", found);
}

static bool is_text_value(const Token *token)
{
    return token->kind == TOKEN_STRING || token->kind == TOKEN_DOUBLE;
}

static Status parse_text(Parser *parser, const char *expected, StrList *out)
{
    const Token *token = &parser->lexer.token;
    if (!is_text_value(token)) {
        char found[64];
        token_describe(token, found);
        return lexer_fail(&parser->lexer, token->at, "expected %s, found %s", expected,
                          found);
    }
    strlist_add_take(out, mem_strndup(token->text.p, token->text.n));
    return lexer_next(&parser->lexer);
}

static Status parse_list(Parser *parser, StrList *out)
{
    Lexer *lexer = &parser->lexer;
    if (lexer->token.kind != TOKEN_OPEN) {
        return lexer_fail(lexer, lexer->token.at, "expected a list such as ('a', 'b')");
    }
    do {
        TRY(lexer_next(lexer));
        TRY(parse_text(parser, "text in quotes", out));
    } while (lexer->token.kind == TOKEN_COMMA);
    if (lexer->token.kind != TOKEN_CLOSE) {
        return lexer_fail(lexer, lexer->token.at, "expected , or ) in the list");
    }
    return lexer_next(lexer);
}

static Status parse_number(Parser *parser, const FilterKey *key, double *out)
{
    const Token *token = &parser->lexer.token;
    if (token->kind != TOKEN_NUMBER) {
        char found[64];
        token_describe(token, found);
        return lexer_fail(&parser->lexer, token->at,
                          "%s is a number: expected one without quotes, found %s",
                          kind_of_key(key), found);
    }
    *out = token->number;
    return lexer_next(&parser->lexer);
}

static Status parse_value(Parser *parser, FilterComparison *comparison)
{
    if (comparison->op == OP_IN || comparison->op == OP_NOT_IN) {
        return parse_list(parser, &comparison->texts);
    }
    if (comparison->key.is_number) {
        return parse_number(parser, &comparison->key, &comparison->number);
    }
    char expected[64];
    snprintf(expected, sizeof expected, "text in quotes (%s is text)",
             kind_of_key(&comparison->key));
    return parse_text(parser, expected, &comparison->texts);
}

/* ---- the expression ---- */

static FilterNode *node_new(FilterNodeKind kind)
{
    FilterNode *node = mem_zalloc(1, sizeof *node);
    node->kind = kind;
    return node;
}

static void node_add(FilterNode *parent, FilterNode *child)
{
    parent->children = mem_grow(parent->children, &parent->cap_children,
                                parent->n_children + 1, sizeof(FilterNode *));
    parent->children[parent->n_children++] = child;
}

/* What people try from other languages gets a name instead of "expected a key". */
static Status refuse_unsupported(const Parser *parser)
{
    const Lexer *lexer = &parser->lexer;
    if (lexer->token.kind == TOKEN_OPEN || lexer->token.kind == TOKEN_CLOSE) {
        return lexer_fail(lexer, lexer->token.at,
                          "parentheses group nothing here: join comparisons with AND");
    }
    static const char *const WORDS[] = {"or", "not", "is", "between"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (lexer_is_word(lexer, WORDS[i])) {
            return lexer_fail(lexer, lexer->token.at,
                              "%.*s is not supported: join comparisons with AND",
                              (int)lexer->token.text.n, lexer->token.text.p);
        }
    }
    return STATUS_OK;
}

static Status parse_comparison(Parser *parser, FilterNode **out)
{
    TRY(refuse_unsupported(parser));
    FilterNode *node = node_new(FILTER_COMPARISON);
    FilterComparison *comparison = &node->comparison;
    Status status = filter_key_parse(&parser->lexer, parser->subject, &comparison->key);
    if (status == STATUS_OK && comparison->key.orders_only) {
        status = lexer_fail(&parser->lexer, comparison->key.at,
                            "%s orders, but does not filter", comparison->key.name);
    }
    if (status == STATUS_OK) {
        status = parse_operator(parser, &comparison->key, &comparison->op);
    }
    if (status == STATUS_OK) {
        status = parse_value(parser, comparison);
    }
    if (status != STATUS_OK) {
        filter_free(node);
        return status;
    }
    *out = node;
    return STATUS_OK;
}

static Status skip_and(Parser *parser)
{
    while (lexer_is_word(&parser->lexer, "and")) {
        TRY(lexer_next(&parser->lexer));
    }
    return STATUS_OK;
}

static Status parse_conjunction(Parser *parser, FilterNode *root)
{
    TRY(skip_and(parser));
    if (parser->lexer.token.kind == TOKEN_END) {
        return lexer_fail(&parser->lexer, parser->lexer.token.at,
                          "expected a comparison such as metrics.val_loss < 0.5");
    }
    while (parser->lexer.token.kind != TOKEN_END) {
        FilterNode *comparison;
        TRY(parse_comparison(parser, &comparison));
        node_add(root, comparison);
        TRY(skip_and(parser));
    }
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
    FilterNode *root = node_new(FILTER_AND);
    Status status = parse_conjunction(&parser, root);
    if (status != STATUS_OK) {
        filter_free(root);
        return status;
    }
    *out = root;
    return STATUS_OK;
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

/* ---- order_by ---- */

static Status parse_direction(Parser *parser, bool *descending)
{
    Lexer *lexer = &parser->lexer;
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

static Status parse_term(const char *entry, FilterSubject subject, OrderTerms *out)
{
    Parser parser = {.subject = subject};
    TRY(lexer_init(&parser.lexer, entry, "order_by"));
    OrderTerm term = {0};
    Status status = filter_key_parse(&parser.lexer, parser.subject, &term.key);
    if (status == STATUS_OK) {
        status = parse_direction(&parser, &term.descending);
    }
    if (status == STATUS_OK && term.key.entity == ENTITY_DATASET) {
        status = lexer_fail(&parser.lexer, term.key.at, "data sets do not order runs");
    }
    if (status == STATUS_OK && already_ordered(out, &term.key)) {
        status = lexer_fail(&parser.lexer, term.key.at, "this key stands twice");
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
