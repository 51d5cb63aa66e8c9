/* A canvas that writes SVG. */
#include "base/plot.h"

static void add_escaped(StrBuf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '<':
            strbuf_add_text(out, "&lt;");
            break;
        case '&':
            strbuf_add_text(out, "&amp;");
            break;
        default:
            strbuf_add_char(out, *c);
        }
    }
}

static void add_colour(StrBuf *out, const char *attribute, int64_t colour)
{
    if (colour < 0) {
        strbuf_printf(out, " %s=\"none\"", attribute);
    } else {
        strbuf_printf(out, " %s=\"#%06x\"", attribute, (unsigned)colour);
    }
}

static void svg_box(void *self, double x, double y, double width, double height,
                    int64_t fill, int64_t stroke)
{
    StrBuf *out = self;
    strbuf_printf(out, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"", x, y, width,
                  height);
    add_colour(out, "fill", fill);
    add_colour(out, "stroke", stroke);
    strbuf_add_text(out, "/>\n");
}

static void svg_line(void *self, const double *xy, size_t n, double width,
                     uint32_t colour)
{
    StrBuf *out = self;
    strbuf_printf(out, "<polyline fill=\"none\" stroke=\"#%06x\" stroke-width=\"%g\"",
                  colour, width);
    strbuf_add_text(out, n > 2 ? " stroke-linejoin=\"round\" points=\"" : " points=\"");
    for (size_t i = 0; i < n; i++) {
        strbuf_printf(out, "%s%.1f,%.1f", i ? " " : "", xy[2 * i], xy[2 * i + 1]);
    }
    strbuf_add_text(out, "\"/>\n");
}

static void svg_disc(void *self, double x, double y, double radius, uint32_t colour)
{
    strbuf_printf(self, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%g\" fill=\"#%06x\"/>\n", x,
                  y, radius, colour);
}

static void svg_text(void *self, double x, double y, int anchor, double size,
                     uint32_t colour, bool upwards, const char *text)
{
    static const char *const ANCHORS[] = {"start", "middle", "end"};
    StrBuf *out = self;
    strbuf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%g\"",
                  x, y, ANCHORS[anchor + 1], size);
    add_colour(out, "fill", colour);
    if (upwards) {
        strbuf_printf(out, " transform=\"rotate(-90 %.1f %.1f)\"", x, y);
    }
    strbuf_add_text(out, ">");
    add_escaped(out, text);
    strbuf_add_text(out, "</text>\n");
}

void plot_svg(const Plot *plot, StrBuf *out)
{
    PlotCanvas canvas = {out, svg_box, svg_line, svg_disc, svg_text};
    strbuf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%g\" "
                  "viewBox=\"0 0 %d %g\" font-family=\"sans-serif\">\n",
                  PLOT_WIDTH, plot_height(plot), PLOT_WIDTH, plot_height(plot));
    plot_draw(plot, &canvas);
    strbuf_add_text(out, "</svg>\n");
}
