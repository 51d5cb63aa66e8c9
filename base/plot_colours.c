/* Eight colours that stay apart for most eyes, dark enough on white. */
#include "base/plot_colours.h"

static const struct {
    uint32_t rgb;
    const char *sequence;
} COLOURS[] = {
    {0x1f5fa8, "\033[34m"}, {0xd1603d, "\033[31m"}, {0x2f8f5b, "\033[32m"},
    {0x8a5fb0, "\033[35m"}, {0xb8860b, "\033[33m"}, {0x1a9aaa, "\033[36m"},
    {0xc0397a, "\033[95m"}, {0x5a5a5a, "\033[90m"},
};

enum { N_COLOURS = sizeof COLOURS / sizeof COLOURS[0] };

uint32_t plot_colour(size_t i)
{
    return COLOURS[i % N_COLOURS].rgb;
}

const char *plot_colour_sequence(size_t i)
{
    return COLOURS[i % N_COLOURS].sequence;
}
