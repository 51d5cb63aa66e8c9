/* Which operators a key takes, and which values they take. */
#include "tracker/filter_comparison.h"

#include "base/mem.h"
#include "tracker/filter_keys.h"

#include <stdio.h>
#include <string.h>

/* ---- operators ---- */

static const struct {
    const char *text;
    FilterOp op;
    bool for_text;
} SYMBOLS[] = {
    {"=", OP_EQ, true},   {"!=", OP_NE, true}, {"<", OP_LT, false},
    {"<=", OP_LE, false}, {">", OP_GT, false}, {">=", OP_GE, false},
};

static const struct {
    const char *word;
    FilterOp op, negated;
} WORDS[] = {
    {"like", OP_LIKE, OP_NOT_LIKE},
    {"ilike", OP_ILIKE, OP_NOT_ILIKE},
    {"in", OP_IN, OP_NOT_IN},
};

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

static Status expected(const Lexer *lexer, const char *what)
{
    char found[64];
    token_describe(&lexer->token, found);
    return lexer_fail(lexer, lexer->token.at, "expected %s, found %s", what, found);
}

static Status parse_symbol(Lexer *lexer, const FilterKey *key, FilterOp *op)
{
    Token token = lexer->token;
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof SYMBOLS[0]; i++) {
        if (!text_is(token.text, SYMBOLS[i].text)) {
            continue;
        }
        if (!key->is_number && !SYMBOLS[i].for_text) {
            return lexer_fail(lexer, token.at,
                              "%s is text: expected =, !=, LIKE, ILIKE or IN, found %s",
                              kind_of_key(key), SYMBOLS[i].text);
        }
        *op = SYMBOLS[i].op;
        return lexer_next(lexer);
    }
    const char *instead = text_is(token.text, "==")   ? " (write =)"
                          : text_is(token.text, "<>") ? " (write !=)"
                                                      : "";
    return lexer_fail(lexer, token.at, "there is no operator %.*s%s", (int)token.text.n,
                      token.text.p, instead);
}

/* IS NULL, IS NOT NULL */
static Status parse_is(Lexer *lexer, FilterOp *op)
{
    TRY(lexer_next(lexer));
    *op = OP_IS_NULL;
    if (lexer_is_word(lexer, "not")) {
        *op = OP_IS_NOT_NULL;
        TRY(lexer_next(lexer));
    }
    if (!lexer_is_word(lexer, "null")) {
        return expected(lexer, *op == OP_IS_NULL ? "NULL or NOT NULL" : "NULL");
    }
    return lexer_next(lexer);
}

/* [NOT] LIKE, ILIKE, IN */
static Status parse_word(Lexer *lexer, const FilterKey *key, FilterOp *op)
{
    size_t at = lexer->token.at;
    bool negated = lexer_is_word(lexer, "not");
    if (negated) {
        TRY(lexer_next(lexer));
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!lexer_is_word(lexer, WORDS[i].word)) {
            continue;
        }
        if (key->is_number) {
            return lexer_fail(lexer, at, "%s is a number: expected =, !=, <, <=, > or >=",
                              kind_of_key(key));
        }
        *op = negated ? WORDS[i].negated : WORDS[i].op;
        return lexer_next(lexer);
    }
    return expected(lexer, negated ? "LIKE, ILIKE or IN after NOT" : "an operator");
}

static Status parse_operator(Lexer *lexer, const FilterKey *key, FilterOp *op)
{
    if (lexer->token.kind == TOKEN_OPERATOR) {
        return parse_symbol(lexer, key, op);
    }
    return lexer_is_word(lexer, "is") ? parse_is(lexer, op) : parse_word(lexer, key, op);
}

/* ---- values ---- */

static Status parse_text(Lexer *lexer, const char *what, StrList *out)
{
    const Token *token = &lexer->token;
    if (token->kind != TOKEN_STRING && token->kind != TOKEN_DOUBLE) {
        return expected(lexer, what);
    }
    strlist_add_take(out, mem_strndup(token->text.p, token->text.n));
    return lexer_next(lexer);
}

static Status parse_pattern(Lexer *lexer, const char *what, StrList *out)
{
    if (lexer->token.text.n > FILTER_MAX_PATTERN) {
        return lexer_fail(lexer, lexer->token.at, "a pattern has at most %d bytes",
                          FILTER_MAX_PATTERN);
    }
    return parse_text(lexer, what, out);
}

static Status parse_list(Lexer *lexer, StrList *out)
{
    if (lexer->token.kind != TOKEN_OPEN) {
        return lexer_fail(lexer, lexer->token.at, "expected a list such as ('a', 'b')");
    }
    do {
        TRY(lexer_next(lexer));
        TRY(parse_text(lexer, "text in quotes", out));
    } while (lexer->token.kind == TOKEN_COMMA);
    if (lexer->token.kind != TOKEN_CLOSE) {
        return lexer_fail(lexer, lexer->token.at, "expected , or ) in the list");
    }
    return lexer_next(lexer);
}

static Status parse_number(Lexer *lexer, const FilterKey *key, double *out)
{
    if (lexer->token.kind != TOKEN_NUMBER) {
        char found[64];
        token_describe(&lexer->token, found);
        return lexer_fail(lexer, lexer->token.at,
                          "%s is a number: expected one without quotes, found %s",
                          kind_of_key(key), found);
    }
    *out = lexer->token.number;
    return lexer_next(lexer);
}

static Status parse_value(Lexer *lexer, FilterComparison *comparison)
{
    char text[64];
    snprintf(text, sizeof text, "text in quotes (%s is text)",
             kind_of_key(&comparison->key));
    switch (comparison->op) {
    case OP_IS_NULL:
    case OP_IS_NOT_NULL:
        return STATUS_OK;
    case OP_IN:
    case OP_NOT_IN:
        return parse_list(lexer, &comparison->texts);
    case OP_LIKE:
    case OP_NOT_LIKE:
    case OP_ILIKE:
    case OP_NOT_ILIKE:
        return parse_pattern(lexer, text, &comparison->texts);
    default:
        return comparison->key.is_number
                   ? parse_number(lexer, &comparison->key, &comparison->number)
                   : parse_text(lexer, text, &comparison->texts);
    }
}

Status filter_comparison_parse(Lexer *lexer, FilterSubject subject, FilterComparison *out)
{
    TRY(filter_key_parse(lexer, subject, &out->key));
    if (out->key.orders_only) {
        return lexer_fail(lexer, out->key.at, "%s orders, but does not filter",
                          out->key.name);
    }
    TRY(parse_operator(lexer, &out->key, &out->op));
    return parse_value(lexer, out);
}
