#include "core/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/human.h"
#include "core/print.h"

#define REDRAW_SECONDS 0.2

static struct {
    pthread_mutex_t lock;
    bool            on;
    bool            drawn;
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

static void
draw(double now)
{
    char   done[16];
    char   total[16];
    char   rate[16];
    char   left[24];
    double spent = now - p.began;
    double speed = spent > 0 ? (double)p.done / spent : 0;

    (void)fprintf(stderr, "\r\033[K%s", p.what);
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
    (void)fflush(stderr);
    p.drawn = true;
    p.drawn_at = now;
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
    p.on = !quiet && isatty(STDERR_FILENO) != 0;
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
    p.on = false;
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
