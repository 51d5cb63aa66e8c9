/* From words to a tree: which keys there are, and which operators and values they take.
 */
#include "tracker/filter.h"

#include "base/mem.h"
#include "tracker/lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Attribute {
    const char *written; /* as people write it */
    const char *name;    /* what it means */
    bool is_number;
    bool takes_in; /* IN and NOT IN */
    bool filters;  /* else it only orders */
} Attribute;

static const Attribute RUN_ATTRIBUTES[] = {
    {"run_id", "run_id", false, true, true},
    {"run_name", "run_name", false, false, true},
    {"run name", "run_name", false, false, true},
    {"Run name", "run_name", false, false, true},
    {"Run Name", "run_name", false, false, true},
    {"status", "status", false, false, true},
    {"user_id", "user_id", false, false, true},
    {"artifact_uri", "artifact_uri", false, false, true},
    {"start_time", "start_time", true, false, true},
    {"created", "start_time", true, false, true},
    {"Created", "start_time", true, false, true},
    {"end_time", "end_time", true, false, true},
};

static const Attribute EXPERIMENT_ATTRIBUTES[] = {
    {"name", "name", false, false, true},
    {"creation_time", "creation_time", true, false, true},
    {"last_update_time", "last_update_time", true, false, true},
    {"experiment_id", "experiment_id", true, false, false},
};

static const Attribute DATASET_FIELDS[] = {
    {"name", "name", false, true, true},
    {"digest", "digest", false, true, true},
    {"context", "context", false, true, true},
};

/* Entity prefixes, lower case only. */
static const struct {
    const char *word;
    FilterEntity entity;
    bool of_experiments;
} ENTITIES[] = {
    {"metric", ENTITY_METRIC, false},
    {"metrics", ENTITY_METRIC, false},
    {"param", ENTITY_PARAM, false},
    {"params", ENTITY_PARAM, false},
    {"parameter", ENTITY_PARAM, false},
    {"parameters", ENTITY_PARAM, false},
    {"tag", ENTITY_TAG, true},
    {"tags", ENTITY_TAG, true},
    {"attribute", ENTITY_ATTRIBUTE, true},
    {"attributes", ENTITY_ATTRIBUTE, true},
    {"attr", ENTITY_ATTRIBUTE, true},
    {"run", ENTITY_ATTRIBUTE, false},
    {"dataset", ENTITY_DATASET, false},
    {"datasets", ENTITY_DATASET, false},
};

enum { N_ENTITIES = sizeof ENTITIES / sizeof ENTITIES[0] };

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
    const Attribute *attribute; /* of the identifier just read, or NULL */
} Parser;

static const char *subject_name(FilterSubject subject)
{
    return subject == FILTER_RUNS ? "run" : "experiment";
}

/* ---- identifiers ---- */

static const Attribute *find_attribute(const Attribute *table, size_t n, Text name)
{
    for (size_t i = 0; i < n; i++) {
        if (text_is(name, table[i].written)) {
            return &table[i];
        }
    }
    return NULL;
}

static const Attribute *attributes_of(FilterSubject subject, size_t *n)
{
    *n = subject == FILTER_RUNS
             ? sizeof RUN_ATTRIBUTES / sizeof RUN_ATTRIBUTES[0]
             : sizeof EXPERIMENT_ATTRIBUTES / sizeof EXPERIMENT_ATTRIBUTES[0];
    return subject == FILTER_RUNS ? RUN_ATTRIBUTES : EXPERIMENT_ATTRIBUTES;
}

static Status unknown_attribute(const Parser *parser, const Attribute *table, size_t n,
                                Text name, size_t at, const char *what)
{
    const char *words[16];
    for (size_t i = 0; i < n; i++) {
        words[i] = table[i].written;
    }
    char *copy = mem_strndup(name.p, name.n);
    const char *nearest = text_nearest(copy, words, n);
    if (nearest) {
        lexer_fail(&parser->lexer, at, "there is no %s '%.60s'; did you mean %s?", what,
                   copy, nearest);
    } else if (parser->subject == FILTER_RUNS && table == RUN_ATTRIBUTES) {
        lexer_fail(&parser->lexer, at,
                   "there is no %s '%.60s'; metrics.%.60s, params.%.60s or tags.%.60s?",
                   what, copy, copy, copy, copy);
    } else {
        lexer_fail(&parser->lexer, at, "there is no %s '%.60s'", what, copy);
    }
    free(copy);
    return STATUS_USAGE;
}

