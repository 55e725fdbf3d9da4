#include "core/notify/told.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/host/statedir.h"
#include "core/human.h"
#include "core/json.h"

#define FILE_MAX (4 * MIB)

/* What is no text is as if it were not there; allocated. */
static char *
text_in(const json_t *j)
{
    struct err ignored = ERR_INIT;
    size_t     n;
    char      *text = json_bytes_get(j, &n, &ignored);

    return text == NULL ? xstrdup("") : text;
}

static char *
text_of(const json_t *j, const char *key)
{
    return text_in(json_object_get(j, key));
}

static void
take(struct told *t, const json_t *j)
{
    const json_t          *name;
    struct told_condition *c;
    size_t                 i;

    VEC_GROW(t->v, t->n, t->cap);
    c = &t->v[t->n++];
    *c = (struct told_condition){.condition = text_of(j, "condition"),
                                 .database = text_of(j, "database"),
                                 .repository = text_of(j, "repository"),
                                 .level = text_of(j, "level"),
                                 .text = text_of(j, "text"),
                                 .backup = text_of(j, "backup"),
                                 .since = (time_t)json_opt_int(j, "since", 0)};
    json_array_foreach (json_object_get(j, "told"), i, name) {
        strlist_take(&c->channels, text_in(name));
    }
}

static int
load(struct told *t, struct err *e)
{
    struct buf    text = BUF_INIT(FILE_MAX);
    json_t       *j = NULL;
    const json_t *one;
    size_t        i;
    int           rc = state_read(t->path, &text, e);

    if (rc == 0 && text.len > 0 && (j = json_read(text.data, text.len, e)) == NULL) {
        rc = -1;
    }
    json_array_foreach (json_object_get(j, "conditions"), i, one) {
        take(t, one);
    }
    json_decref(j);
    buf_free(&text);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\"", t->path);
}

static int
lock_until(const char *path, double deadline)
{
    int fd = state_open(path, 0);

    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_seconds() > deadline) {
            (void)close(fd);
            return -1;
        }
        (void)usleep(50000);
    }
    return fd;
}

int
told_open(double deadline, struct told *t, struct err *e)
{
    char *lock;

    *t = (struct told){.lock = -1, .path = state_file("notify", "told.json", e)};
    lock = t->path == NULL ? NULL : state_file("notify", "told.lock", e);
    if (lock != NULL) {
        t->lock = lock_until(lock, deadline);
    }
    free(lock);
    return t->path == NULL ? -1 : load(t, e);
}

struct told_condition *
told_find(const struct told *t, const char *condition, const char *database, const char *repository)
{
    for (size_t i = 0; i < t->n; i++) {
        struct told_condition *c = &t->v[i];

        if (strcmp(c->condition, condition) == 0 && strcmp(c->database, database) == 0 &&
            strcmp(c->repository, repository) == 0) {
            return c;
        }
    }
    return NULL;
}

struct told_condition *
told_add(struct told *t, const char *condition, const char *database, const char *repository)
{
    VEC_GROW(t->v, t->n, t->cap);
    t->v[t->n] = (struct told_condition){.condition = xstrdup(condition),
                                         .database = xstrdup(database),
                                         .repository = xstrdup(repository),
                                         .level = xstrdup(""),
                                         .text = xstrdup(""),
                                         .backup = xstrdup(""),
                                         .since = time(NULL)};
    return &t->v[t->n++];
}

static void
condition_free(struct told_condition *c)
{
    free(c->condition);
    free(c->database);
    free(c->repository);
    free(c->level);
    free(c->text);
    free(c->backup);
    strlist_free(&c->channels);
}

void
told_remove(struct told *t, const struct told_condition *c)
{
    size_t i = (size_t)(c - t->v);

    condition_free(&t->v[i]);
    t->v[i] = t->v[--t->n];
}

static json_t *
to_json(const struct told_condition *c)
{
    json_t *channels = json_array();

    for (size_t i = 0; i < c->channels.n; i++) {
        json_array_append_new(channels, json_text(c->channels.v[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "condition", c->condition,
                     "database", c->database, "repository", c->repository, "level", c->level,
                     "text", c->text, "backup", c->backup, "since", (json_int_t)c->since, "told",
                     channels);
}

int
told_save(const struct told *t, struct err *e)
{
    json_t    *list = json_array(), *j;
    struct buf text = BUF_INIT(FILE_MAX);
    int        rc;

    for (size_t i = 0; i < t->n; i++) {
        json_array_append_new(list, to_json(&t->v[i]));
    }
    j = json_pack("{s:s, s:I, s:o}", "type", "told", "version", (json_int_t)1, "conditions", list);
    rc = t->path == NULL || json_write(j, &text, e) != 0 ? -1 : state_write(t->path, &text, e);
    json_decref(j);
    buf_free(&text);
    return rc;
}

void
told_close(struct told *t)
{
    for (size_t i = 0; i < t->n; i++) {
        condition_free(&t->v[i]);
    }
    free(t->v);
    free(t->path);
    if (t->lock >= 0) {
        (void)close(t->lock);
    }
    *t = (struct told){.lock = -1};
}
