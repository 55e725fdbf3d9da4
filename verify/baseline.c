#include "verify/baseline.h"

#include "core/log.h"
#include "storage/reader.h"

int
baseline_open(const struct options *o, struct baseline *b, struct err *e)
{
    *b = (struct baseline){.repo = repo_open(&o->place, e)};
    if (b->repo == NULL)
        return -1;
    if (o->allow_unsigned)
        repo_allow_unsigned(b->repo);
    b->label = backup_find(b->repo, o->database, o->backup, o->at_time, e);
    if (b->label != NULL)
        b->man = manifest_load(b->repo, b->label, e);
    if (b->man == NULL) {
        if (b->label != NULL)
            err_wrap(e, "backup %s of \"%s\"", b->label->id, o->database);
        baseline_close(b);
        return -1;
    }
    log_info("backup %s of \"%s\"", b->label->id, o->database);
    return 0;
}

void
baseline_close(struct baseline *b)
{
    manifest_free(b->man);
    label_free(b->label);
    repo_close(b->repo);
    *b = (struct baseline){0};
}
