/* Ticks: round steps on a linear axis, powers of ten on a logarithmic one, what clocks
 * show on one of time. */
#include "base/plot_frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool on_axis(PlotScale scale, double value, double *place)
{
    if (!isfinite(value) || (scale == PLOT_LOG && value <= 0)) {
        return false;
    }
    *place = scale == PLOT_LOG ? log10(value) : value;
    return true;
}

static double share_of(const PlotRange *range, double place)
{
    return (place - range->low) / (range->high - range->low);
}

bool plot_place(const PlotFrame *frame, double x, double y, double *share_x,
                double *share_y)
{
    double at_x, at_y;
    if (!on_axis(frame->x.scale, x, &at_x) || !on_axis(frame->y.scale, y, &at_y)) {
        return false;
    }
    *share_x = share_of(&frame->x, at_x);
    *share_y = share_of(&frame->y, at_y);
    return true;
}

/* ---- ranges ---- */

static void widen(PlotRange *range, double place)
{
    range->low = fmin(range->low, place);
    range->high = fmax(range->high, place);
}

/* One value alone stands in the middle. */
static void close_range(PlotRange *range)
{
    if (range->high <= range->low) {
        double least = range->scale == PLOT_WHOLE ? 1 : 0.1;
        double room =
            range->scale == PLOT_TIME ? 1000 : fmax(fabs(range->low) * 0.1, least);
        range->low -= room / 2;
        range->high += room / 2;
    }
}

static void find_ranges(const Plot *plot, PlotFrame *out)
{
    out->x = (PlotRange){.scale = plot->x.scale, .low = INFINITY, .high = -INFINITY};
    out->y = (PlotRange){.scale = plot->y.scale, .low = INFINITY, .high = -INFINITY};
    for (size_t s = 0; s < plot->n_series; s++) {
        const PlotSeries *series = &plot->series[s];
        for (size_t i = 0; i < series->n; i++) {
            double x, y;
            if (on_axis(out->x.scale, series->x[i], &x) &&
                on_axis(out->y.scale, series->y[i], &y)) {
                widen(&out->x, x);
                widen(&out->y, y);
            }
        }
    }
    out->empty = out->x.low > out->x.high;
    if (out->empty) {
        out->x.low = out->y.low = 0;
        out->x.high = out->y.high = 1;
        out->x.scale = out->y.scale = PLOT_LINEAR;
    }
    close_range(&out->x);
    close_range(&out->y);
}

/* ---- ticks ---- */

