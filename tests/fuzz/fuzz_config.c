/* Any file is either a configuration or one clear error; what was read can be printed. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/cli/opts.h"
#include "core/config/config.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct config_key repo_keys[] = {
    {"path", CONFIG_TEXT, "", NULL},
    {"encrypt-to", CONFIG_COMMA_LIST, "", NULL},
    {NULL, CONFIG_TEXT, NULL, NULL},
};
static const struct config_keys keys = {config_common_keys, config_database_keys,
                                        (const struct config_key *const[]){repo_keys, NULL},
                                        config_other_kinds};

/* A file with these bytes; its name lasts until the next call. */
static int
file_with(const void *data, size_t n, char path[64])
{
    int fd = memfd_create("config", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
        abort();
    }
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* An option for every key that may stand before the sections; none is given. */
static opts_tables
tables(void)
{
    static struct opt        table[64];
    static const struct opt *both[] = {table, NULL};
    size_t                   n = 0;

    for (const struct config_key *const *part = config_common_keys; *part != NULL; part++) {
        for (const struct config_key *k = *part; k->name != NULL; k++) {
            table[n++] = (struct opt){.kind = OPT_TEXT, .name = k->name, .config = k->name};
        }
    }
    table[n].kind = OPT_HEAD;
    return both;
}

static void
read_again(const struct config *c)
{
    struct err         e = ERR_INIT;
    struct config     *again;
    struct opts_result given = {.tables = tables()};
    const char        *none = NULL; /* every option's value */
    char              *text = NULL;
    char               path[64];
    size_t             n = 0;
    FILE              *f = open_memstream(&text, &n);
    int                fd;

    config_print_options(c, "shop", &given, &none, f);
    (void)fclose(f);
    fd = file_with(text, n, path);
    again = config_load(path, &keys, &e);
    if (again == NULL && n <= 1 << 20) { /* what is printed is longer than what was read */
        abort();
    }
    config_free(again);
    (void)close(fd);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct err     e = ERR_INIT;
    struct config *c;
    struct strlist names = {0};
    char           path[64];
    int            fd = file_with(data, n, path);

    log_init("fuzz", LOG_ERROR);
    c = config_load(path, &keys, &e);
    if (c == NULL) {
        if (e.kind != ERR_USAGE || e.text[0] == '\0') {
            abort();
        }
    } else {
        read_again(c);
        (void)config_repo_names(c, NULL, "shop", &names, &e);
        strlist_free(&names);
    }
    config_free(c);
    (void)close(fd);
    return 0;
}
