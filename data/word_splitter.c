/* Cleaning is all there is to the word tokenizer. */
#include "data/word_splitter.h"

#include "base/mem.h"
#include "data/clean.h"

#include <stdlib.h>

struct WordSplitter {
    Cleaning cleaning;
};

Status word_splitter_open(const DataConfig *config, WordSplitter **out)
{
    WordSplitter *splitter = mem_zalloc(1, sizeof *splitter);
    splitter->cleaning = (Cleaning)config->cleaning;
    *out = splitter;
    return STATUS_OK;
}

WordSplitter *word_splitter_of(Cleaning cleaning)
{
    WordSplitter *splitter = mem_zalloc(1, sizeof *splitter);
    splitter->cleaning = cleaning;
    return splitter;
}

Cleaning word_splitter_cleaning(const WordSplitter *splitter)
{
    return splitter->cleaning;
}

void word_splitter_close(WordSplitter *splitter)
{
    free(splitter);
}

void word_splitter_split(const WordSplitter *splitter, Text text, StrBuf *out)
{
    clean_text(splitter->cleaning, text, out);
}

void word_splitter_digest(const WordSplitter *splitter, char digest[SHA256_HEX])
{
    sha256_bytes(&splitter->cleaning, sizeof splitter->cleaning, digest);
}
