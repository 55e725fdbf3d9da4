/*
 * opts_values.h - a small tool's options, for the tests of opts.h and config.h.
 */
#ifndef TESTS_UNIT_OPTS_VALUES_H
#define TESTS_UNIT_OPTS_VALUES_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/cli/opts.h"
#include "core/mem.h"
#include "tests/unit/check.h"

struct values {
    bool           json;
    int            jobs;
    const char    *repo, *compress, *conninfo;
    struct strlist tables, patterns;
};

#define AT(field) offsetof(struct values, field)

static const struct opt table[] = {
    {.kind = OPT_HEAD, .name = "Options"},
    {.kind = OPT_FLAG, .name = "json", .help = "print JSON", .offset = AT(json)},
    {.kind = OPT_INT,
     .name = "jobs",
     .letter = 'j',
     .arg = "N",
     .help = "workers",
     .offset = AT(jobs),
     .min = 1,
     .max = 64,
     .env = "TEST_JOBS",
     .config = "jobs"},
    {.kind = OPT_TEXT, .name = "repo", .arg = "PATH", .help = "repository", .offset = AT(repo)},
    {.kind = OPT_TEXT,
     .name = "compress",
     .arg = "CODEC",
     .help = "codec",
     .offset = AT(compress),
     .config = "compress"},
    {.kind = OPT_TEXT,
     .name = "conninfo",
     .letter = 'd',
     .arg = "CONNINFO",
     .help = "database",
     .offset = AT(conninfo),
     .config = "conninfo"},
    {.kind = OPT_LIST,
     .name = "table",
     .letter = 't',
     .arg = "PATTERN",
     .help = "tables",
     .offset = AT(tables),
     .env = "TEST_TABLE"},
    {.kind = OPT_LIST,
     .name = "exclude-table-data",
     .arg = "PATTERN",
     .help = "rows",
     .offset = AT(patterns),
     .config = "exclude-table-data"},
    {.kind = OPT_HEAD, .name = NULL},
};

static const struct opts_spec spec = {
    .program = "pgassay-test",
    .args = "[ARG]...",
    .summary = "Test.",
    .tables = (const struct opt *const[]){table, NULL},
};

enum { WORDS_MAX = 32 };

/* The words of a command line; line is cut up. */
static int
split(char *line, char **argv)
{
    int argc = 1;

    argv[0] = line;
    (void)strtok(line, " ");
    while (argc < WORDS_MAX - 1 && (argv[argc] = strtok(NULL, " ")) != NULL) {
        argc++;
    }
    argv[argc] = NULL;
    return argc;
}

/* Parses such a line. */
static int
parse(const char *line, struct values *v, struct opts_result *r, struct err *e)
{
    static char words[256];
    char       *argv[WORDS_MAX];

    (void)snprintf(words, sizeof words, "prog %s", line);
    return opts_parse(&spec, NULL, split(words, argv), argv, v, r, e);
}

#endif
