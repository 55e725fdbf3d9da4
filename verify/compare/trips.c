#include "verify/compare/trips.h"

#include <string.h>

#include "pg/scratch/scratch.h"
#include "storage/read/place.h"
#include "verify/compare/few.h"

bool
trips_blind(const struct listed_object *o)
{
    return strcmp(o->kind, "SERVER") == 0 || strcmp(o->kind, "USER MAPPING") == 0;
}

static int
read_segments(const struct compare *c, const struct manifest_segment *v, size_t n, struct buf *out,
              struct err *e)
{
    return segments_read(c->repo, c->label->db, c->man, v, n, out, e);
}

/* What the trips are made of. */
struct luggage {
    struct buf            archive, globals;
    struct reference_trip manifest, live; /* live: not of a copy, which has made its trip already */
};

static void
unpack(struct luggage *l)
{
    buf_free(&l->archive);
    buf_free(&l->globals);
}

static int
pack(struct trips *t, struct pg_target server, struct luggage *l, struct err *e)
{
    const struct compare  *c = t->c;
    const struct manifest *man = c->man;
    struct snapshot       *snap = c->snap;

    *l = (struct luggage){.archive = BUF_INIT(BUF_NO_LIMIT), .globals = BUF_INIT(BUF_NO_LIMIT)};
    l->manifest = (struct reference_trip){.server = server,
                                          .name = "pgassay_drill_reference",
                                          .archive = &l->archive,
                                          .globals_sql = &l->globals,
                                          .database = man->database,
                                          .jobs = c->options->jobs,
                                          .isolated = !(c->is_copy && c->remote_allowed)};
    if (!c->is_copy)
        l->live = (struct reference_trip){.server = server,
                                          .name = "pgassay_live",
                                          .archive = &snap->archive,
                                          .globals_sql = &snap->globals_sql,
                                          .database = man->database,
                                          .jobs = c->options->jobs,
                                          .isolated = true};
    return read_segments(c, man->archive, man->n_archive, &l->archive, e) != 0
        ? -1
        : read_segments(c, man->globals_sql, man->n_globals_sql, &l->globals, e);
}

/* The few whose text differs alone. */
static int
settle_few(struct trips *t, const struct luggage *l, struct err *e)
{
    struct few few = {.unequal = t->unequal, .want = l->manifest, .live = l->live, .have = t->have};

    if (!t->only_text)
        return 0;
    few.want.name = "pgassay_drill_few";
    few.live.name = "pgassay_live_few";
    return few_equal(&few, &t->settled, e);
}

static int
make_on(struct trips *t, struct pg_target server, struct err *e)
{
    struct luggage l;
    int            rc = 0;

    if (t->reference->dump.is_open)
        return 0; /* made for an earlier comparison; a copy's is all there is */
    if (pack(t, server, &l, e) != 0 || settle_few(t, &l, e) != 0)
        rc = -1;
    if (rc == 0 && !t->settled)
        rc = reference_make(&l.manifest, t->reference, e);
    if (rc == 0 && !t->settled && !t->c->is_copy)
        rc = reference_make(&l.live, t->live, e);
    unpack(&l);
    return rc;
}

static struct scratch *
scratch_for_trips(const struct compare *c, struct err *e)
{
    int version = pg_version(c->snap->conn);

    return scratch_start(
        &(struct scratch_options){
            .at_least = version > c->label->server_version_num ? version
                                                               : c->label->server_version_num,
            .parent_dir = c->options->scratch_dir,
            .user = c->options->scratch_user,
            .secrets = &c->options->secrets,
            .unconfined = c->options->scratch_unconfined,
            .network = c->options->allow_remote,
            .jobs = 1,
            .bytes = 1, /* definitions alone */
            .max_locks = (int)(2 * c->snap->catalog.n_tables),
        },
        e);
}

int
trips_make(struct trips *t, struct err *e)
{
    struct scratch  *own = NULL;
    struct pg_target server;
    struct err       ignored = ERR_INIT;
    int              rc;

    if (t->c->trips == NULL && (own = scratch_for_trips(t->c, e)) == NULL)
        return err_wrap(e, "scratch server for the reference restore");
    server = own != NULL ? scratch_target(own, NULL) : *t->c->trips;
    rc = make_on(t, server, e);
    if (scratch_end(own, rc == 0 ? e : &ignored) != 0)
        rc = -1;
    return rc;
}