static PlotTick *add_tick(PlotRange *range, double place)
{
    double share = share_of(range, place);
    if (range->n_ticks == PLOT_MAX_TICKS || share < -1e-9 || share > 1 + 1e-9) {
        return NULL;
    }
    PlotTick *tick = &range->ticks[range->n_ticks++];
    tick->share = share;
    return tick;
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double raw)
{
    double power = pow(10, floor(log10(raw)));
    double times = raw / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/* As many digits as the step has. */
static void format_tick(double value, double step, char out[32])
{
    int digits = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (fabs(value) < step / 2) {
        snprintf(out, 32, "0");
    } else if (digits > 5 || fabs(value) >= 1e6) {
        snprintf(out, 32, "%.4g", value);
    } else {
        snprintf(out, 32, "%.*f", digits, value);
    }
}

static void linear_ticks(PlotRange *range, size_t wanted)
{
    double step = round_step((range->high - range->low) / (double)wanted);
    if (range->scale == PLOT_WHOLE && step < 1) {
        step = 1;
    }
    double first = ceil(range->low / step - 1e-9);
    for (size_t i = 0; i < PLOT_MAX_TICKS; i++) {
        double value = (first + (double)i) * step;
        PlotTick *tick = add_tick(range, value);
        if (!tick) {
            return;
        }
        format_tick(value, step, tick->label);
    }
}

/* Powers of ten, every so many; in less than two decades also their twos and fives, or
 * round steps where these are too few. */
static void log_ticks(PlotRange *range, size_t wanted)
{
    double decades = range->high - range->low;
    double every = decades / (double)wanted > 1 ? ceil(decades / (double)wanted) : 1;
    static const double TIMES[] = {1, 2, 5};
    size_t n_times = decades < 2 ? 3 : 1;
    for (double power = floor(range->low); power <= range->high; power += every) {
        for (size_t i = 0; i < n_times; i++) {
            double value = pow(10, power) * TIMES[i];
            double place = log10(value);
            PlotTick *tick = place < range->low - 1e-9 ? NULL : add_tick(range, place);
            if (tick) {
                snprintf(tick->label, sizeof tick->label, "%g", value);
            }
        }
    }
    if (range->n_ticks < 3) {
        double low = pow(10, range->low), high = pow(10, range->high);
        double step = round_step((high - low) / (double)wanted);
        range->n_ticks = 0;
        for (double value = ceil(low / step) * step; value <= high; value += step) {
            PlotTick *tick = add_tick(range, log10(value));
            if (tick) {
                format_tick(value, step, tick->label);
            }
        }
    }
}

/* ---- time ---- */

static double time_step(double seconds)
{
    static const double STEPS[] = {
        1,    2,    5,    10,    15,    30,    60,    120,    300,    600,     900,
        1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000};
    size_t n = sizeof STEPS / sizeof STEPS[0];
    for (size_t i = 0; i < n; i++) {
        if (STEPS[i] >= seconds) {
            return STEPS[i];
        }
    }
    return STEPS[n - 1] * ceil(seconds / STEPS[n - 1]);
}

/* "30s", "1m 30s", "2h", "1d 12h": at most two units. */
static void format_duration(double seconds, char out[32])
{
    static const struct {
        double size;
        const char *name;
    } UNITS[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    for (size_t i = 0; i < 4; i++) {
        double whole = floor(seconds / UNITS[i].size);
        if (whole < 1 && i < 3) {
            continue;
        }
        double rest =
            i < 3 ? floor((seconds - whole * UNITS[i].size) / UNITS[i + 1].size) : 0;
        if (rest > 0) {
            snprintf(out, 32, "%.0f%s%.0f%s", whole, UNITS[i].name, rest,
                     UNITS[i + 1].name);
        } else {
            snprintf(out, 32, "%.0f%s", whole, UNITS[i].name);
        }
        return;
    }
}

static void duration_ticks(PlotRange *range, size_t wanted)
{
    double apart = (range->high - range->low) / (double)wanted;
    if (apart < 0.5) {
        linear_ticks(range, wanted);
        for (size_t i = 0; i < range->n_ticks; i++) {
            strncat(range->ticks[i].label, "s", 2);
        }
        return;
    }
    double step = time_step(apart);
    for (double value = ceil(range->low / step) * step;; value += step) {
        PlotTick *tick = add_tick(range, value);
        if (!tick) {
            return;
        }
        format_duration(value, tick->label);
    }
}

/* Steps are counted from local midnight, so that days and hours come out even. */
static void clock_ticks(PlotRange *range, size_t wanted)
{
    double step = time_step((range->high - range->low) / 1000 / (double)wanted);
    time_t first = (time_t)(range->low / 1000);
    struct tm local;
    localtime_r(&first, &local);
    double offset = (double)local.tm_gmtoff;
    const char *format = step >= 86400 ? "%b %d" : step >= 60 ? "%H:%M" : "%H:%M:%S";
    bool days = range->high - range->low > 86400e3 && step < 86400;
    double at = ceil((range->low / 1000 + offset) / step) * step - offset;
    for (;; at += step) {
        PlotTick *tick = add_tick(range, at * 1000);
        if (!tick) {
            return;
        }
        time_t seconds = (time_t)at;
        localtime_r(&seconds, &local);
        strftime(tick->label, sizeof tick->label, days ? "%b %d %H:%M" : format, &local);
    }
}

static void find_ticks(PlotRange *range, size_t wanted)
{
    switch (range->scale) {
    case PLOT_LINEAR:
    case PLOT_WHOLE:
        linear_ticks(range, wanted);
        break;
    case PLOT_LOG:
        log_ticks(range, wanted);
        break;
    case PLOT_TIME:
        clock_ticks(range, wanted);
        break;
    case PLOT_DURATION:
        duration_ticks(range, wanted);
        break;
    }
}

void plot_frame(const Plot *plot, size_t x_ticks, size_t y_ticks, PlotFrame *out)
{
    find_ranges(plot, out);
    find_ticks(&out->x, x_ticks);
    find_ticks(&out->y, y_ticks);
}
