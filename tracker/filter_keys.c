/* Keys of the search language: which entities and attributes there are, for each of what
 * can be searched. */
#include "tracker/filter_keys.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Attribute {
    const char *written; /* as people write it */
    const char *name;    /* what it means */
    bool is_number;
    bool filters; /* else it only orders */
} Attribute;

static const Attribute RUN_ATTRIBUTES[] = {
    {"run_id", "run_id", false, true},
    {"run_name", "run_name", false, true},
    {"run name", "run_name", false, true},
    {"Run name", "run_name", false, true},
    {"Run Name", "run_name", false, true},
    {"status", "status", false, true},
    {"user_id", "user_id", false, true},
    {"artifact_uri", "artifact_uri", false, true},
    {"start_time", "start_time", true, true},
    {"created", "start_time", true, true},
    {"Created", "start_time", true, true},
    {"end_time", "end_time", true, true},
};

static const Attribute EXPERIMENT_ATTRIBUTES[] = {
    {"name", "name", false, true},
    {"creation_time", "creation_time", true, true},
    {"last_update_time", "last_update_time", true, true},
    {"experiment_id", "experiment_id", true, false},
};

static const Attribute MODEL_ATTRIBUTES[] = {
    {"name", "name", false, true},
    {"creation_timestamp", "creation_timestamp", true, true},
    {"last_updated_timestamp", "last_updated_timestamp", true, true},
    {"timestamp", "last_updated_timestamp", true, true},
};

static const Attribute VERSION_ATTRIBUTES[] = {
    {"name", "name", false, true},
    {"run_id", "run_id", false, true},
    {"source_path", "source_path", false, true},
    {"version_number", "version_number", true, true},
    {"creation_timestamp", "creation_timestamp", true, true},
    {"last_updated_timestamp", "last_updated_timestamp", true, true},
};

static const Attribute LOGGED_MODEL_ATTRIBUTES[] = {
    {"name", "name", false, true},
    {"model_id", "model_id", false, true},
    {"model_type", "model_type", false, true},
    {"source_run_id", "source_run_id", false, true},
    {"status", "status", false, true},
    {"experiment_id", "experiment_id", false, true},
    {"creation_timestamp", "creation_timestamp", true, true},
    {"creation_time", "creation_timestamp", true, true},
    {"last_updated_timestamp", "last_updated_timestamp", true, true},
};

static const Attribute DATASET_FIELDS[] = {
    {"name", "name", false, true},
    {"digest", "digest", false, true},
    {"context", "context", false, true},
};

/* What each subject is called, and its attributes. */
static const struct {
    const char *name;
    const Attribute *attributes;
    size_t n;
} SUBJECTS[N_FILTER_SUBJECTS] = {
#define SUBJECT(name, table)                                                             \
    {                                                                                    \
        name, table, sizeof table / sizeof table[0]                                      \
    }
    [FILTER_RUNS] = SUBJECT("run", RUN_ATTRIBUTES),
    [FILTER_EXPERIMENTS] = SUBJECT("experiment", EXPERIMENT_ATTRIBUTES),
    [FILTER_MODELS] = SUBJECT("registered model", MODEL_ATTRIBUTES),
    [FILTER_VERSIONS] = SUBJECT("model version", VERSION_ATTRIBUTES),
    [FILTER_LOGGED_MODELS] = SUBJECT("logged model", LOGGED_MODEL_ATTRIBUTES),
#undef SUBJECT
};

/* Of which subjects an entity is. */
enum { OF_RUNS = 1, OF_LOGGED = 2, OF_ALL = 4 };

/* Entity prefixes, lower case only. */
static const struct {
    const char *word;
    FilterEntity entity;
    unsigned subjects;
} ENTITIES[] = {
    {"metric", ENTITY_METRIC, OF_RUNS | OF_LOGGED},
    {"metrics", ENTITY_METRIC, OF_RUNS | OF_LOGGED},
    {"param", ENTITY_PARAM, OF_RUNS | OF_LOGGED},
    {"params", ENTITY_PARAM, OF_RUNS | OF_LOGGED},
    {"parameter", ENTITY_PARAM, OF_RUNS},
    {"parameters", ENTITY_PARAM, OF_RUNS},
    {"tag", ENTITY_TAG, OF_ALL},
    {"tags", ENTITY_TAG, OF_ALL},
    {"attribute", ENTITY_ATTRIBUTE, OF_ALL},
    {"attributes", ENTITY_ATTRIBUTE, OF_ALL},
    {"attr", ENTITY_ATTRIBUTE, OF_ALL},
    {"run", ENTITY_ATTRIBUTE, OF_RUNS},
    {"dataset", ENTITY_DATASET, OF_RUNS},
    {"datasets", ENTITY_DATASET, OF_RUNS},
};

enum { N_ENTITIES = sizeof ENTITIES / sizeof ENTITIES[0] };

/* Where a key is being read, for its errors. */
typedef struct Reader {
    Lexer *lexer;
    FilterSubject subject;
} Reader;

static const Attribute *find_attribute(const Attribute *table, size_t n, Text name)
{
    for (size_t i = 0; i < n; i++) {
        if (text_is(name, table[i].written)) {
            return &table[i];
        }
    }
    return NULL;
}

static bool has_entity(FilterSubject subject, unsigned subjects)
{
    return (subjects & OF_ALL) || (subject == FILTER_RUNS && (subjects & OF_RUNS)) ||
           (subject == FILTER_LOGGED_MODELS && (subjects & OF_LOGGED));
}

