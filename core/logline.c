#include "core/logline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/print.h"
#include "core/runid.h"
#include "core/utf8.h"

static char program[64] = "pgassay";
static char database[256]; /* what is longer is cut */

void
logline_program_set(const char *name)
{
    (void)snprintf(program, sizeof program, "%s", name);
}

const char *
logline_program(void)
{
    return program;
}

void
logline_database_set(const char *name)
{
    (void)print_copy(database, sizeof database, name == NULL ? "" : name);
}

const char *
logline_database(void)
{
    return database;
}

json_t *
logline_new(const char *level)
{
    char    at[24];
    json_t *line = json_pack("{s:s, s:s, s:s, s:s}", "level", level, "time",
                             time_rfc3339(time(NULL), at, sizeof at), "tool", program, "run",
                             run_id());

    if (database[0] != '\0') {
        logline_text(line, "database", database);
    }
    return line;
}

void
logline_text(json_t *line, const char *key, const char *text)
{
    char *shown = NULL;

    if (!utf8_valid(text, strlen(text))) {
        size_t cap = print_copy(NULL, 0, text) + 1;

        shown = xmalloc(cap);
        (void)print_copy(shown, cap, text);
    }
    (void)json_object_set_new(line, key, json_text(shown != NULL ? shown : text));
    free(shown);
}

void
logline_write(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    flockfile(stderr);
    print_raw(stderr, text);
    print_raw(stderr, "\n");
    (void)fflush(stderr);
    funlockfile(stderr);
    free(text);
    json_decref(line);
}
