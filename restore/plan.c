/*
 * plan.c - the backup: label, manifest, schema archive with its entries sorted into phases,
 * globals.
 *
 * An entry of the archive belongs to one of four lists, each in the archive's order, which is an
 * order of dependencies:
 *
 *   pre    pg_dump's pre-data, without privileges: schemas, types, functions, tables.
 *   post   pg_dump's post-data: indexes, constraints, rules, triggers, policies.  plan_tables()
 *          takes those indexes out that may be built early.
 *   acl    GRANT, REVOKE and default privileges, of both sections.  After the rows, as a REVOKE
 *          must not obstruct the restore itself; before the refreshes, which run with the rights of
 *          the views' owners.  Only those of schemas come with pre where rows are loaded by the
 *          tables' owners (loaders.h), who must get at their tables.
 *   last   Event triggers, publications, subscriptions, and entries about these: they act on,
 *          or watch, everything else.
 *
 * The archive has no data.  Rows, large objects, sequences and which materialized views were
 * populated come from the manifest.
 */
#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "restore/job/elsewhere.h"
#include "restore/job/entries.h"
#include "restore/job/restore.h"
#include "restore/job/tablespaces.h"
#include "restore/part/first.h"
#include "restore/part/parts.h"
#include "storage/read/backup_find.h"
#include "storage/read/parts.h"
#include "storage/read/place.h"
#include "storage/read/rollback.h"

#define ARCHIVE_MAX (2 * GIB)

static bool
begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* They act on, or watch, everything else: so they come last (a refresh fires event triggers). */
static bool
comes_last(const struct archive_entry *entry)
{
    static const char *const kinds[] = {"EVENT TRIGGER", "PUBLICATION", "SUBSCRIPTION"};
    bool about = strcmp(entry->desc, "COMMENT") == 0 || strcmp(entry->desc, "SECURITY LABEL") == 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (begins(entry->desc, kinds[i]) ||
            (about && begins(entry->tag, kinds[i]) && entry->tag[strlen(kinds[i])] == ' ')) {
            return true;
        }
    }
    return false;
}

static void
sort_into_phases(struct restore *r)
{
    for (size_t i = 0; i < r->archive.n; i++) {
        const struct archive_entry *entry = &r->archive.v[i];

        bool acl = strcmp(entry->desc, "ACL") == 0;

        if (acl && r->o->isolated && begins(entry->tag, "SCHEMA ")) {
            entry_list_add(&r->pre, entry);
        } else if (acl || strcmp(entry->desc, "DEFAULT ACL") == 0) {
            entry_list_add(&r->acl, entry);
        } else if (comes_last(entry)) {
            entry_list_add(&r->last, entry);
        } else if (entry->section == SECTION_PRE_DATA) {
            entry_list_add(&r->pre, entry);
        } else if (entry->section == SECTION_POST_DATA) {
            entry_list_add(&r->post, entry);
        }
    }
}

void
plan_forget(struct restore *r)
{
    for (size_t i = 0; i < r->n_tables; i++) {
        entry_list_free(&r->tables[i].indexes);
        free(r->tables[i].qualified);
    }
    for (size_t i = 0; i < r->n_groups; i++) {
        free(r->groups[i].v);
    }
    free(r->tables);
    free(r->groups);
    r->tables = NULL;
    r->groups = NULL;
    r->n_tables = r->n_groups = 0;
    entry_list_free(&r->pre);
    entry_list_free(&r->post);
    entry_list_free(&r->acl);
    entry_list_free(&r->last);
}

void
plan_phases(struct restore *r)
{
    plan_forget(r);
    sort_into_phases(r);
    plan_tables(r);
}

/* "15.20 (Debian …)" as 150000. */
static int
major_of(const char *version)
{
    return version == NULL ? 0 : atoi(version) * 10000;
}

static int
read_archive(struct restore *r, struct err *e)
{
    struct buf bytes = BUF_INIT(ARCHIVE_MAX);
    int        rc = -1;

    if (r->manifest->n_archive == 0) {
        return 0;
    }
    if (pg_tool_find("pg_restore", major_of(r->label->pg_dump_version), &r->pg_restore, e) != 0 ||
        segments_read(r->repo, r->label->db, r->manifest, r->manifest->archive,
                      r->manifest->n_archive, &bytes, e) != 0) {
        goto out;
    }
    r->archive_options = (struct archive_options){.pg_restore = r->pg_restore.path,
                                                  .no_owner = r->o->no_owner,
                                                  .no_privileges = r->o->no_privileges,
                                                  .no_tablespaces = r->o->no_tablespaces};
    rc = archive_open_bytes(&r->archive, bytes.data, bytes.len, &r->archive_options, e);
    r->has_archive = rc == 0;
out:
    buf_free(&bytes);
    return rc;
}

