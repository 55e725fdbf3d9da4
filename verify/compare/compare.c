#include "verify/compare/compare.h"

#include <pthread.h>

#include "verify/compare/public.h"
#include "verify/compare/schema.h"

struct schema_thread {
    struct compare *c;
    struct err      e;
    int             rc;
};

static void *
schema_main(void *arg)
{
    struct schema_thread *t = arg;

    t->rc = compare_schema(t->c, &t->e);
    return NULL;
}

static int
compare_data(struct compare *c, struct err *e)
{
    return compare_table_rows(c, e) != 0 ? -1 : compare_large_objects(c, e);
}

/* Reference restores mostly wait for the scratch server: they run concurrently with the reading of
 * rows. */
int
compare_run(struct compare *c, struct err *e)
{
    struct schema_thread schema = {.c = c, .e = ERR_INIT};
    struct public_schema public_schema;
    pthread_t            thread;
    int                  rc;

    c->result->compared.contents = c->contents;
    c->result->compared.estimates = c->estimates;
    compare_tables(c);
    if (compare_facts(c, e) != 0)
        return -1;
    if (public_schema_read(c->snap->conn, &public_schema, e) != 0)
        return -1;
    c->public_schema = &public_schema;
    if (pthread_create(&thread, NULL, schema_main, &schema) != 0) {
        rc = err_errno(e, "could not start a thread");
        goto out;
    }
    rc = compare_data(c, e);
    pthread_join(thread, NULL);
    if (rc == 0 && schema.rc != 0)
        *e = schema.e;
    rc = rc == 0 ? schema.rc : -1;
out:
    c->public_schema = NULL;
    public_schema_free(&public_schema);
    return rc;
}
