/* The words of the search language. */
#ifndef MUSTER_TRACKER_LEXER_H
#define MUSTER_TRACKER_LEXER_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_WORD,   /* metrics.val_loss, AND, LIKE */
    TOKEN_NAME,   /* `...`: a quoted key */
    TOKEN_DOUBLE, /* "...": a quoted key or a value */
    TOKEN_STRING, /* '...': a value */
    TOKEN_NUMBER,
    TOKEN_OPERATOR, /* = != < <= > >= and what looks like one */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA
} TokenKind;

typedef struct Token {
    TokenKind kind;
    Text text; /* without quotes; borrowed from the lexer's text */
    size_t at; /* byte offset, of the opening quote if there is one */
    size_t end;
    double number; /* TOKEN_NUMBER */
} Token;

typedef struct Lexer {
    const char *text;
    const char *what; /* "filter", "order_by": how errors name it */
    size_t at;
    Token token; /* the current one */
} Lexer;

/* Starts at the first token. */
Status lexer_init(Lexer *lexer, const char *text, const char *what);

/* Moves to the next token. STATUS_USAGE for what no token begins with, and for quotes
 * that are never closed. */
Status lexer_next(Lexer *lexer);

/* True when the current token is this keyword, in any case. */
bool lexer_is_word(const Lexer *lexer, const char *keyword);

/* Fails at byte `at`: "filter:12: MESSAGE", with the place under a caret as the hint. */
Status lexer_fail(const Lexer *lexer, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "end", "number 3", "'>='": a token for error messages. */
void token_describe(const Token *token, char out[64]);

#endif
