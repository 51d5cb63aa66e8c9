/* `muster completion SHELL` prints what a shell reads to complete our words; that asks
 * the hidden `muster __complete WORD...`, whose last word is the one being typed.
 *
 * The answer has a line for each offer, the word and after a tab what it is; then lines
 * that begin with a colon: ":files" where names of files will do as well, ":nospace"
 * where the word goes on. What a place takes is read from the command's own usage line
 * and the value of its options, so that a command needs no word about completion. */
#include "cli/complete.h"

#include "base/mem.h"
#include "cli/command.h"
#include "completion_scripts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern const Command command_completion, command_complete;

/* The words typed, taken apart. */
typedef struct Line {
    const Command *command;
    const char *uri;          /* of --tracking-uri among them */
    const Option *waiting;    /* the option whose value is being typed */
    const char *const *words; /* those behind the command */
    size_t n_words;           /* without the one being typed */
    const char *args[8];      /* what is no option, the first of them */
    size_t n_args;            /* all */
    bool options_end;         /* behind "--" */
} Line;

/* ---- taking the line apart ---- */

static const Option *find_option(const Command *command, const char *word)
{
    for (size_t i = 0; i < command->options.n_options; i++) {
        const Option *option = &command->options.options[i];
        bool by_name =
            word[0] == '-' && word[1] == '-' && strcmp(word + 2, option->name) == 0;
        bool by_alias =
            option->alias && word[0] == '-' && word[1] == option->alias && word[2] == 0;
        if (by_name || by_alias) {
            return option;
        }
    }
    return NULL;
}

static const Command *find_below(const Command *command, const char *name)
{
    for (size_t i = 0; command->below && command->below[i]; i++) {
        if (strcmp(command->below[i]->name, name) == 0) {
            return command->below[i];
        }
    }
    return NULL;
}

static void take_word(Line *line, const char *word)
{
    static const char URI[] = "--tracking-uri=";
    if (line->waiting) {
        line->uri = strcmp(line->waiting->name, "tracking-uri") == 0 ? word : line->uri;
        line->waiting = NULL;
    } else if (line->options_end || word[0] != '-' || !word[1]) {
        if (line->n_args < sizeof line->args / sizeof line->args[0]) {
            line->args[line->n_args] = word;
        }
        line->n_args++;
    } else if (strcmp(word, "--") == 0) {
        line->options_end = true;
    } else if (strncmp(word, URI, strlen(URI)) == 0) {
        line->uri = word + strlen(URI);
    } else {
        const Option *option = find_option(line->command, word);
        bool takes = option && option->kind != OPTION_FLAG &&
                     (!option->optional || option->optional_next);
        line->waiting = takes ? option : NULL;
    }
}

static Line read_line(const char *const *words, size_t n)
{
    Line line = {.command = command_root()};
    size_t i = 0;
    for (; i < n && line.command->below; i++) {
        const Command *next = find_below(line.command, words[i]);
        if (!next) {
            break;
        }
        line.command = next;
    }
    line.words = words + i;
    line.n_words = n - i;
    for (; i < n; i++) {
        take_word(&line, words[i]);
    }
    return line;
}

/* ---- what a place takes ---- */

static bool is_word(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '.' || c == '=';
}

/* "json|csv", "step|time|relative": the words themselves. */
static bool offer_choices(Offers *offers, const char *value)
{
    bool lower = strchr(value, '|') != NULL;
    for (const char *p = value; *p && lower; p++) {
        lower = islower((unsigned char)*p) || *p == '|' || *p == '-';
    }
    for (const char *p = value; lower; p += 1) {
        size_t n = strcspn(p, "|");
        char *word = mem_strndup(p, n);
        offer(offers, word, NULL);
        free(word);
        p += n;
        if (!*p) {
            break;
        }
    }
    return lower;
}

static bool names(const char *place, const char *what)
{
    const char *at = strstr(place, what);
    return at && (at == place || !is_word(at[-1])) && !is_word(at[strlen(what)]);
}

