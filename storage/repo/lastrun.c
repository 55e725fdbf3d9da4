#include "storage/repo/lastrun.h"

#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "storage/format/object.h"

enum { RUN_BYTES_MAX = 16 << 10 };

static char *
path_of(const char *repo_id, const char *db)
{
    struct err e = ERR_INIT;
    char      *enc = name_encode(db);
    char      *file = xasprintf("%s.%s", enc, repo_id != NULL ? "run" : "json");
    char      *path = state_file(repo_id != NULL ? repo_id : "runs", file, &e);

    if (path == NULL) {
        log_info("%s; this host remembers no runs", e.text);
    }
    free(file);
    free(enc);
    return path;
}

void
lastrun_note(const char *repo_id, const char *location, const char *db, time_t started,
             const char *error)
{
    char      *path = path_of(repo_id, db);
    struct buf text = BUF_INIT(RUN_BYTES_MAX);
    struct err e = ERR_INIT;
    json_t    *o = object_new("last-run");
    char       at[32];

    (void)json_object_set_new(o, "started", json_string(time_rfc3339(started, at, sizeof at)));
    (void)json_object_set_new(o, "finished", json_string(time_rfc3339(time(NULL), at, sizeof at)));
    object_set_text(o, "repository", location);
    object_set_text(o, "error", error);
    if (path != NULL && (object_format(o, &text, &e) != 0 || state_write(path, &text, &e) != 0)) {
        log_info("%s; this host does not remember this run", e.text);
    }
    json_decref(o);
    buf_free(&text);
    free(path);
}

static int
get_time(const json_t *o, const char *key, time_t *at, struct err *e)
{
    const char *text;

    return json_get_str(o, key, &text, e) != 0 ? -1 : time_parse(text, at, e);
}

/* location NULL: of whichever; else nothing of another. */
static void
load(const char *repo_id, const char *location, const char *db, struct lastrun *run)
{
    char      *path = path_of(repo_id, db), *where = NULL;
    struct buf text = BUF_INIT(RUN_BYTES_MAX);
    struct err e = ERR_INIT;
    json_t    *o = NULL;

    *run = (struct lastrun){0};
    if (path != NULL && state_read(path, &text, &e) == 0 && text.len > 0) {
        o = object_parse(text.data, text.len, "last-run", &e);
    }
    if (o != NULL &&
        (get_time(o, "started", &run->started, &e) != 0 ||
         get_time(o, "finished", &run->finished, &e) != 0 ||
         object_opt_text(o, "repository", &where, &e) != 0 ||
         object_opt_text(o, "error", &run->error, &e) != 0 ||
         (location != NULL && where != NULL && strcmp(where, location) != 0))) {
        lastrun_free(run);
    }
    if (e.kind != ERR_NONE) {
        log_warn("\"%s\", how a run ended, is passed over: %s", path, e.text);
    }
    json_decref(o);
    buf_free(&text);
    free(where);
    free(path);
}

void
lastrun_load(const struct repo *r, const char *db, struct lastrun *run)
{
    struct lastrun unopened;

    load(r->id, NULL, db, run);
    load(NULL, r->st->location, db, &unopened);
    if (unopened.finished > run->finished) {
        lastrun_free(run);
        *run = unopened;
    } else {
        lastrun_free(&unopened);
    }
}

void
lastrun_free(struct lastrun *run)
{
    free(run->error);
    run->started = run->finished = 0;
    run->error = NULL;
}
