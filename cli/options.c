/* The option parser and its help. */
#include "cli/options.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const Option COMMON[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(CommonOptions, json),
     .help = "print JSON on standard output, errors too"},
    {.name = "help",
     .alias = 'h',
     .kind = OPTION_FLAG,
     .offset = offsetof(CommonOptions, help),
     .help = "print this"},
};
enum { N_COMMON = sizeof COMMON / sizeof COMMON[0] };

typedef struct Parser {
    const OptionTable *table;
    CommonOptions *common;
    int argc;
    char **argv;
    int at;      /* the argument being read */
    bool *given; /* [n_options] for the conflicts */
} Parser;

/* The option and the struct it fills, by name or alias. */
typedef struct Found {
    const Option *option;
    void *target;
} Found;

static bool matches(const Option *option, Text name, char alias)
{
    return alias ? option->alias == alias : text_is(name, option->name);
}

static Found find_option(const Parser *parser, Text name, char alias)
{
    const OptionTable *table = parser->table;
    for (size_t i = 0; i < table->n_options; i++) {
        if (matches(&table->options[i], name, alias)) {
            parser->given[i] = true;
            return (Found){&table->options[i], table->target};
        }
    }
    for (size_t i = 0; i < N_COMMON; i++) {
        if (matches(&COMMON[i], name, alias)) {
            return (Found){&COMMON[i], parser->common};
        }
    }
    return (Found){NULL, NULL};
}

static Status refuse_unknown(const OptionTable *table, const char *shown, Text name)
{
    StrList names = {0};
    for (size_t i = 0; i < table->n_options; i++) {
        strlist_add(&names, table->options[i].name);
    }
    for (size_t i = 0; i < N_COMMON; i++) {
        strlist_add(&names, COMMON[i].name);
    }
    char *word = mem_strndup(name.p, name.n);
    const char *nearest = text_nearest(word, (const char *const *)names.items, names.n);
    status_set(STATUS_USAGE, "unknown option %s", shown);
    if (nearest) {
        status_hint("did you mean --%s?", nearest);
    }
    free(word);
    strlist_free(&names);
    return STATUS_USAGE;
}

static Status refuse_number(const Option *option, const char *kind, const char *text)
{
    return status_set(STATUS_USAGE, "--%s: expected %s, found \"%s\"", option->name, kind,
                      text);
}

static Status check_range(const Option *option, double value, const char *text)
{
    char min[32], max[32];
    bool any = option->min == 0 && option->max == 0;
    if (any || (value >= option->min && value <= option->max)) {
        return STATUS_OK;
    }
    text_from_double(option->min, min);
    text_from_double(option->max, max);
    return status_set(STATUS_USAGE, "--%s: %s is out of range, allowed is %s to %s",
                      option->name, text, min, max);
}

static Status set_int(const Option *option, const char *text, void *at)
{
    long long number;
    if (!text_to_int(text, &number)) {
        refuse_number(option, "a whole number", text);
        status_hint("numbers look like 12, 10k, 1e3, 5GiB");
        return STATUS_USAGE;
    }
    TRY(check_range(option, (double)number, text));
    *(int64_t *)at = number;
    return STATUS_OK;
}

static Status set_double(const Option *option, const char *text, void *at)
{
    double number;
    if (!text_to_double(text, &number)) {
        return refuse_number(option, "a number", text);
    }
    TRY(check_range(option, number, text));
    *(double *)at = number;
    return STATUS_OK;
}

