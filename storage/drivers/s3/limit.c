#include "storage/drivers/s3/limit.h"

#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "core/cancel.h"
#include "core/human.h"

/* After an idle time this much may be sent at once, in seconds. */
#define BURST 0.05

enum { SHARE_MIN = 1 << 10, SHARE_MAX = 64 << 10 };

void
s3_limit_init(struct s3_limit *l, uint64_t rate)
{
    l->rate = rate;
    l->free_at = 0;
    (void)pthread_mutex_init(&l->lock, NULL);
}

void
s3_limit_deinit(struct s3_limit *l)
{
    (void)pthread_mutex_destroy(&l->lock);
}

size_t
s3_limit_share(const struct s3_limit *l)
{
    uint64_t share = l->rate / 20;

    if (l->rate == 0) {
        return SIZE_MAX;
    }
    return share < SHARE_MIN ? SHARE_MIN : share > SHARE_MAX ? SHARE_MAX : (size_t)share;
}

bool
s3_sleep(double seconds)
{
    bool   deaf = cancel_requested();
    double end = clock_seconds() + seconds;

    for (;;) {
        struct pollfd p = {.fd = deaf ? -1 : cancel_fd(), .events = POLLIN};
        double        left = end - clock_seconds();

        if (left <= 0) {
            return true;
        }
        (void)poll(&p, 1, left > 1 ? 1000 : (int)(left * 1000) + 1);
        if (!deaf && cancel_requested()) {
            return false;
        }
    }
}

double
s3_limit_wait(struct s3_limit *l, size_t n)
{
    double now, due;

    if (l->rate == 0) {
        return 0;
    }
    now = clock_seconds();
    (void)pthread_mutex_lock(&l->lock);
    if (l->free_at < now - BURST) {
        l->free_at = now - BURST;
    }
    due = l->free_at;
    l->free_at += (double)n / (double)l->rate;
    (void)pthread_mutex_unlock(&l->lock);
    if (due > now) {
        (void)s3_sleep(due - now);
    }
    return due > now ? clock_seconds() - now : 0;
}