static Status unknown_attribute(const Reader *reader, const Attribute *table, size_t n,
                                Text name, size_t at, const char *what)
{
    const char *words[16];
    for (size_t i = 0; i < n; i++) {
        words[i] = table[i].written;
    }
    char *copy = mem_strndup(name.p, name.n);
    const char *nearest = text_nearest(copy, words, n);
    if (nearest) {
        lexer_fail(reader->lexer, at, "there is no %s '%.60s'; did you mean %s?", what,
                   copy, nearest);
    } else if (reader->subject == FILTER_RUNS && table == RUN_ATTRIBUTES) {
        lexer_fail(reader->lexer, at,
                   "there is no %s '%.60s'; metrics.%.60s, params.%.60s or tags.%.60s?",
                   what, copy, copy, copy, copy);
    } else {
        lexer_fail(reader->lexer, at, "there is no %s '%.60s'", what, copy);
    }
    free(copy);
    return STATUS_USAGE;
}

static Status set_attribute(Reader *reader, Text name, size_t at, FilterKey *key)
{
    const Attribute *table = SUBJECTS[reader->subject].attributes;
    size_t n = SUBJECTS[reader->subject].n;
    const Attribute *found = find_attribute(table, n, name);
    if (!found) {
        char what[32];
        snprintf(what, sizeof what, "%s attribute", SUBJECTS[reader->subject].name);
        return unknown_attribute(reader, table, n, name, at, what);
    }
    *key = (FilterKey){.entity = ENTITY_ATTRIBUTE,
                       .name = mem_strdup(found->name),
                       .is_number = found->is_number,
                       .orders_only = !found->filters,
                       .at = at};
    return STATUS_OK;
}

static Status set_dataset_field(Reader *reader, Text name, size_t at, FilterKey *key)
{
    size_t n = sizeof DATASET_FIELDS / sizeof DATASET_FIELDS[0];
    const Attribute *found = find_attribute(DATASET_FIELDS, n, name);
    if (!found) {
        return unknown_attribute(reader, DATASET_FIELDS, n, name, at, "data set field");
    }
    *key =
        (FilterKey){.entity = ENTITY_DATASET, .name = mem_strdup(found->name), .at = at};
    return STATUS_OK;
}

static Status find_entity(const Reader *reader, Text word, FilterEntity *out)
{
    const char *words[N_ENTITIES];
    size_t n = 0;
    for (size_t i = 0; i < N_ENTITIES; i++) {
        if (!has_entity(reader->subject, ENTITIES[i].subjects)) {
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
    lexer_fail(reader->lexer, reader->lexer->token.at, "there is no entity '%.60s'%s%s%s",
               copy, nearest ? "; did you mean " : "", nearest ? nearest : "",
               nearest ? "?" : "");
    free(copy);
    return STATUS_USAGE;
}

/* `metrics."val loss"`: the word ends in the dot, and the quoted key follows at once. */
static Status take_quoted_key(Reader *reader, Text *key)
{
    size_t end = reader->lexer->token.end;
    TRY(lexer_next(reader->lexer));
    const Token *token = &reader->lexer->token;
    bool quoted = token->kind == TOKEN_DOUBLE || token->kind == TOKEN_NAME;
    if (!quoted || token->at != end || token->text.n == 0) {
        return lexer_fail(reader->lexer, end, "expected a key after the dot");
    }
    *key = token->text;
    return STATUS_OK;
}

static Status set_key(Reader *reader, FilterEntity entity, Text name, size_t at,
                      FilterKey *key)
{
    if (entity == ENTITY_ATTRIBUTE) {
        return set_attribute(reader, name, at, key);
    }
    if (entity == ENTITY_DATASET) {
        return set_dataset_field(reader, name, at, key);
    }
    *key = (FilterKey){.entity = entity,
                       .name = mem_strndup(name.p, name.n),
                       .is_number = entity == ENTITY_METRIC,
                       .at = at};
    return STATUS_OK;
}

static Status parse_key(Reader *reader, FilterKey *key)
{
    Token token = reader->lexer->token;
    if (token.kind == TOKEN_DOUBLE || token.kind == TOKEN_NAME) {
        TRY(set_attribute(reader, token.text, token.at, key));
        return lexer_next(reader->lexer);
    }
    if (token.kind != TOKEN_WORD) {
        char found[64];
        token_describe(&token, found);
        return lexer_fail(reader->lexer, token.at,
                          "expected a key such as metrics.val_loss, found %s", found);
    }
    const char *dot = memchr(token.text.p, '.', token.text.n);
    if (!dot) {
        TRY(set_attribute(reader, token.text, token.at, key));
        return lexer_next(reader->lexer);
    }
    FilterEntity entity;
    TRY(find_entity(reader, (Text){token.text.p, (size_t)(dot - token.text.p)}, &entity));
    Text name = {dot + 1, (size_t)(token.text.p + token.text.n - dot - 1)};
    if (name.n == 0) {
        TRY(take_quoted_key(reader, &name));
    }
    TRY(set_key(reader, entity, name, token.at, key));
    return lexer_next(reader->lexer);
}

Status filter_key_parse(Lexer *lexer, FilterSubject subject, FilterKey *out)
{
    Reader reader = {lexer, subject};
    FilterKey key = {0};
    Status status = parse_key(&reader, &key);
    if (status != STATUS_OK) {
        free(key.name);
        return status;
    }
    *out = key;
    return STATUS_OK;
}
