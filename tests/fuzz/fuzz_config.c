/* Any file is either a configuration or one clear error; what was read can be printed. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err     e = ERR_INIT;
    struct config *c;
    struct strlist names = {0};
    char           path[64];
    FILE          *sink;
    int            fd = memfd_create("config", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
        abort();
    }
    log_init("fuzz", LOG_QUIET);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    c = config_load(path, &e);
    if (c == NULL) {
        if (e.kind != ERR_USAGE || e.text[0] == '\0') {
            abort();
        }
    } else {
        sink = fopen("/dev/null", "we");
        config_print(c, sink);
        (void)fclose(sink);
        (void)config_repo_names(c, NULL, "shop", &names, &e);
        strlist_free(&names);
    }
    config_free(c);
    (void)close(fd);
    return 0;
}
