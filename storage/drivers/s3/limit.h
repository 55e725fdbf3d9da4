/*
 * limit.h - a limit on bytes a second that many connections share.
 */
#ifndef STORAGE_DRIVERS_S3_LIMIT_H
#define STORAGE_DRIVERS_S3_LIMIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct s3_limit {
    uint64_t        rate; /* bytes a second; 0: no limit */
    pthread_mutex_t lock;
    double          free_at; /* clock_seconds() at which the next bytes may pass */
};

void s3_limit_init(struct s3_limit *, uint64_t rate);
void s3_limit_deinit(struct s3_limit *);
/* The largest number of bytes to pass at once, so that the connections take turns. */
size_t s3_limit_share(const struct s3_limit *);
/* Waits until n more bytes may pass, or the program is interrupted.  Returns the seconds waited. */
double s3_limit_wait(struct s3_limit *, size_t n);

/* Sleeps; false when the program is interrupted meanwhile, unless it was so from the start. */
bool s3_sleep(double seconds);

#endif