static Status set_value(Found found, const char *text)
{
    void *at = (char *)found.target + found.option->offset;
    switch (found.option->kind) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return STATUS_OK;
    case OPTION_TEXT:
        *(const char **)at = text;
        return STATUS_OK;
    case OPTION_INT:
        return set_int(found.option, text, at);
    case OPTION_DOUBLE:
        return set_double(found.option, text, at);
    case OPTION_LIST:
        strlist_add(at, text);
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* The argument behind the option, or NULL when it is another option or none. A lone "-"
 * and negative numbers are values. */
static const char *next_value(Parser *parser, bool allow_dash)
{
    if (parser->at + 1 >= parser->argc) {
        return NULL;
    }
    const char *next = parser->argv[parser->at + 1];
    bool option_like = allow_dash ? strncmp(next, "--", 2) == 0 : next[0] == '-';
    if (option_like) {
        return NULL;
    }
    parser->at++;
    return next;
}

/* `attached` is what stood behind "=" or the alias letter; NULL for nothing. */
static Status take_option(Parser *parser, Found found, const char *attached)
{
    const Option *option = found.option;
    if (option->kind == OPTION_FLAG) {
        if (attached) {
            return status_set(STATUS_USAGE, "--%s takes no value", option->name);
        }
        return set_value(found, NULL);
    }
    const char *value = attached;
    if (!value && (!option->optional || option->optional_next)) {
        value = next_value(parser, !option->optional);
    }
    if (!value) {
        value = option->optional;
    }
    if (!value) {
        return status_set(STATUS_USAGE, "--%s: missing value %s", option->name,
                          option->value);
    }
    return set_value(found, value);
}

static Status parse_long(Parser *parser, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t n = equals ? (size_t)(equals - argument) : strlen(argument);
    Text name = {argument + 2, n - 2};
    Found found = find_option(parser, name, 0);
    if (!found.option) {
        char *shown = mem_strndup(argument, n);
        Status status = refuse_unknown(parser->table, shown, name);
        free(shown);
        return status;
    }
    return take_option(parser, found, equals ? equals + 1 : NULL);
}

static Status parse_short(Parser *parser, const char *argument)
{
    Found found = find_option(parser, TEXT(""), argument[1]);
    if (!found.option) {
        return refuse_unknown(parser->table, argument, text_of(argument + 1));
    }
    if (found.option->kind == OPTION_FLAG && argument[2]) {
        return refuse_unknown(parser->table, argument, text_of(argument + 1));
    }
    const char *rest = argument + 2 + (argument[2] == '=');
    return take_option(parser, found, argument[2] ? rest : NULL);
}

static bool was_given(const Parser *parser, const char *name)
{
    for (size_t i = 0; i < parser->table->n_options; i++) {
        if (strcmp(parser->table->options[i].name, name) == 0) {
            return parser->given[i];
        }
    }
    return strcmp(name, "json") == 0 && parser->common->json;
}

static Status check_conflicts(const Parser *parser)
{
    for (size_t i = 0; i < parser->table->n_conflicts; i++) {
        const OptionConflict *pair = &parser->table->conflicts[i];
        if (was_given(parser, pair->a) && was_given(parser, pair->b)) {
            return status_set(STATUS_USAGE, "--%s and --%s exclude each other", pair->a,
                              pair->b);
        }
    }
    return STATUS_OK;
}

static Status parse_all(Parser *parser, const char **args, size_t *n_args)
{
    bool options_end = false;
    for (; parser->at < parser->argc; parser->at++) {
        const char *argument = parser->argv[parser->at];
        if (options_end || argument[0] != '-' || !argument[1]) {
            args[(*n_args)++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            options_end = true;
        } else if (argument[1] == '-') {
            TRY(parse_long(parser, argument));
        } else {
            TRY(parse_short(parser, argument));
        }
    }
    return check_conflicts(parser);
}

Status options_parse(const OptionTable *table, int argc, char **argv,
                     CommonOptions *common, const char **args, size_t *n_args)
{
    Parser parser = {.table = table, .common = common, .argc = argc, .argv = argv};
    parser.given = mem_zalloc(table->n_options, sizeof *parser.given);
    *n_args = 0;
    Status status = parse_all(&parser, args, n_args);
    free(parser.given);
    return status;
}

void options_free(const OptionTable *table)
{
    for (size_t i = 0; i < table->n_options; i++) {
        if (table->options[i].kind == OPTION_LIST) {
            strlist_free((void *)((char *)table->target + table->options[i].offset));
        }
    }
}

bool options_want_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

enum { HELP_COLUMN = 30 };

static void help_one(const Option *option, bool has_alias, FILE *out)
{
    StrBuf left = {0};
    if (has_alias) {
        strbuf_printf(&left, "  -%c, --%s", option->alias, option->name);
    } else {
        strbuf_printf(&left, "      --%s", option->name);
    }
    if (option->optional && option->optional_next) {
        strbuf_printf(&left, " [%s]", option->value);
    } else if (option->optional) {
        strbuf_printf(&left, "[=%s]", option->value);
    } else if (option->kind != OPTION_FLAG) {
        strbuf_printf(&left, " %s", option->value);
    }
    size_t width = utf8_width((Text){left.p, left.n});
    if (width + 2 > HELP_COLUMN) {
        strbuf_add_char(&left, '\n');
        width = 0;
    }
    fprintf(out, "%s%*s%s%s\n", left.p, (int)(HELP_COLUMN - width), "", option->help,
            option->kind == OPTION_LIST ? " (may be repeated)" : "");
    strbuf_free(&left);
}

/* A command may want the letter for something else (-h for a host). */
static bool alias_is_taken(const OptionTable *table, char alias)
{
    for (size_t i = 0; i < table->n_options; i++) {
        if (table->options[i].alias == alias) {
            return true;
        }
    }
    return false;
}

void options_help(const OptionTable *table, FILE *out)
{
    for (size_t i = 0; i < table->n_options; i++) {
        help_one(&table->options[i], table->options[i].alias != 0, out);
    }
    for (size_t i = 0; i < N_COMMON; i++) {
        char alias = COMMON[i].alias;
        help_one(&COMMON[i], alias && !alias_is_taken(table, alias), out);
    }
}