static Status set_attribute(Parser *parser, Text name, size_t at, FilterKey *key)
{
    size_t n;
    const Attribute *table = attributes_of(parser->subject, &n);
    const Attribute *found = find_attribute(table, n, name);
    if (!found) {
        char what[32];
        snprintf(what, sizeof what, "%s attribute", subject_name(parser->subject));
        return unknown_attribute(parser, table, n, name, at, what);
    }
    parser->attribute = found;
    *key = (FilterKey){ENTITY_ATTRIBUTE, mem_strdup(found->name), found->is_number, at};
    return STATUS_OK;
}

static Status set_dataset_field(Parser *parser, Text name, size_t at, FilterKey *key)
{
    size_t n = sizeof DATASET_FIELDS / sizeof DATASET_FIELDS[0];
    const Attribute *found = find_attribute(DATASET_FIELDS, n, name);
    if (!found) {
        return unknown_attribute(parser, DATASET_FIELDS, n, name, at, "data set field");
    }
    parser->attribute = found;
    *key = (FilterKey){ENTITY_DATASET, mem_strdup(found->name), false, at};
    return STATUS_OK;
}

static Status find_entity(const Parser *parser, Text word, FilterEntity *out)
{
    const char *words[N_ENTITIES];
    size_t n = 0;
    for (size_t i = 0; i < N_ENTITIES; i++) {
        if (parser->subject == FILTER_EXPERIMENTS && !ENTITIES[i].of_experiments) {
            continue;
        }
        if (text_is(word, ENTITIES[i].word)) {
            *out = ENTITIES[i].entity;
            return STATUS_OK;
        }
        words[n++] = ENTITIES[i].word;
    }
    char *copy = mem_strndup(word.p, word.n);
    const char *nearest = text_nearest(copy, words, n);
    lexer_fail(&parser->lexer, parser->lexer.token.at, "there is no entity '%.60s'%s%s%s",
               copy, nearest ? "; did you mean " : "", nearest ? nearest : "",
               nearest ? "?" : "");
    free(copy);
    return STATUS_USAGE;
}

/* `metrics."val loss"`: the word ends in the dot, and the quoted key follows at once. */
static Status take_quoted_key(Parser *parser, Text *key)
{
    size_t end = parser->lexer.token.end;
    TRY(lexer_next(&parser->lexer));
    const Token *token = &parser->lexer.token;
    bool quoted = token->kind == TOKEN_DOUBLE || token->kind == TOKEN_NAME;
    if (!quoted || token->at != end || token->text.n == 0) {
        return lexer_fail(&parser->lexer, end, "expected a key after the dot");
    }
    *key = token->text;
    return STATUS_OK;
}

static Status set_key(Parser *parser, FilterEntity entity, Text name, size_t at,
                      FilterKey *key)
{
    if (entity == ENTITY_ATTRIBUTE) {
        return set_attribute(parser, name, at, key);
    }
    if (entity == ENTITY_DATASET) {
        return set_dataset_field(parser, name, at, key);
    }
    parser->attribute = NULL;
    *key = (FilterKey){entity, mem_strndup(name.p, name.n), entity == ENTITY_METRIC, at};
    return STATUS_OK;
}

/* On failure key->name may be set already; the caller frees it. */
static Status parse_identifier(Parser *parser, FilterKey *key)
{
    Token token = parser->lexer.token;
    if (token.kind == TOKEN_DOUBLE || token.kind == TOKEN_NAME) {
        TRY(set_attribute(parser, token.text, token.at, key));
        return lexer_next(&parser->lexer);
    }
    if (token.kind != TOKEN_WORD) {
        char found[64];
        token_describe(&token, found);
        return lexer_fail(&parser->lexer, token.at,
                          "expected a key such as metrics.val_loss, found %s", found);
    }
    const char *dot = memchr(token.text.p, '.', token.text.n);
    if (!dot) {
        TRY(set_attribute(parser, token.text, token.at, key));
        return lexer_next(&parser->lexer);
    }
    FilterEntity entity;
    TRY(find_entity(parser, (Text){token.text.p, (size_t)(dot - token.text.p)}, &entity));
    Text name = {dot + 1, (size_t)(token.text.p + token.text.n - dot - 1)};
    if (name.n == 0) {
        TRY(take_quoted_key(parser, &name));
    }
    TRY(set_key(parser, entity, name, token.at, key));
    return lexer_next(&parser->lexer);
}

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

static Status parse_in(Parser *parser, size_t at, bool negated, FilterOp *op)
{
    if (!lexer_is_word(&parser->lexer, "in")) {
        return lexer_fail(&parser->lexer, parser->lexer.token.at,
                          "expected IN after NOT");
    }
    if (!parser->attribute || !parser->attribute->takes_in) {
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
        return parse_in(parser, at, negated, op);
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
    Status status = parse_identifier(parser, &comparison->key);
    if (status == STATUS_OK && parser->attribute && !parser->attribute->filters) {
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
    Status status = parse_identifier(&parser, &term.key);
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
