/*
 * ledger_seen.c - the newest records of a ledger that this host has seen: <state dir>/<repo
 * id>/<db>.ledger, an object of type "ledger-seen" with their "names".  No authority: what cannot
 * be read or written is as if nothing was remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "core/enc.h"
#include "core/host/statedir.h"
#include "core/log.h"
#include "storage/format/object.h"
#include "storage/repo/lastseen_impl.h"
#include "storage/repo/ledger_impl.h"

enum { SEEN_BYTES_MAX = 64 << 10 };

static char *
path_of(const struct repo *r, const char *db)
{
    struct err e = ERR_INIT;
    char      *enc = name_encode(db);
    char      *file = xasprintf("%s.ledger", enc);
    char      *path = lastseen_is_past(r) ? NULL : state_file(r->id, file, &e);

    if (e.kind != ERR_NONE) {
        log_info("%s; this host remembers no ledger", e.text);
    }
    free(file);
    free(enc);
    return path;
}

void
ledger_recall(const struct repo *r, const char *db, struct strlist *names)
{
    char         *path = path_of(r, db);
    struct buf    text = BUF_INIT(SEEN_BYTES_MAX);
    struct err    e = ERR_INIT;
    json_t       *o = NULL;
    const json_t *one;
    size_t        i;

    if (path != NULL && state_read(path, &text, &e) == 0 && text.len > 0) {
        o = object_parse(text.data, text.len, "ledger-seen", &e);
    }
    if (e.kind != ERR_NONE) {
        log_warn("\"%s\", what this host has seen of a ledger, is passed over: %s", path, e.text);
    }
    json_array_foreach (json_object_get(o, "names"), i, one) {
        const char *name = json_is_string(one) ? json_string_value(one) : "";

        if (ledger_name_valid(name)) {
            strlist_add(names, name);
        }
    }
    json_decref(o);
    buf_free(&text);
    free(path);
}

void
ledger_remember(const struct repo *r, const char *db, const struct strlist *names)
{
    char      *path = names->n == 0 ? NULL : path_of(r, db);
    struct buf text = BUF_INIT(SEEN_BYTES_MAX);
    struct err e = ERR_INIT;
    json_t    *o = object_new("ledger-seen"), *list = json_array();

    for (size_t i = 0; i < names->n; i++) {
        (void)json_array_append_new(list, json_string(names->v[i]));
    }
    (void)json_object_set_new(o, "names", list);
    if (path != NULL && (object_format(o, &text, &e) != 0 || state_write(path, &text, &e) != 0)) {
        log_info("%s; this host does not remember the ledger of \"%s\"", e.text, db);
    }
    json_decref(o);
    buf_free(&text);
    free(path);
}
