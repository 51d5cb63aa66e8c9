/* A canvas that draws with cairo. The library is opened when an image is asked for, and
 * not linked: it brings a dozen others along, which no training and no rank has use for.
 */
#include "cli/plot_png.h"

#include "base/plot.h"

#include <cairo/cairo.h>
#include <dlfcn.h>
#include <math.h>

enum { SCALE = 2 };

#define FUNCTIONS(X)                                                                     \
    X(cairo_image_surface_create)                                                        \
    X(cairo_surface_destroy)                                                             \
    X(cairo_surface_write_to_png_stream)                                                 \
    X(cairo_create)                                                                      \
    X(cairo_destroy)                                                                     \
    X(cairo_status)                                                                      \
    X(cairo_status_to_string)                                                            \
    X(cairo_scale)                                                                       \
    X(cairo_save)                                                                        \
    X(cairo_restore)                                                                     \
    X(cairo_translate)                                                                   \
    X(cairo_rotate)                                                                      \
    X(cairo_set_source_rgb)                                                              \
    X(cairo_set_line_width)                                                              \
    X(cairo_set_line_join)                                                               \
    X(cairo_rectangle)                                                                   \
    X(cairo_move_to)                                                                     \
    X(cairo_line_to)                                                                     \
    X(cairo_arc)                                                                         \
    X(cairo_fill)                                                                        \
    X(cairo_stroke)                                                                      \
    X(cairo_select_font_face)                                                            \
    X(cairo_set_font_size)                                                               \
    X(cairo_text_extents)                                                                \
    X(cairo_show_text)

#define POINTER(name) __typeof__(name) *name;

/* The library's calls under their own names. */
typedef struct Cairo {
    FUNCTIONS(POINTER)
} Cairo;

typedef struct Drawing {
    const Cairo *lib;
    cairo_t *at;
} Drawing;

static Status open_library(Cairo *out)
{
    void *library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
    bool complete = library != NULL;
#define LOOK_UP(name)                                                                    \
    *(void **)&out->name = library ? dlsym(library, #name) : NULL;                       \
    complete = complete && out->name;
    FUNCTIONS(LOOK_UP)
    if (!complete) {
        status_set(STATUS_NOT_FOUND, "PNG images need the library libcairo.so.2");
        status_hint("install it (Debian: libcairo2), or name an .svg file");
        return STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

static void set_colour(const Drawing *d, int64_t colour)
{
    d->lib->cairo_set_source_rgb(d->at, (double)(colour >> 16 & 255) / 255,
                                 (double)(colour >> 8 & 255) / 255,
                                 (double)(colour & 255) / 255);
}

static void draw_box(void *self, double x, double y, double width, double height,
                     int64_t fill, int64_t stroke)
{
    const Drawing *d = self;
    if (fill >= 0) {
        set_colour(d, fill);
        d->lib->cairo_rectangle(d->at, x, y, width, height);
        d->lib->cairo_fill(d->at);
    }
    if (stroke >= 0) {
        set_colour(d, stroke);
        d->lib->cairo_set_line_width(d->at, 1);
        d->lib->cairo_rectangle(d->at, x, y, width, height);
        d->lib->cairo_stroke(d->at);
    }
}

static void draw_line(void *self, const double *xy, size_t n, double width,
                      uint32_t colour)
{
    const Drawing *d = self;
    set_colour(d, colour);
    d->lib->cairo_set_line_width(d->at, width);
    d->lib->cairo_move_to(d->at, xy[0], xy[1]);
    for (size_t i = 1; i < n; i++) {
        d->lib->cairo_line_to(d->at, xy[2 * i], xy[2 * i + 1]);
    }
    d->lib->cairo_stroke(d->at);
}

static void draw_disc(void *self, double x, double y, double radius, uint32_t colour)
{
    const Drawing *d = self;
    set_colour(d, colour);
    d->lib->cairo_arc(d->at, x, y, radius, 0, 2 * M_PI);
    d->lib->cairo_fill(d->at);
}

static void draw_text(void *self, double x, double y, int anchor, double size,
                      uint32_t colour, bool upwards, const char *text)
{
    const Drawing *d = self;
    cairo_text_extents_t extents;
    set_colour(d, colour);
    d->lib->cairo_set_font_size(d->at, size);
    d->lib->cairo_text_extents(d->at, text, &extents);
    d->lib->cairo_save(d->at);
    d->lib->cairo_translate(d->at, x, y);
    d->lib->cairo_rotate(d->at, upwards ? -M_PI / 2 : 0);
    d->lib->cairo_move_to(d->at, -extents.x_advance * (anchor + 1) / 2, 0);
    d->lib->cairo_show_text(d->at, text);
    d->lib->cairo_restore(d->at);
}

static cairo_status_t append(void *out, const unsigned char *bytes, unsigned int n)
{
    strbuf_add(out, bytes, n);
    return CAIRO_STATUS_SUCCESS;
}

Status plot_png(const Plot *plot, StrBuf *out)
{
    Cairo lib;
    TRY(open_library(&lib));
    cairo_surface_t *surface = lib.cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, PLOT_WIDTH * SCALE, (int)(plot_height(plot) * SCALE));
    Drawing drawing = {&lib, lib.cairo_create(surface)};
    PlotCanvas canvas = {&drawing, draw_box, draw_line, draw_disc, draw_text};
    lib.cairo_scale(drawing.at, SCALE, SCALE);
    lib.cairo_set_line_join(drawing.at, CAIRO_LINE_JOIN_ROUND);
    lib.cairo_select_font_face(drawing.at, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                               CAIRO_FONT_WEIGHT_NORMAL);
    plot_draw(plot, &canvas);
    cairo_status_t state = lib.cairo_status(drawing.at);
    if (state == CAIRO_STATUS_SUCCESS) {
        state = lib.cairo_surface_write_to_png_stream(surface, append, out);
    }
    lib.cairo_destroy(drawing.at);
    lib.cairo_surface_destroy(surface);
    return state == CAIRO_STATUS_SUCCESS
               ? STATUS_OK
               : status_set(STATUS_FAILED, "cannot draw the image: %s",
                            lib.cairo_status_to_string(state));
}
