#include "restore/part/live.h"

#include "restore/part/data_only.h"
#include "restore/part/into_schema.h"
#include "restore/part/live_session.h"
#include "restore/part/undelete.h"

int
live_run(struct restore *r, struct err *e)
{
    const bool makes = r->o->into_schema != NULL || r->o->put_back;
    int        rc;

    if (!r->has_archive && makes) {
        return err_set(e, ERR_USAGE,
                       "backup %s holds data only: it does not say how its tables are made",
                       r->label->id);
    }
    restore_phase(r, "server, preflight");
    if (target_open(r, e) != 0) {
        return -1;
    }
    if (makes) {
        rc = into_schema_run(r, e);
    } else {
        strlist_free(&r->needed); /* no tables are made here */
        rc = r->o->data_only ? data_only_run(r, e) : undelete_run(r, e);
    }
    if (rc != 0) {
        live_name_holder(r, e);
    }
    return rc;
}
