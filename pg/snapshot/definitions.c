#include "pg/snapshot/definitions.h"

#include <stdlib.h>

#include "pg/snapshot/ddlcheck.h"
#include "pg/snapshot/exported.h"
#include "pg/snapshot/globals.h"

int
definitions_prepare(struct definitions *d, struct err *e)
{
    return schema_dump_prepare(d->o, d->s, &d->dump, e);
}

/* Globals have no snapshot: every role that the snapshot knows must be among them. */
static int
read_globals(struct definitions *d, struct err *e)
{
    struct strlist missing = {0};
    int            rc = -1;

    if (globals_read(d->s, d->now, e) == 0 && exported_begin(d->now, d->s->id, e) == 0 &&
        globals_missing(d->s, d->now, &missing, e) == 0) {
        rc = pg_exec(d->now, e, "COMMIT");
    }
    for (size_t i = 0; i < missing.n; i++) {
        strlist_take(&d->moved, xasprintf("role %s is gone from the globals", missing.v[i]));
    }
    strlist_free(&missing);
    return rc;
}

static bool
is_good(const struct definitions *d)
{
    return d->moved.n == 0 || d->last;
}

/* Changes while pg_dump ran are found directly after it. */
static int
make(struct definitions *d, struct err *e)
{
    struct ddl_look look;
    int             rc;

    if (d->now == NULL) {
        return schema_dump_run(&d->dump, &d->s->archive, e);
    }
    rc = ddl_look_begin(&look, d->now, d->s->id, e);
    if (rc == 0 && (rc = schema_dump_run(&d->dump, &d->s->archive, e)) == 0) {
        rc = ddl_look_end(&look, &d->moved, e);
    } else {
        ddl_look_away(&look);
    }
    if (rc != 0 || (is_good(d) && read_globals(d, e) != 0)) {
        return -1;
    }
    if (is_good(d) && d->o->defined != NULL && d->o->defined(d->o->work, d->s, e) != 0) {
        d->refused = true;
        return -1;
    }
    return 0;
}

void
definitions_make(struct definitions *d)
{
    d->dump.stop = &d->stop;
    d->rc = make(d, &d->err);
    /* Stopped, it has failed for another's reason. */
    if ((d->rc != 0 || !is_good(d)) && !atomic_load(&d->stop)) {
        atomic_store(&d->s->in_vain, true);
    }
}

static void *
thread_main(void *definitions)
{
    definitions_make(definitions);
    return NULL;
}

void
definitions_start(struct definitions *d)
{
    d->running = pthread_create(&d->thread, NULL, thread_main, d) == 0;
    if (!d->running) {
        definitions_make(d);
    }
}

void
definitions_finish(struct definitions *d, bool give_up)
{
    if (give_up) {
        atomic_store(&d->stop, true);
    }
    if (d->running) {
        (void)pthread_join(d->thread, NULL);
        d->running = false;
    }
}

void
definitions_free(struct definitions *d)
{
    if (d != NULL) {
        definitions_finish(d, true);
        schema_dump_free(&d->dump);
        strlist_free(&d->moved);
        free(d);
    }
}