/* By the word that the help has for it: "RUN", "RUN|PATH", "CONFIG". */
static void offer_place(Offers *offers, const Line *line, const char *place)
{
    static const char *const FILES[] = {"FILE", "PATH", "DIR",   "FOLDER", "CONFIG",
                                        "FROM", "TO",   "LOCAL", "MODEL",  "TOKENIZER"};
    bool artifact = strncmp(line->command->usage, "artifacts", 9) == 0;
    const char *first = line->n_args > 0 ? line->args[0] : NULL;
    if (offer_choices(offers, place)) {
        return;
    }
    if (artifact && names(place, "PATH") && first) {
        offer_artifacts(offers, line->uri, first);
        return;
    }
    if (names(place, "RUN") || names(place, "MODEL") || strcmp(place, "A") == 0 ||
        strcmp(place, "B") == 0) {
        offer_runs(offers, line->uri);
    }
    if (strncmp(line->command->usage, "models", 6) == 0 && names(place, "NAME")) {
        offer_models(offers, line->uri);
    }
    if (names(place, "EXPERIMENT")) {
        offer_experiments(offers, line->uri);
    }
    if (names(place, "METRIC")) {
        offer_metrics(offers, line->uri, "");
    }
    if (names(place, "TAG") || strcmp(place, "KEY=VALUE") == 0) {
        offer_tags(offers, line->uri, first);
    }
    if (strchr(place, '.') && strchr(place, '=')) {
        offer_config(offers);
    }
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        offers->files = offers->files || names(place, FILES[i]);
    }
}

static void offer_value(Offers *offers, const Line *line, const Option *option)
{
    if (strcmp(option->name, "experiment") == 0 ||
        strcmp(option->name, "experiment-name") == 0) {
        offer_experiments(offers, line->uri);
    } else if (strcmp(option->name, "order-by") == 0) {
        offer_metrics(offers, line->uri, "metrics.");
    } else if (option->value) {
        offer_place(offers, line, option->value);
    }
}

/* ---- the places of a usage line ---- */

/* The next word of a usage line that is no option, brackets taken off; *repeats when
 * "..." follows. NULL at the end. Free with free(). */
static char *next_place(const char **usage, bool *repeats)
{
    const char *p = *usage;
    for (;;) {
        p += strspn(p, " |[]");
        if (!*p) {
            return NULL;
        }
        size_t n = strcspn(p, " []");
        const char *begin = p;
        p += n;
        if (begin[0] == '-') {
            /* An option, and its value where one stands behind it. */
            if (*p == ' ' && isupper((unsigned char)p[1])) {
                p += 1 + strcspn(p + 1, " []");
            }
            continue;
        }
        const char *behind = p + strspn(p, " ]");
        *repeats = strncmp(behind, "...", 3) == 0;
        p = *repeats ? behind + 3 : p;
        *usage = p;
        if (n == 7 && strncmp(begin, "options", n) == 0) {
            continue;
        }
        return mem_strndup(begin, n);
    }
}

/* Skips the command's own words. */
static const char *places_of(const Command *command)
{
    const char *p = command->usage;
    while (islower((unsigned char)*p)) {
        size_t n = strcspn(p, " ");
        if (memchr(p, '.', n) || memchr(p, '=', n) || memchr(p, '|', n)) {
            break;
        }
        p += n;
        p += strspn(p, " ");
    }
    return p;
}

static void offer_argument(Offers *offers, const Line *line)
{
    const char *usage = places_of(line->command);
    bool repeats = false;
    char *place = NULL;
    for (size_t i = 0; i <= line->n_args; i++) {
        char *next = repeats ? NULL : next_place(&usage, &repeats);
        if (next) {
            free(place);
            place = next;
        } else if (!repeats) {
            free(place);
            return;
        }
    }
    offer_place(offers, line, place);
    free(place);
}

/* ---- one word ---- */

static void offer_options(Offers *offers, const Command *command)
{
    for (size_t i = 0; i < command->options.n_options; i++) {
        char *word = mem_printf("--%s", command->options.options[i].name);
        offer(offers, word, command->options.options[i].help);
        free(word);
    }
    offer(offers, "--json", "print JSON on standard output, errors too");
    offer(offers, "--help", "print this");
}

