/* Putting a tokenizer together, finding added tokens, and decoding. */
#include "data/tokenizer.h"

#include "base/mem.h"
#include "data/ascii.h"
#include "data/tokenizer_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static uint32_t find_in(const StrList *vocab, const char *token)
{
    for (size_t i = 0; i < vocab->n; i++) {
        if (strcmp(vocab->items[i], token) == 0) {
            return (uint32_t)i;
        }
    }
    return PIECE_ABSENT;
}

static void bert_templates(uint32_t cls, uint32_t sep, TokenizerSettings *out)
{
    const TemplatePart single[] = {{-1, cls, 0}, {0, 0, 0}, {-1, sep, 0}};
    const TemplatePart pair[] = {
        {-1, cls, 0}, {0, 0, 0}, {-1, sep, 0}, {1, 0, 1}, {-1, sep, 1}};
    memcpy(out->single.parts, single, sizeof single);
    out->single.n = 3;
    memcpy(out->pair.parts, pair, sizeof pair);
    out->pair.n = 5;
}

void tokenizer_default_settings(const StrList *vocab, AddedToken *added,
                                TokenizerSettings *out)
{
    static const char *const SPECIAL[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    *out = (TokenizerSettings){.normalizer = {true, true, true, true},
                               .model = {"[UNK]", "##", 100},
                               .added = added,
                               .decoder_cleanup = true};
    for (size_t i = 0; i < sizeof SPECIAL / sizeof SPECIAL[0]; i++) {
        uint32_t id = find_in(vocab, SPECIAL[i]);
        if (id != PIECE_ABSENT) {
            added[out->n_added++] = (AddedToken){(char *)(uintptr_t)SPECIAL[i], id, true};
        }
    }
    uint32_t cls = find_in(vocab, "[CLS]"), sep = find_in(vocab, "[SEP]");
    if (cls != PIECE_ABSENT && sep != PIECE_ABSENT) {
        bert_templates(cls, sep, out);
    }
}

/* ---- opening ---- */

void tokenizer_close(Tokenizer *tokenizer)
{
    if (!tokenizer) {
        return;
    }
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        free(tokenizer->added[i].content);
    }
    free(tokenizer->added);
    wordpiece_close(tokenizer->model);
    free(tokenizer);
}

static Status copy_added(const TokenizerSettings *settings, Tokenizer *tokenizer)
{
    tokenizer->added = mem_zalloc(settings->n_added, sizeof *tokenizer->added);
    for (size_t i = 0; i < settings->n_added; i++) {
        const AddedToken *token = &settings->added[i];
        if (!*token->content) {
            return status_set(STATUS_DAMAGED, "added token %zu is empty", i);
        }
        uint32_t known = wordpiece_find(tokenizer->model, text_of(token->content));
        if (known != token->id &&
            (known != PIECE_ABSENT || token->id < wordpiece_size(tokenizer->model))) {
            return status_set(STATUS_DAMAGED,
                              "added token \"%s\" has the id %u, in the vocabulary it is "
                              "another",
                              token->content, token->id);
        }
        tokenizer->added[i] = *token;
        tokenizer->added[i].content = mem_strdup(token->content);
        tokenizer->first_byte[(unsigned char)token->content[0]] = true;
        tokenizer->n_added = i + 1;
    }
    return STATUS_OK;
}

static size_t count_added(const Template *template)
{
    size_t n = 0;
    for (size_t i = 0; i < template->n; i++) {
        n += template->parts[i].text < 0;
    }
    return n;
}

static void find_punctuation(Tokenizer *tokenizer)
{
    for (int c = 0; c < 128; c++) {
        char byte = (char)c;
        uint32_t id = wordpiece_find(tokenizer->model, (Text){&byte, 1});
        bool known = id != PIECE_ABSENT && tokenizer->settings.model.max_word_chars > 0;
        tokenizer->punctuation[c] = known ? id : wordpiece_unk(tokenizer->model);
    }
}

Status tokenizer_create(const StrList *vocab, const TokenizerSettings *settings,
                        Tokenizer **out)
{
    Tokenizer *tokenizer = mem_zalloc(1, sizeof *tokenizer);
    Status status = wordpiece_open(vocab, &settings->model, &tokenizer->model);
    if (status == STATUS_OK) {
        status = copy_added(settings, tokenizer);
    }
    if (status != STATUS_OK) {
        tokenizer_close(tokenizer);
        return status;
    }
    tokenizer->settings = *settings;
    tokenizer->settings.model = *wordpiece_config(tokenizer->model);
    tokenizer->settings.added = tokenizer->added;
    tokenizer->n_single = count_added(&settings->single);
    tokenizer->n_pair = count_added(&settings->pair);
    find_punctuation(tokenizer);
    *out = tokenizer;
    return STATUS_OK;
}

