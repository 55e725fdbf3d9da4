#include "restore/job/problems.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/json.h"
#include "core/log.h"

void
problems_init(struct problems *p)
{
    *p = (struct problems){0};
    pthread_mutex_init(&p->lock, NULL);
}

void
problems_free(struct problems *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].kind);
        free(p->v[i].object);
        free(p->v[i].message);
    }
    free(p->v);
    pthread_mutex_destroy(&p->lock);
}

/* 'role "app" does not exist', which may apply to each of a thousand objects. */
static bool
lacks_role(const struct problem *x)
{
    return strcmp(x->sqlstate, "42704") == 0 && strncmp(x->message, "role ", 5) == 0;
}

/* Among the first n. */
static const struct problem *
find_same(const struct problems *p, const struct problem *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!p->v[i].same && strcmp(p->v[i].message, x->message) == 0) {
            return &p->v[i];
        }
    }
    return NULL;
}

/* A restore that has problems is not whole: --quiet hides warnings, but never these. */
static void
tell(const char *what, const char *message)
{
    if (log_wants(LOG_WARN)) {
        log_warn("%s: %s", what, message);
    } else {
        log_error("%s: %s", what, message);
    }
}

void
problem_add(struct problems *p, const char *kind, const char *schema, const char *name,
            const struct err *e)
{
    struct problem x = {.kind = xstrdup(kind), .message = xstrdup(e->text)};

    x.object = schema == NULL ? xstrdup(name) : xasprintf("%s.%s", schema, name);
    memcpy(x.sqlstate, e->sqlstate, sizeof x.sqlstate);
    pthread_mutex_lock(&p->lock);
    x.same = lacks_role(&x) && find_same(p, &x, p->n) != NULL;
    if (!x.same) {
        char *what = xasprintf("%s %s", x.kind, x.object);

        tell(what, x.message);
        free(what);
    }
    VEC_GROW(p->v, p->n, p->cap);
    p->v[p->n++] = x;
    pthread_mutex_unlock(&p->lock);
}

void
problems_tell_rest(struct problems *p)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t more = 0;
        char   objects[48];

        for (size_t k = i + 1; lacks_role(&p->v[i]) && !p->v[i].same && k < p->n; k++) {
            more += p->v[k].same && strcmp(p->v[k].message, p->v[i].message) == 0;
        }
        if (more > 0) {
            char *what = xasprintf("%s more", count_human(more, "object", objects, sizeof objects));

            tell(what, p->v[i].message);
            free(what);
        }
    }
}

void
problem_entry(struct problems *p, const struct archive_entry *entry, const struct err *e)
{
    problem_add(p, entry->desc, entry->schema, entry->tag, e);
}

json_t *
problems_json(const struct problems *p)
{
    json_t *all = json_array();

    for (size_t i = 0; i < p->n; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "kind", json_text(p->v[i].kind));
        json_object_set_new(one, "object", json_text(p->v[i].object));
        json_object_set_new(one, "message", json_text(p->v[i].message));
        json_object_set_new(one, "sqlstate",
                            json_text(p->v[i].sqlstate[0] == '\0' ? NULL : p->v[i].sqlstate));
        json_array_append_new(all, one);
    }
    return all;
}

bool
problem_is_fatal(const PGconn *conn, const struct err *e)
{
    /* Connection, resources, intervention (but not 57014: a statement's own timeout), system
     * error. */
    static const char *const classes[] = {"08", "53", "57P", "58"};

    if (e->kind != ERR_PG || PQstatus(conn) != CONNECTION_OK) {
        return true;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strncmp(e->sqlstate, classes[i], strlen(classes[i])) == 0) {
            return true;
        }
    }
    return false;
}
