/* scrub_text.c - the findings of a scrub, as JSON and as text. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/scrub.h"
#include "storage/format/object.h"
#include "storage/repo/backuplist.h"

/* ---- for machines ---- */

static json_t *
json_list(const struct strlist *list)
{
    json_t *a = json_array();

    for (size_t i = 0; i < list->n; i++) {
        (void)json_array_append_new(a, json_text(list->v[i]));
    }
    return a;
}

static json_t *
bad_json(const struct bad_object *bad, const struct chunk_name *chunk)
{
    json_t *b = json_object();
    char    name[CHUNK_NAME_MAX];

    chunk_name_format(chunk, name);
    (void)json_object_set_new(b, "name", json_string(name));
    (void)json_object_set_new(b, "healed", json_boolean(bad->healed));
    (void)json_object_set_new(b, "missing", json_boolean(bad->missing));
    object_set_text(b, "problem", bad->problem);
    (void)json_object_set_new(b, "backups", json_list(&bad->backups));
    (void)json_object_set_new(b, "tables", json_list(&bad->tables));
    return b;
}

static json_t *
damaged_json(const struct scrub *s)
{
    json_t *damaged = json_array();

    for (size_t i = 0; i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];
        json_t                    *o;

        if (b->state == BACKUP_DAMAGED) {
            o = json_pack("{s:s}", "backup", b->id);
            object_set_text(o, "problem", b->problem);
            (void)json_array_append_new(damaged, o);
        }
    }
    return damaged;
}

static json_t *
repair_json(const struct repair *r)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "chunks", (json_int_t)r->chunks, "bytes",
                     (json_int_t)r->bytes, "lists", (json_int_t)r->lists, "backups",
                     (json_int_t)r->backups, "lost", (json_int_t)r->lost, "failed",
                     json_list(&r->failed));
}

json_t *
scrub_json(const struct scrub *s, const struct repair *r)
{
    json_t *o = json_object();
    json_t *bad = json_array();
    json_t *missing = json_array();
    char    at[32];

    object_set_text(o, "db", s->db);
    (void)json_object_set_new(o, "objects", json_integer((json_int_t)s->objects));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)s->bytes));
    (void)json_object_set_new(o, "end", json_string(scrub_end_text(s->end)));
    if (s->since > 0) {
        (void)json_object_set_new(o, "since", json_string(time_rfc3339(s->since, at, sizeof at)));
    }
    (void)json_object_set_new(o, "condemned", json_integer((json_int_t)s->condemned));
    (void)json_object_set_new(o, "acquitted", json_integer((json_int_t)s->acquitted));
    for (size_t i = 0; i < s->bad_names.n; i++) {
        (void)json_array_append_new(bad, bad_json(&s->bad[i], &s->bad_names.v[i].ref.name));
    }
    if (r != NULL) {
        (void)json_object_set_new(o, "repair", repair_json(r));
    }
    (void)json_object_set_new(o, "bad", bad);
    (void)json_object_set_new(o, "damaged", damaged_json(s));
    for (size_t i = 0; i < s->missing.n; i++) {
        (void)json_array_append_new(missing, json_string(s->missing.v[i]));
    }
    (void)json_object_set_new(o, "missing", missing);
    return o;
}

/* ---- for people ---- */

static void
print_names(const char *what, const struct strlist *names)
{
    if (names->n == 0) {
        return;
    }
    print_out("    %s:", what);
    for (size_t i = 0; i < names->n; i++) {
        print_out("%s %s", i == 0 ? "" : ",", names->v[i]);
    }
    print_out("\n");
}

static void
print_bad(const struct scrub *s, size_t i)
{
    const struct bad_object *b = &s->bad[i];
    char                     name[CHUNK_NAME_MAX];

    chunk_name_format(&s->bad_names.v[i].ref.name, name);
    print_out("%s: chunk %s is %s%s\n    %s\n", s->db, name, b->missing ? "missing" : "bad",
              b->healed      ? ", but another holds the same"
                  : b->spare ? ": it was a duplicate of a bad one"
                             : "",
              b->problem);
    print_names("in backups", &b->backups);
    print_names("holding rows of", &b->tables);
}

static size_t
print_damaged(const struct scrub *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->backups.n; i++) {
        const struct backup_entry *b = &s->backups.v[i];

        if (b->state == BACKUP_DAMAGED) {
            print_out("%s: backup %s is damaged: %s\n", s->db, b->id, b->problem);
            n++;
        }
    }
    for (size_t i = 0; i < s->missing.n; i++) {
        print_out("%s: %s\n", s->db, s->missing.v[i]);
    }
    return n + s->missing.n;
}

static const char *
how_far(const struct scrub *s)
{
    static const char *const text[] = {"", ", the requested share", ", the requested amount",
                                       ", for the requested time", ", then interrupted"};

    return text[s->end];
}

static void
print_repair(const struct scrub *s, const struct repair *r)
{
    char chunks[48];
    char size[16];
    char lists[64];

    if (r->chunks > 0) {
        print_out("%s: healed %s (%s)\n", s->db,
                  count_human(r->chunks, "chunk", chunks, sizeof chunks),
                  size_human(r->bytes, size, sizeof size));
    }
    if (r->lists > 0) {
        print_out("%s: made chunk lists and manifests again: %s\n", s->db,
                  count_human(r->lists, NULL, lists, sizeof lists));
    }
    if (r->backups > 0) {
        print_out("%s: brought back %s\n", s->db,
                  count_human(r->backups, "backup", lists, sizeof lists));
    }
    if (r->lost > 0) {
        print_out("%s: %s cannot be healed: the other repository does not hold their contents\n",
                  s->db, count_human(r->lost, "chunk", chunks, sizeof chunks));
    }
    for (size_t i = 0; i < r->failed.n; i++) {
        print_out("%s: cannot be healed: %s\n", s->db, r->failed.v[i]);
    }
}

void
scrub_text(const struct scrub *s, const struct repair *r, bool all)
{
    char   size[16];
    char   chunks[48];
    char   age[32];
    size_t damaged;

    for (size_t i = 0; i < s->bad_names.n; i++) {
        if (all || !s->bad[i].healed) {
            print_bad(s, i);
        }
    }
    if (r != NULL) {
        print_repair(s, r);
    }
    damaged = print_damaged(s);
    if (s->condemned_chunks > 0) {
        print_out(
            "%s: condemned %s: the next backup stores them again if the data is still there\n",
            s->db, count_human(s->condemned_chunks, "chunk", chunks, sizeof chunks));
    }
    if (s->acquitted > 0 && all) {
        print_out("%s: acquitted %zu: good again, or gone and not needed any more\n", s->db,
                  s->acquitted);
    }
    if (!all && damaged == 0) {
        return;
    }
    print_out("%s: read %s (%s)%s: %zu bad, %zu of %zu backups damaged\n", s->db,
              count_human(s->objects, "chunk", chunks, sizeof chunks),
              size_human(s->bytes, size, sizeof size), how_far(s), s->bad_names.n, damaged,
              s->backups.n);
    if (all && s->since > 0) {
        print_out("%s: no chunk was last read longer than %s ago\n", s->db,
                  duration_human(difftime(time(NULL), s->since), age, sizeof age));
    }
}
