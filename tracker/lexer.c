/* Cutting a search string into words, and pointing at places in it. */
#include "tracker/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SHOWN = 60 }; /* bytes shown on either side of the caret */

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t columns(const char *text, size_t n)
{
    size_t result = 0;
    for (size_t i = 0; i < n; i++) {
        result += !is_continuation(text[i]);
    }
    return result;
}

/* The text around `at` on one line, and a caret below it. Eight spaces are what the
 * hint's own prefix takes on the terminal. */
static void hint_place(const char *text, size_t at)
{
    size_t begin = at > SHOWN ? at - SHOWN : 0;
    while (begin > 0 && is_continuation(text[begin])) {
        begin--;
    }
    size_t end = at + strnlen(text + at, SHOWN);
    while (is_continuation(text[end])) {
        end++;
    }
    StrBuf line = {0};
    strbuf_add(&line, text + begin, end - begin);
    for (size_t i = 0; i < line.n; i++) {
        line.p[i] = iscntrl((unsigned char)line.p[i]) ? ' ' : line.p[i];
    }
    status_hint("%s\n%*s^", line.p, (int)(8 + columns(text + begin, at - begin)), "");
    strbuf_free(&line);
}

Status lexer_fail(const Lexer *lexer, size_t at, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    status_set(STATUS_USAGE, "%s:%zu: %s", lexer->what, columns(lexer->text, at) + 1,
               message);
    hint_place(lexer->text, at);
    return STATUS_USAGE;
}

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* MLflow wants odd characters in quotes; these cannot be mistaken for anything else. */
static bool is_word_char(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || (c && strchr(".-/:$@", c));
}

static size_t digits_at(const char *p)
{
    return strspn(p, "0123456789");
}

/* Length of the number at `p`: 1 -1 1. .5 1e-3; 0 when there is none. */
static size_t number_length(const char *p)
{
    size_t n = *p == '-';
    size_t whole = digits_at(p + n);
    n += whole;
    if (p[n] == '.') {
        size_t fraction = digits_at(p + n + 1);
        if (whole + fraction == 0) {
            return 0;
        }
        n += 1 + fraction;
    } else if (whole == 0) {
        return 0;
    }
    if (p[n] == 'e' || p[n] == 'E') {
        size_t sign = p[n + 1] == '-' || p[n + 1] == '+';
        size_t exponent = digits_at(p + n + 1 + sign);
        n += exponent ? 1 + sign + exponent : 0;
    }
    return n;
}

static Status take_number(Lexer *lexer, const char *p, size_t n)
{
    if (is_word_char(p[n])) {
        return lexer_fail(lexer, lexer->token.at, "this is not a number");
    }
    lexer->token.kind = TOKEN_NUMBER;
    lexer->token.text = (Text){p, n};
    lexer->token.number = strtod(p, NULL);
    lexer->at += n;
    return STATUS_OK;
}

/* There are no escapes; a doubled quote belongs to the text and stays doubled. */
static Status take_quoted(Lexer *lexer, const char *p)
{
    char quote = *p;
    size_t n = 1;
    for (;; n++) {
        if (!p[n]) {
            return lexer_fail(lexer, lexer->token.at, "this quote is never closed");
        }
        if (p[n] == quote && p[n + 1] == quote) {
            n++;
        } else if (p[n] == quote) {
            break;
        }
    }
    lexer->token.kind = quote == '\''  ? TOKEN_STRING
                        : quote == '"' ? TOKEN_DOUBLE
                                       : TOKEN_NAME;
    lexer->token.text = (Text){p + 1, n - 1};
    lexer->at += n + 1;
    return STATUS_OK;
}

static Status take_operator(Lexer *lexer, const char *p)
{
    size_t n = strspn(p, "=!<>~");
    lexer->token.kind = TOKEN_OPERATOR;
    lexer->token.text = (Text){p, n};
    lexer->at += n;
    return STATUS_OK;
}

static Status take_single(Lexer *lexer, TokenKind kind)
{
    lexer->token.kind = kind;
    lexer->token.text = (Text){lexer->text + lexer->at, 1};
    lexer->at++;
    return STATUS_OK;
}

static Status take_word(Lexer *lexer, const char *p)
{
    size_t n = 1;
    while (is_word_char(p[n])) {
        n++;
    }
    lexer->token.kind = TOKEN_WORD;
    lexer->token.text = (Text){p, n};
    lexer->at += n;
    return STATUS_OK;
}

static Status take_token(Lexer *lexer)
{
    const char *p = lexer->text + lexer->at;
    size_t number = number_length(p);
    if (number > 0) {
        return take_number(lexer, p, number);
    }
    if (is_word_start(*p)) {
        return take_word(lexer, p);
    }
    switch (*p) {
    case '\0':
        lexer->token.kind = TOKEN_END;
        lexer->token.text = (Text){p, 0};
        return STATUS_OK;
    case '\'':
    case '"':
    case '`':
        return take_quoted(lexer, p);
    case '(':
        return take_single(lexer, TOKEN_OPEN);
    case ')':
        return take_single(lexer, TOKEN_CLOSE);
    case ',':
        return take_single(lexer, TOKEN_COMMA);
    case '=':
    case '!':
    case '<':
    case '>':
    case '~':
        return take_operator(lexer, p);
    default:
        return lexer_fail(lexer, lexer->at, "unexpected character");
    }
}

Status lexer_next(Lexer *lexer)
{
    while (isspace((unsigned char)lexer->text[lexer->at])) {
        lexer->at++;
    }
    lexer->token = (Token){.at = lexer->at};
    Status status = take_token(lexer);
    lexer->token.end = lexer->at;
    return status;
}

Status lexer_init(Lexer *lexer, const char *text, const char *what)
{
    *lexer = (Lexer){.text = text, .what = what};
    return lexer_next(lexer);
}

bool lexer_is_word(const Lexer *lexer, const char *keyword)
{
    const Token *token = &lexer->token;
    return token->kind == TOKEN_WORD && token->text.n == strlen(keyword) &&
           strncasecmp(token->text.p, keyword, token->text.n) == 0;
}

void token_describe(const Token *token, char out[64])
{
    static const char QUOTES[][2] = {
        [TOKEN_NAME] = "`",     [TOKEN_DOUBLE] = "\"", [TOKEN_STRING] = "'",
        [TOKEN_OPERATOR] = "'", [TOKEN_OPEN] = "'",    [TOKEN_CLOSE] = "'",
        [TOKEN_COMMA] = "'",
    };
    if (token->kind == TOKEN_END) {
        snprintf(out, 64, "the end");
        return;
    }
    int n = token->text.n > 40 ? 40 : (int)token->text.n;
    const char *quote = QUOTES[token->kind];
    snprintf(out, 64, "%s%.*s%s", quote, n, token->text.p, quote);
}