static int
read_globals(struct restore *r, struct err *e)
{
    const struct manifest *m = r->manifest;

    if (m->n_globals_sql == 0) {
        return 0;
    }
    return segments_read(r->repo, r->label->db, m, m->globals_sql, m->n_globals_sql, &r->globals,
                         e);
}

static int
check_age(const struct restore *r, struct err *e)
{
    const struct options *o = r->o;
    double                age = difftime(time(NULL), r->label->snapshot);
    char                  text[32];

    if (o->max_age_s == 0 || (r->backup_id != NULL && !opts_given(&o->parsed, "max-age")) ||
        (age <= (double)o->max_age_s && age >= -CLOCK_OFF_MAX)) {
        return 0;
    }
    if (age < 0) {
        err_set(e, ERR_NOT_FOUND,
                "backup %s of \"%s\" is from the future: how old it is, is not known, and max-age "
                "is "
                "%s: nothing was restored",
                r->label->id, o->database, o->max_age);
        return err_hint(e, "the clock of the host that took it was wrong, or this host's is");
    }
    err_set(e, ERR_NOT_FOUND,
            "backup %s of \"%s\" is %s old, and max-age is %s: nothing was restored", r->label->id,
            o->database, duration_human(age, text, sizeof text), o->max_age);
    return opts_given(&o->parsed, "max-age")
        ? err_hint(e, "without --max-age it is restored anyway")
        : err_hint(e, "--backup %s restores it anyway", r->label->id);
}

/* A restore must not be refused: the user is warned. */
static void
warn_missed(struct restore *r, const struct rollback *m)
{
    char *text = rollback_text(m, r->label);

    if (text == NULL) {
        return;
    }
    log_warn("%s", text);
    log_warn(
        "what is restored is %s; another repository (--repo), or the bucket as it was (--as-of), "
        "may still hold %s; docs/runbook.md, "
        "\"A backup is missing\"",
        r->label->id, m->backup);
    strlist_take(&r->warnings, text);
}

/* There was nothing else, and nobody has named it. */
static int
check_safety(const struct restore *r, struct err *e)
{
    char taken[32];

    if (!label_is_safety(r->label) || r->o->list || r->backup_id != NULL ||
        !backup_is_latest(r->o->backup)) {
        return 0;
    }
    err_set(e, ERR_NOT_FOUND,
            "\"%s\" has only safety backups%s, of what --replace has dropped: nothing was restored",
            r->o->database, r->o->at == NULL ? "" : " of that time or before");
    return err_hint(e, "--backup %s restores the newest of them, of %s", r->label->id,
                    time_rfc3339(r->label->snapshot, taken, sizeof taken));
}

static int
find_backup(struct restore *r, struct err *e)
{
    const struct options *o = r->o;
    struct rollback       missed;

    r->label = rollback_find(r->repo, o->database, r->backup_id != NULL ? r->backup_id : o->backup,
                             o->at_time, &missed, e);
    if (r->label == NULL) {
        return -1;
    }
    warn_missed(r, &missed);
    for (size_t i = 0; i < missed.passed.n; i++) {
        strlist_add(&r->warnings, missed.passed.v[i]);
    }
    if (missed.safety != NULL) {
        log_warn("%s", missed.safety);
        strlist_add(&r->warnings, missed.safety);
    }
    rollback_deinit(&missed);
    return check_safety(r, e) != 0 ? -1 : check_age(r, e);
}

struct plan_sizes
plan_sizes(const struct restore *r)
{
    const struct manifest *m = r->manifest;
    struct plan_sizes s = {.bytes = m->lo_count > 0 ? m->lo_pages.bytes + m->lo_metadata.bytes : 0};

    for (size_t i = 0; i < m->n_tables; i++) {
        s.rows += m->tables[i].rows;
        s.bytes += m->tables[i].bytes;
        s.relation_bytes += m->tables[i].relation_bytes;
    }
    return s;
}

int
plan_read(struct restore *r, struct err *e)
{
    const struct options *o = r->o;

    if ((r->repo = repo_open(&o->place, e)) == NULL) {
        return -1;
    }
    if (o->allow_unsigned) {
        repo_allow_unsigned(r->repo);
    }
    if (find_backup(r, e) != 0 || (r->manifest = manifest_load(r->repo, r->label, e)) == NULL) {
        return -1;
    }
    if (o->list) {
        return 0;
    }
    if (read_archive(r, e) != 0 || read_globals(r, e) != 0) {
        err_wrap(e, "backup %s of %s", r->label->id, o->database);
        return elsewhere_hint(r, e);
    }
    plan_index_entries(r);
    if (parts_select(r, e) != 0) {
        return -1;
    }
    tablespaces_of_entries(&r->archive, &r->tablespaces);
    tablespaces_map_entries(&r->archive, &r->o->tablespace_map);
    plan_phases(r);
    return first_mark(r, e);
}