const TokenizerSettings *tokenizer_settings(const Tokenizer *tokenizer)
{
    return &tokenizer->settings;
}

const WordPiece *tokenizer_model(const Tokenizer *tokenizer)
{
    return tokenizer->model;
}

/* ---- added tokens ---- */

/* The next byte from `from` on that an added token begins with, or text.n. BERT's all
 * begin with '[', which memchr finds fast. */
static size_t next_candidate(const Tokenizer *tokenizer, Text text, size_t from)
{
    unsigned char first = (unsigned char)tokenizer->added[0].content[0];
    bool alone = true;
    for (size_t i = 1; i < tokenizer->n_added; i++) {
        alone = alone && (unsigned char)tokenizer->added[i].content[0] == first;
    }
    if (alone) {
        const char *found = memchr(text.p + from, first, text.n - from);
        return found ? (size_t)(found - text.p) : text.n;
    }
    while (from < text.n && !tokenizer->first_byte[(unsigned char)text.p[from]]) {
        from++;
    }
    return from;
}

static const AddedToken *token_at(const Tokenizer *tokenizer, Text rest)
{
    const AddedToken *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        const AddedToken *token = &tokenizer->added[i];
        size_t n = strlen(token->content);
        if (n > longest && n <= rest.n && memcmp(rest.p, token->content, n) == 0) {
            best = token;
            longest = n;
        }
    }
    return best;
}

const AddedToken *added_token_find(const Tokenizer *tokenizer, Text text, size_t from,
                                   size_t *at)
{
    if (tokenizer->n_added == 0) {
        return NULL;
    }
    while (from < text.n) {
        from = next_candidate(tokenizer, text, from);
        const AddedToken *token =
            from < text.n ? token_at(tokenizer, (Text){text.p + from, text.n - from})
                          : NULL;
        if (token) {
            *at = from;
            return token;
        }
        from++;
    }
    return NULL;
}

void tokenizer_words(const Tokenizer *tokenizer, Text text, NormalText *scratch,
                     StrBuf *out)
{
    const BertNormalizer *normalizer = &tokenizer->settings.normalizer;
    size_t from = 0, at = 0;
    const AddedToken *token;
    while ((token = added_token_find(tokenizer, text, from, &at))) {
        bert_words(normalizer, (Text){text.p + from, at - from}, scratch, out);
        if (out->n > 0) {
            strbuf_add_char(out, ' ');
        }
        strbuf_add_text(out, token->content);
        from = at + strlen(token->content);
    }
    bert_words(normalizer, (Text){text.p + from, text.n - from}, scratch, out);
}

/* ---- decoding ---- */

Text tokenizer_token(const Tokenizer *tokenizer, uint32_t id)
{
    if (id < wordpiece_size(tokenizer->model)) {
        return wordpiece_token(tokenizer->model, id);
    }
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        if (tokenizer->added[i].id == id) {
            return text_of(tokenizer->added[i].content);
        }
    }
    return TEXT("");
}

static bool is_special(const Tokenizer *tokenizer, uint32_t id)
{
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        if (tokenizer->added[i].id == id && tokenizer->added[i].special) {
            return true;
        }
    }
    return false;
}

/* Replaces every occurrence in the bytes of `text` from `from` on. */
static void replace_all(StrBuf *text, size_t from, const char *what, const char *with)
{
    size_t n_what = strlen(what), n_with = strlen(with), to = from;
    for (size_t i = from; i < text->n;) {
        if (text->n - i >= n_what && memcmp(text->p + i, what, n_what) == 0) {
            memcpy(text->p + to, with, n_with);
            to += n_with;
            i += n_what;
        } else {
            text->p[to++] = text->p[i++];
        }
    }
    text->n = to;
    text->p[to] = '\0';
}

/* The library's clean-up, a token at a time and in its order. */
static void clean_up(StrBuf *text, size_t from)
{
    static const char *const RULES[][2] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        replace_all(text, from, RULES[i][0], RULES[i][1]);
    }
}

void tokenizer_decode(const Tokenizer *tokenizer, const uint32_t *ids, size_t n,
                      bool skip_special, StrBuf *out)
{
    Text prefix = text_of(tokenizer->settings.model.prefix);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        Text token = tokenizer_token(tokenizer, ids[i]);
        if (token.n == 0 || (skip_special && is_special(tokenizer, ids[i]))) {
            continue;
        }
        size_t from = out->n;
        bool inner = token.n >= prefix.n && memcmp(token.p, prefix.p, prefix.n) == 0;
        if (!first && inner) {
            token = (Text){token.p + prefix.n, token.n - prefix.n};
        } else if (!first) {
            strbuf_add_char(out, ' ');
        }
        strbuf_add(out, token.p, token.n);
        if (tokenizer->settings.decoder_cleanup) {
            clean_up(out, from);
        }
        first = false;
    }
}