static void offer_commands(Offers *offers, const Command *command)
{
    for (size_t i = 0; command->below[i]; i++) {
        if (!command->below[i]->hidden) {
            offer(offers, command->below[i]->name, command->below[i]->summary);
        }
    }
    if (command == command_root()) {
        offer(offers, "help", "what a command does");
    }
}

/* "--metric=val": the offers are those of the value, the option before each. */
static bool offer_attached(Offers *offers, const Line *line, const char *typed)
{
    const char *equals = strchr(typed, '=');
    if (!equals || typed[0] != '-') {
        return false;
    }
    char *name = mem_strndup(typed, (size_t)(equals - typed));
    const Option *option = find_option(line->command, name);
    Offers values = {.typed = equals + 1};
    if (option) {
        offer_value(&values, line, option);
    }
    for (size_t i = 0; i < values.words.n; i++) {
        char *word = mem_printf("%s=%s", name, values.words.items[i]);
        offer(offers, word, values.hints.items[i]);
        free(word);
    }
    offers_free(&values);
    free(name);
    return true;
}

static void offer_word(Offers *offers, const Line *line, const char *typed)
{
    if (line->waiting) {
        offer_value(offers, line, line->waiting);
    } else if (!line->options_end && offer_attached(offers, line, typed)) {
        return;
    } else if (!line->options_end && typed[0] == '-') {
        offer_options(offers, line->command);
    } else if (line->command->below) {
        offer_commands(offers, line->command);
    } else {
        offer_argument(offers, line);
    }
}

/* "muster help runs": as if help were not there. */
static Status run_complete(const Invocation *invocation)
{
    const char *const *words = invocation->args;
    size_t n = invocation->n_args;
    if (n == 0) {
        return STATUS_OK;
    }
    bool help = n > 1 && strcmp(words[0], "help") == 0;
    Line line = read_line(words + help, n - 1 - help);
    Offers offers = {.typed = words[n - 1]};
    if (!help || line.command->below) {
        offer_word(&offers, &line, words[n - 1]);
    }
    for (size_t i = 0; i < offers.words.n; i++) {
        printf("%s\t%s\n", offers.words.items[i], offers.hints.items[i]);
    }
    fputs(offers.files ? ":files\n" : "", stdout);
    fputs(offers.no_space ? ":nospace\n" : "", stdout);
    offers_free(&offers);
    return STATUS_OK;
}

const Command command_complete = {
    .name = "__complete",
    .summary = "answers the shell's completion",
    .usage = "__complete -- WORD ...",
    .hidden = true,
    .max_args = ANY_ARGS,
    .arg = "WORD",
    .run = run_complete,
};

/* ---- the scripts ---- */

static Status run_completion(const Invocation *invocation)
{
    static const struct {
        const char *shell;
        const unsigned char *text;
        size_t n;
    } SCRIPTS[] = {
        {"bash", SCRIPT_BASH, sizeof SCRIPT_BASH},
        {"zsh", SCRIPT_ZSH, sizeof SCRIPT_ZSH},
        {"fish", SCRIPT_FISH, sizeof SCRIPT_FISH},
    };
    for (size_t i = 0; i < sizeof SCRIPTS / sizeof SCRIPTS[0]; i++) {
        if (strcmp(invocation->args[0], SCRIPTS[i].shell) == 0) {
            fwrite(SCRIPTS[i].text, 1, SCRIPTS[i].n, stdout);
            return STATUS_OK;
        }
    }
    return status_set(STATUS_USAGE, "expected bash, zsh or fish, found '%s'",
                      invocation->args[0]);
}

static const Example EXAMPLES[] = {
    {"source <(muster completion bash)", "in this shell, or in ~/.bashrc"},
    {"muster completion zsh >~/.zfunc/_muster", "a folder of zsh's fpath"},
    {"muster completion fish >~/.config/fish/completions/muster.fish", "for fish"},
};

const Command command_completion = {
    .name = "completion",
    .summary = "prints the script that completes commands, options, runs and keys",
    .usage = "completion bash|zsh|fish",
    .details = "An installed muster has brought these scripts along already.",
    .examples = EXAMPLES,
    .n_examples = sizeof EXAMPLES / sizeof EXAMPLES[0],
    .min_args = 1,
    .max_args = 1,
    .arg = "bash|zsh|fish",
    .run = run_completion,
};
