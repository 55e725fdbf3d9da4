#include "restore/part/use_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/format/backupid.h"

static const char of_backup[] = "; backup ";

static bool
same(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

/* The archive's entry of each object: both are in one order, and -x leaves privileges out of the
 * archive.  SIZE_MAX: none. */
static size_t *
entries_of_objects(const struct restore *r)
{
    const struct manifest *m = r->manifest;
    size_t                *entries = xcalloc(m->n_objects + 1, sizeof *entries), next = 0;

    for (size_t i = 0; i < m->n_objects; i++) {
        const struct manifest_object *x = &m->objects[i];
        const struct archive_entry   *entry = next < r->archive.n ? &r->archive.v[next] : NULL;
        bool                          found = entry != NULL && strcmp(entry->desc, x->kind) == 0 &&
            same(entry->schema, x->schema) && strcmp(entry->tag, x->name) == 0;

        entries[i] = found ? next++ : SIZE_MAX;
    }
    return entries;
}

static int
check_backup(const struct restore *r, const char *line, struct err *e)
{
    const char *id = line + sizeof of_backup - 1;
    size_t      n = strlen(r->label->id);

    if (strncmp(id, r->label->id, n) == 0 && id[n] == ' ') {
        return 0;
    }
    err_set(e, ERR_USAGE, "\"%s\" is a list of backup %.*s, and this is %s", r->o->use_list,
            (int)strcspn(id, " \n"), id, r->label->id);
    return err_hint(e, "restore that one, with --backup, or make a list of this one, with --list");
}

/* *number: -1, a comment. */
static int
read_line(const struct restore *r, const char *line, size_t at, long *number, struct err *e)
{
    char *end;

    *number = -1;
    line += strspn(line, " \t\r\n");
    if (strncmp(line, of_backup, sizeof of_backup - 1) == 0) {
        return check_backup(r, line, e);
    }
    if (*line == '\0' || *line == ';') {
        return 0;
    }
    *number = strtol(line, &end, 10);
    if (end == line || *(end + strspn(end, " \t")) != ';' || *number < 0 ||
        (size_t)*number > r->manifest->n_objects) {
        return err_set(e, ERR_USAGE, "\"%s\" line %zu is no line of --list", r->o->use_list, at);
    }
    return 0;
}

static int
read_lines(const struct restore *r, FILE *f, struct use_list *l, struct err *e)
{
    size_t *entries = entries_of_objects(r);
    char   *line = NULL;
    size_t  cap = 0, at = 0, kept = 0;
    long    number;
    int     rc = 0;

    while (rc == 0 && getline(&line, &cap, f) > 0) {
        rc = read_line(r, line, ++at, &number, e);
        if (rc != 0 || number < 0) {
            continue;
        }
        kept++;
        if (number == 0) {
            l->large_objects = true;
        } else if (entries[number - 1] != SIZE_MAX) {
            l->kept[entries[number - 1]] = true;
        }
    }
    if (rc == 0 && ferror(f)) {
        rc = err_errno(e, "could not read \"%s\"", r->o->use_list);
    } else if (rc == 0 && kept == 0) {
        rc = err_set(e, ERR_USAGE, "\"%s\" keeps nothing: each line is a comment", r->o->use_list);
    }
    free(line);
    free(entries);
    return rc;
}

int
use_list_read(const struct restore *r, struct use_list *l, struct err *e)
{
    FILE *f = fopen(r->o->use_list, "re");
    int   rc;

    *l = (struct use_list){.kept = xcalloc(r->archive.n + 1, sizeof *l->kept)};
    if (f == NULL) {
        return err_errno(e, "could not open \"%s\"", r->o->use_list);
    }
    rc = read_lines(r, f, l, e);
    (void)fclose(f);
    return rc;
}

void
use_list_free(struct use_list *l)
{
    free(l->kept);
    *l = (struct use_list){0};
}
