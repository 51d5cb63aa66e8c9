/* Cleaning is all there is to the word tokenizer; BERT's normalizer and pre-tokenizer
 * come behind it for WordPiece. */
#include "data/word_splitter.h"

#include "base/mem.h"
#include "data/tokenizer_files.h"

#include <stdlib.h>
#include <string.h>

/* UNK and MASK have the rows that every model knows them by. */
const char *const special_tokens[] = {"[UNK]", "[MASK]", "[PAD]", "[CLS]", "[SEP]"};

/* Part of the digest: to be raised when the same settings come to give other words. */
static const char SPLIT_VERSION[] = "muster words 1";

struct WordSplitter {
    Cleaner *cleaner;
    bool bert;
    BertNormalizer normalizer;
    Tokenizer
        *specials; /* knows the special tokens alone, which are words where they stand */
};

void word_splitter_close(WordSplitter *splitter)
{
    if (splitter) {
        cleaner_close(splitter->cleaner);
        tokenizer_close(splitter->specials);
        free(splitter);
    }
}

void split_scratch_free(SplitScratch *scratch)
{
    strbuf_free(&scratch->cleaned);
    normal_text_free(&scratch->normal);
}

static Tokenizer *open_specials(const BertNormalizer *normalizer)
{
    StrList vocab = {0};
    AddedToken added[N_SPECIAL_TOKENS];
    TokenizerSettings settings;
    Tokenizer *tokenizer = NULL;
    for (size_t i = 0; i < N_SPECIAL_TOKENS; i++) {
        strlist_add(&vocab, special_tokens[i]);
    }
    tokenizer_default_settings(&vocab, added, &settings);
    settings.normalizer = *normalizer;
    CHECK(tokenizer_create(&vocab, &settings, &tokenizer) == STATUS_OK);
    strlist_free(&vocab);
    return tokenizer;
}

WordSplitter *word_splitter_of(Cleaner *cleaner, const BertNormalizer *normalizer)
{
    WordSplitter *splitter = mem_zalloc(1, sizeof *splitter);
    splitter->cleaner = cleaner;
    if (normalizer) {
        splitter->bert = true;
        splitter->normalizer = *normalizer;
        splitter->specials = open_specials(normalizer);
    }
    return splitter;
}

/* The normalizer of a vocabulary that is taken from files is theirs. */
static Status find_normalizer(const DataConfig *config, BertNormalizer *out)
{
    *out = (BertNormalizer){config->clean_text, config->handle_chinese_chars,
                            config->strip_accents, config->lowercase};
    if (config->vocab) {
        Tokenizer *tokenizer;
        TRY(tokenizer_load(config->vocab, &tokenizer));
        *out = tokenizer_settings(tokenizer)->normalizer;
        tokenizer_close(tokenizer);
    }
    return STATUS_OK;
}

static Status open_cleaner(const DataConfig *config, Cleaner **out)
{
    char *none = (char *)"none";
    const StrList *items = &config->cleaning;
    const StrList nothing = {.items = &none, .n = 1};
    bool automatic =
        items->n == 0 || (items->n == 1 && strcmp(items->items[0], "auto") == 0);
    return cleaner_open(
        automatic && config->tokenizer == TOKENIZER_WORDPIECE ? &nothing : items, out);
}

Status word_splitter_open(const DataConfig *config, WordSplitter **out)
{
    bool bert = config->tokenizer == TOKENIZER_WORDPIECE;
    BertNormalizer normalizer;
    if (bert) {
        TRY(find_normalizer(config, &normalizer));
    }
    Cleaner *cleaner;
    TRY(open_cleaner(config, &cleaner));
    *out = word_splitter_of(cleaner, bert ? &normalizer : NULL);
    return STATUS_OK;
}

void word_splitter_split(const WordSplitter *splitter, Text text, SplitScratch *scratch,
                         StrBuf *out)
{
    Cleaning preset;
    if (!splitter->bert) {
        cleaner_clean(splitter->cleaner, text, out);
        return;
    }
    if (!cleaner_preset(splitter->cleaner, &preset) || preset != CLEAN_NONE) {
        cleaner_clean(splitter->cleaner, text, &scratch->cleaned);
        text = (Text){scratch->cleaned.p, scratch->cleaned.n};
    }
    strbuf_clear(out);
    tokenizer_words(splitter->specials, text, &scratch->normal, out);
}

const Cleaner *word_splitter_cleaner(const WordSplitter *splitter)
{
    return splitter->cleaner;
}

void word_splitter_digest(const WordSplitter *splitter, char digest[SHA256_HEX])
{
    char cleaning[SHA256_HEX];
    cleaner_digest(splitter->cleaner, cleaning);
    Sha256 *sha = sha256_begin();
    sha256_add(sha, SPLIT_VERSION, sizeof SPLIT_VERSION);
    sha256_add(sha, cleaning, sizeof cleaning);
    const unsigned char bert[] = {
        splitter->bert, splitter->normalizer.clean_text, splitter->normalizer.cjk_spacing,
        splitter->normalizer.strip_accents, splitter->normalizer.lowercase};
    sha256_add(sha, bert, sizeof bert);
    sha256_end(sha, digest);
}
