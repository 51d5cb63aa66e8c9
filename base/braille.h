/* A picture of dots for terminals: each character cell holds 2 x 4 of them as a pattern
 * of Unicode's braille block. */
#ifndef MUSTER_BASE_BRAILLE_H
#define MUSTER_BASE_BRAILLE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { BRAILLE_NOBODY = 255 };

typedef struct Braille {
    size_t columns, rows;  /* cells; 2 * columns x 4 * rows dots */
    unsigned char *dots;   /* [rows * columns] bits of the pattern */
    unsigned char *owners; /* [rows * columns] who drew last, or BRAILLE_NOBODY */
} Braille;

void braille_init(Braille *picture, size_t columns, size_t rows);
void braille_free(Braille *picture);

/* A dot, x from the left and y from the top; what lies outside is not drawn. `owner` says
 * whose cell it is then: the number of a curve. */
void braille_dot(Braille *picture, long x, long y, unsigned char owner);

/* All dots from one place to another. */
void braille_line(Braille *picture, long x0, long y0, long x1, long y1,
                  unsigned char owner);

/* Appends a cell as UTF-8: a space where nothing was drawn. */
void braille_add_cell(const Braille *picture, size_t column, size_t row, StrBuf *out);

#endif
