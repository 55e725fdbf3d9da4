#include "core/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/json.h"
#include "core/logline.h"
#include "core/print.h"

#define REDRAW_SECONDS 0.2

static struct {
    pthread_mutex_t lock;
    bool            under_way;
    bool            on; /* drawn on a terminal */
    bool            drawn;
    bool            loud;    /* not --quiet */
    bool            as_json; /* a line each second */
    char            what[64];
    uint64_t        done, total;
    double          began, drawn_at, expected;
} p = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Called with the lock held, as are draw() and draw_soon(). */
static void
wipe(void)
{
    if (p.drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        p.drawn = false;
    }
}

/* By the rate so far, and by what was expected; 0: not known.  The first second's rate says little
 * about the rest. */
static double
seconds_left(double spent, double speed)
{
    double by_rate = p.done > 0 && p.total > p.done && spent > 1
        ? (double)(p.total - p.done) / speed
        : 0;

    return p.expected - spent > by_rate ? p.expected - spent : by_rate;
}

/* "shop   25 %  500 kB of 2.0 MB  1.0 MB/s  2 s left" */
static void
show(double now)
{
    char   done[16];
    char   total[16];
    char   rate[16];
    char   left[24];
    double spent = now - p.began;
    double speed = spent > 0 ? (double)p.done / spent : 0;

    (void)fprintf(stderr, "%s", p.what);
    if (p.total > 0) {
        (void)fprintf(stderr, "  %3d %%  %s of %s", (int)(100.0 * (double)p.done / (double)p.total),
                      size_human(p.done, done, sizeof done),
                      size_human(p.total, total, sizeof total));
    } else if (p.done > 0) {
        (void)fprintf(stderr, "  %s", size_human(p.done, done, sizeof done));
    }
    if (p.done > 0) {
        (void)fprintf(stderr, "  %s/s", size_human((uint64_t)speed, rate, sizeof rate));
    }
    if (seconds_left(spent, speed) > 0) {
        (void)fprintf(stderr, "  %s left",
                      duration_human(seconds_left(spent, speed), left, sizeof left));
    }
}

static void
draw(double now)
{
    (void)fputs("\r\033[K", stderr);
    show(now);
    (void)fflush(stderr);
    p.drawn = true;
    p.drawn_at = now;
}

/* phase null: nothing is under way. */
static void
write_json(const char *level, double now)
{
    json_t *line = logline_new(level);
    double  spent = now - p.began;
    double  left = p.under_way ? seconds_left(spent, spent > 0 ? (double)p.done / spent : 0) : 0;

    if (!p.under_way) {
        (void)json_object_set_new(line, "phase", json_null());
    } else {
        logline_text(line, "phase", p.what);
        (void)json_object_set_new(line, "done", json_integer((json_int_t)p.done));
        (void)json_object_set_new(line, "total",
                                  p.total > 0 ? json_integer((json_int_t)p.total) : json_null());
        (void)json_object_set_new(line, "seconds", json_integer((json_int_t)spent));
        (void)json_object_set_new(line, "seconds_left",
                                  left > 0 ? json_integer((json_int_t)left + 1) : json_null());
    }
    logline_write(line);
}

static void
draw_soon(void)
{
    double now = clock_seconds();

    if (p.on && now - p.drawn_at >= REDRAW_SECONDS) {
        draw(now);
    }
}

void
progress_start(const char *what, uint64_t total, bool quiet)
{
    pthread_mutex_lock(&p.lock);
    wipe();
    p.under_way = true;
    p.loud = !quiet;
    p.on = p.loud && !p.as_json && isatty(STDERR_FILENO) != 0;
    (void)print_copy(p.what, sizeof p.what, what);
    p.done = 0;
    p.total = total;
    p.began = clock_seconds();
    p.drawn_at = 0;
    p.expected = 0;
    draw_soon();
    pthread_mutex_unlock(&p.lock);
}

void
progress_expect(double seconds)
{
    pthread_mutex_lock(&p.lock);
    p.expected = seconds;
    pthread_mutex_unlock(&p.lock);
}

void
progress_phase(const char *what)
{
    pthread_mutex_lock(&p.lock);
    (void)print_copy(p.what, sizeof p.what, what);
    p.drawn_at = 0;
    draw_soon();
    pthread_mutex_unlock(&p.lock);
}

void
progress_add(uint64_t bytes)
{
    pthread_mutex_lock(&p.lock);
    p.done += bytes;
    if (p.done > p.total && p.total > 0) { /* totals are estimates */
        p.total = p.done;
    }
    draw_soon();
    pthread_mutex_unlock(&p.lock);
}

void
progress_grow(uint64_t bytes)
{
    pthread_mutex_lock(&p.lock);
    p.total += bytes;
    draw_soon();
    pthread_mutex_unlock(&p.lock);
}

void
progress_end(void)
{
    pthread_mutex_lock(&p.lock);
    wipe();
    p.on = p.under_way = false;
    pthread_mutex_unlock(&p.lock);
}

void
progress_hide(void)
{
    pthread_mutex_lock(&p.lock);
    wipe();
}

void
progress_show(void)
{
    if (p.on) {
        draw(clock_seconds());
    }
    pthread_mutex_unlock(&p.lock);
}

void
progress_as_json(bool yes)
{
    pthread_mutex_lock(&p.lock);
    p.as_json = yes;
    pthread_mutex_unlock(&p.lock);
}

void
progress_tick(void)
{
    pthread_mutex_lock(&p.lock);
    if (p.as_json && p.under_way && p.loud) {
        write_json("progress", clock_seconds());
    }
    pthread_mutex_unlock(&p.lock);
}

void
progress_say(bool as_json)
{
    progress_hide();
    if (as_json) {
        write_json("state", clock_seconds());
    } else {
        (void)fprintf(stderr, "%s: state: ", logline_program());
        if (p.under_way) {
            show(clock_seconds());
        } else {
            (void)fputs("nothing that is measured is under way", stderr);
        }
        (void)fputs("\n", stderr);
        (void)fflush(stderr);
    }
    progress_show();
}
