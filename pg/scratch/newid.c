#include "pg/scratch/newid.h"

#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/crypto/hash.h"
#include "core/mem.h"

/* PG_CONTROL_MAX_SAFE_SIZE; the shortest that could be one. */
enum { CONTROL_BYTES = 512, CONTROL_MIN = 128, WAL_SYSID_AT = 24 };

static uint32_t
crc32c_more(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int i = 0; i < 8; i++) {
        crc = (crc >> 1) ^ (0x82F63B78U & -(crc & 1));
    }
    return crc;
}

static uint32_t
crc32c(const uint8_t *v, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        crc = crc32c_more(crc, v[i]);
    }
    return ~crc;
}

/* Where its CRC is; 0: nowhere. */
static size_t
find_crc(const uint8_t *control)
{
    uint32_t stored;

    for (size_t at = CONTROL_MIN; at + sizeof stored <= CONTROL_BYTES; at += sizeof stored) {
        memcpy(&stored, control + at, sizeof stored);
        if (stored == crc32c(control, at)) {
            return at;
        }
    }
    return 0;
}

/* As initdb makes one: of the time, and some bits that two of the same moment do not share. */
static uint64_t
new_identifier(void)
{
    struct timespec now;
    uint16_t        noise;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    random_bytes(&noise, sizeof noise);
    return (uint64_t)now.tv_sec << 32 | (uint64_t)(now.tv_nsec / 1000) << 12 | (noise & 0xFFF);
}

static bool
change_control(int fd, uint64_t id, uint64_t *old)
{
    uint8_t  control[CONTROL_BYTES];
    uint32_t crc;
    size_t   at;

    if (pread(fd, control, sizeof control, 0) != (ssize_t)sizeof control ||
        (at = find_crc(control)) == 0) {
        return false;
    }
    memcpy(old, control, sizeof *old);
    memcpy(control, &id, sizeof id);
    crc = crc32c(control, at);
    memcpy(control + at, &crc, sizeof crc);
    return pwrite(fd, control, sizeof control, 0) == (ssize_t)sizeof control;
}

static bool
change_wal(int fd, uint64_t id, uint64_t old)
{
    uint64_t found;

    return pread(fd, &found, sizeof found, WAL_SYSID_AT) == (ssize_t)sizeof found && found == old &&
        pwrite(fd, &id, sizeof id, WAL_SYSID_AT) == (ssize_t)sizeof id;
}

/* The one segment; -1: there is another number of them. */
static int
open_segment(const char *dir)
{
    char  *pattern = xasprintf("%s/data/pg_wal/0*", dir);
    glob_t found = {0};
    int    fd = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc == 1
           ? open(found.gl_pathv[0], O_RDWR | O_CLOEXEC | O_NOFOLLOW)
           : -1;

    globfree(&found);
    free(pattern);
    return fd;
}

bool
newid_give(const char *dir)
{
    char    *path = xasprintf("%s/data/global/pg_control", dir);
    int      control = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), wal = open_segment(dir);
    uint64_t id = new_identifier(), old;
    bool     ok = control >= 0 && wal >= 0 && change_control(control, id, &old) &&
        change_wal(wal, id, old);

    if (control >= 0) {
        ok = close(control) == 0 && ok;
    }
    if (wal >= 0) {
        ok = close(wal) == 0 && ok;
    }
    free(path);
    return ok;
}
