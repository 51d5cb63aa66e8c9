/* Block elements, U+2581 to U+2588. */
#include "base/sparkline.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

enum { HEIGHTS = 8, MIDDLE = 3 };

/* The mean of the finite values among n; NaN when there is none. */
static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    size_t finite = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            sum += values[i];
            finite++;
        }
    }
    return finite ? sum / (double)finite : NAN;
}

static void add_block(double value, double low, double high, StrBuf *out)
{
    if (isnan(value)) {
        strbuf_add_char(out, ' ');
        return;
    }
    int height = high > low ? (int)((value - low) / (high - low) * HEIGHTS) : MIDDLE;
    height = height >= HEIGHTS ? HEIGHTS - 1 : height;
    char bytes[4];
    strbuf_add(out, bytes, utf8_encode(0x2581u + (unsigned)height, bytes));
}

void sparkline(const double *values, size_t n, size_t width, StrBuf *out)
{
    size_t groups = n < width ? n : width;
    double *means = mem_alloc(groups, sizeof *means);
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < groups; i++) {
        size_t from = i * n / groups, to = (i + 1) * n / groups;
        means[i] = mean_of(values + from, to - from);
        low = fmin(low, means[i]);
        high = fmax(high, means[i]);
    }
    for (size_t i = 0; i < groups; i++) {
        add_block(means[i], low, high, out);
    }
    free(means);
}
