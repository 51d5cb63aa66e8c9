/* Braille patterns: U+2800 and a bit for each dot. */
#include "base/braille.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Unicode numbers the dots down the columns, the fourth row having come later. */
static const unsigned char BITS[4][2] = {
    {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

void braille_init(Braille *picture, size_t columns, size_t rows)
{
    picture->columns = columns;
    picture->rows = rows;
    picture->dots = mem_zalloc(columns * rows, 1);
    picture->owners = mem_alloc(columns * rows, 1);
    memset(picture->owners, BRAILLE_NOBODY, columns * rows);
}

void braille_free(Braille *picture)
{
    free(picture->dots);
    free(picture->owners);
    *picture = (Braille){0};
}

void braille_dot(Braille *picture, long x, long y, unsigned char owner)
{
    if (x < 0 || y < 0 || (size_t)x >= 2 * picture->columns ||
        (size_t)y >= 4 * picture->rows) {
        return;
    }
    size_t cell = (size_t)y / 4 * picture->columns + (size_t)x / 2;
    picture->dots[cell] |= BITS[y % 4][x % 2];
    picture->owners[cell] = owner;
}

/* Bresenham's line. */
void braille_line(Braille *picture, long x0, long y0, long x1, long y1,
                  unsigned char owner)
{
    long dx = labs(x1 - x0), dy = -labs(y1 - y0);
    long step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    long error = dx + dy;
    for (;;) {
        braille_dot(picture, x0, y0, owner);
        if (x0 == x1 && y0 == y1) {
            return;
        }
        long twice = 2 * error;
        if (twice >= dy) {
            error += dy;
            x0 += step_x;
        }
        if (twice <= dx) {
            error += dx;
            y0 += step_y;
        }
    }
}

void braille_add_cell(const Braille *picture, size_t column, size_t row, StrBuf *out)
{
    unsigned char dots = picture->dots[row * picture->columns + column];
    if (dots == 0) {
        strbuf_add_char(out, ' ');
        return;
    }
    char bytes[4];
    strbuf_add(out, bytes, utf8_encode(0x2800u + dots, bytes));
}
