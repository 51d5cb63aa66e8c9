/* The words of run names: short, friendly, and at most 8 and 7 letters long, so that the
 * longest name has exactly 20 characters. */
#include "tracker/names.h"

#include "base/clock.h"
#include "base/rng.h"

#include <stddef.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

static const char *const ADJECTIVES[] = {
    "able",   "agile",   "amber",    "ample",   "apt",    "blithe",  "bold",     "brave",
    "bright", "brisk",   "calm",     "candid",  "casual", "cheery",  "civil",    "clean",
    "clever", "cosy",    "crisp",    "curious", "dapper", "daring",  "deft",     "eager",
    "early",  "earnest", "fair",     "famous",  "fleet",  "fluent",  "fond",     "frank",
    "fresh",  "gentle",  "gifted",   "glad",    "golden", "grand",   "handy",    "hardy",
    "hearty", "honest",  "humble",   "jolly",   "jovial", "keen",    "kind",     "lively",
    "loyal",  "lucid",   "lucky",    "mellow",  "merry",  "mighty",  "modest",   "neat",
    "nimble", "noble",   "patient",  "placid",  "polite", "proud",   "quaint",   "quick",
    "quiet",  "rapid",   "ready",    "robust",  "rustic", "sage",    "serene",   "sharp",
    "silent", "sleek",   "smart",    "smooth",  "snug",   "sober",   "spirited", "spry",
    "stable", "stately", "steady",   "stoic",   "sturdy", "sunny",   "sure",     "swift",
    "tender", "tidy",    "tranquil", "trusty",  "upbeat", "valiant", "vivid",    "warm",
    "wise",   "witty",   "worthy",   "zesty",
};

static const char *const NOUNS[] = {
    "alder",   "aspen",  "badger",  "bear",    "beaver",  "beech",  "birch",  "bison",
    "bittern", "brook",  "buzzard", "cedar",   "colt",    "condor", "cove",   "crane",
    "cygnet",  "deer",   "delta",   "dingo",   "dolphin", "dove",   "drake",  "eagle",
    "egret",   "elk",    "elm",     "falcon",  "fawn",    "fern",   "finch",  "fjord",
    "fox",     "gannet", "gecko",   "gibbon",  "glade",   "goose",  "grebe",  "grouse",
    "gull",    "hare",   "harbour", "hawk",    "hazel",   "heath",  "heron",  "ibex",
    "ibis",    "jackal", "jay",     "kestrel", "kite",    "lagoon", "lark",   "larch",
    "lemur",   "linnet", "lynx",    "magpie",  "maple",   "marmot", "marten", "meadow",
    "merlin",  "mole",   "moose",   "newt",    "oak",     "ocelot", "oriole", "osprey",
    "otter",   "owl",    "panda",   "pelican", "petrel",  "pine",   "pipit",  "plover",
    "puffin",  "quail",  "raven",   "reef",    "robin",   "rowan",  "salmon", "seal",
    "shrew",   "shrike", "skua",    "sparrow", "spruce",  "stoat",  "stork",  "swan",
    "tern",    "thrush", "tiger",   "trout",   "turtle",  "vole",   "walrus", "wren",
};

void run_name_from(uint64_t number, char out[RUN_NAME_CAP])
{
    Rng rng = rng_stream(number, RNG_NAME, 0, 0);
    const char *adjective =
        ADJECTIVES[rng_below(&rng, sizeof ADJECTIVES / sizeof *ADJECTIVES)];
    const char *noun = NOUNS[rng_below(&rng, sizeof NOUNS / sizeof *NOUNS)];
    unsigned suffix = rng_below(&rng, 1000);
    snprintf(out, RUN_NAME_CAP, "%s-%s-%u", adjective, noun, suffix);
}

/* The clock and the process stand in on a system without getrandom. */
static uint64_t random_u64(void)
{
    uint64_t value;
    if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
        static atomic_uint_least64_t calls;
        value = (uint64_t)(clock_seconds() * 1e9) ^ (uint64_t)getpid() << 40 ^ ++calls;
    }
    return value;
}

void run_name_make(char out[RUN_NAME_CAP])
{
    run_name_from(random_u64(), out);
}

void run_id_make(char out[RUN_ID_CAP])
{
    snprintf(out, RUN_ID_CAP, "%016llx%016llx", (unsigned long long)random_u64(),
             (unsigned long long)random_u64());
}
