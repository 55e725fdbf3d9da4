#include "storage/repo/annotations.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "storage/format/object.h"
#include "storage/repo/backuplist.h"

static const struct pin *
mark_of(const struct pins *marks, const char *backup)
{
    const struct pin *last = NULL;

    for (size_t i = 0; i < marks->n; i++) {
        if (strcmp(marks->v[i].backup, backup) == 0) {
            last = &marks->v[i];
        }
    }
    return last;
}

/* An unreadable record may be the one that proves it. */
static bool
is_proven(const struct backup_entry *b, const struct drill_record *d)
{
    return b->state == BACKUP_COMMITTED && d != NULL && (d->equal || !d->readable);
}

int
annotations_load(struct repo *r, const char *db, const struct backup_list *list,
                 struct annotations *out, struct err *e)
{
    *out = (struct annotations){0};
    if (pins_load(r, db, PINS_PINNED, &out->pins, e) != 0 ||
        pins_load(r, db, PINS_ACCEPTED, &out->accepted, e) != 0 ||
        drill_records_load(r, db, list, &out->drills, e) != 0) {
        annotations_free(out);
        return -1;
    }
    out->n = list->n;
    out->v = xcalloc(list->n + 1, sizeof *out->v);
    for (size_t i = 0; i < list->n; i++) {
        const struct backup_entry *b = &list->v[i];
        struct annotation         *s = &out->v[i];

        s->pin = mark_of(&out->pins, b->id);
        s->accepted = mark_of(&out->accepted, b->id);
        s->drill = b->label == NULL ? NULL : drill_record_of(&out->drills, b->label);
        s->proven = is_proven(b, s->drill);
    }
    return 0;
}

void
annotations_free(struct annotations *s)
{
    free(s->v);
    pins_free(&s->pins);
    pins_free(&s->accepted);
    drill_records_free(&s->drills);
    *s = (struct annotations){0};
}

static json_t *
drill_json(const struct drill_record *d)
{
    char at[32];

    return json_pack("{s:s, s:b, s:f, s:I, s:I}", "finished",
                     time_rfc3339(d->finished, at, sizeof at), "equal", (int)d->equal,
                     "recovery_seconds", d->recovery_seconds, "different", (json_int_t)d->different,
                     "not_compared", (json_int_t)d->not_compared);
}

static void
set_mark(json_t *o, const char *key, const struct pin *m)
{
    if (m != NULL) {
        object_set_text(o, key, m->text != NULL ? m->text : "");
    }
}

void
annotation_json(const struct annotation *s, json_t *o)
{
    (void)json_object_set_new(o, "proven", json_boolean(s->proven));
    if (s->drill != NULL && s->drill->readable) {
        (void)json_object_set_new(o, "drill", drill_json(s->drill));
    }
    set_mark(o, "pinned", s->pin);
    set_mark(o, "accepted", s->accepted);
}

/* Appends a clause to text, which is freed. */
static char *
with_clause(char *text, const char *what, const char *said)
{
    char *longer = xasprintf("%s%s%s%s%s", text, *text == '\0' ? "" : "; ", what,
                             *what == '\0' ? "" : ": ", said);

    free(text);
    return longer;
}

char *
annotation_note(const struct annotation *s, const char *note)
{
    char *text = xstrdup(note != NULL ? note : "");

    if (s->pin != NULL) {
        text = with_clause(text, "pinned",
                           s->pin->text != NULL ? s->pin->text : "(its note cannot be read)");
    }
    if (s->accepted != NULL) {
        text = with_clause(text, "accepted", s->accepted->text);
    }
    return text;
}
