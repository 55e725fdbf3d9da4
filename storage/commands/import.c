/* import --file FILE | --scan DIR: dumps of other tools become backups. */
#include "storage/commands/import.h"

#include <stdlib.h>
#include <string.h>

#include "core/cancel.h"
#include "core/exit.h"
#include "core/human.h"
#include "core/log.h"
#include "core/print.h"

static int
check(const struct import_options *o, struct err *e)
{
    if ((o->file != NULL) == (o->scan != NULL)) {
        err_set(e, ERR_USAGE, "import: %s",
                o->file != NULL ? "--file and --scan exclude each other"
                                : "--file or --scan is missing");
        return err_hint(e, "--file FILE imports one dump, --scan DIR those of a directory");
    }
    if (o->scan != NULL && (o->taken != NULL || o->member != NULL)) {
        return err_set(e, ERR_USAGE, "--taken and --member are about one --file, not for --scan");
    }
    if (o->named != NULL && (o->scan == NULL || o->db == NULL)) {
        return err_set(e, ERR_USAGE,
                       "--named goes with --scan and --db: files called %s_… are the "
                       "database's",
                       o->named);
    }
    if (o->db != NULL && *o->db == '\0') {
        return err_set(e, ERR_USAGE, "--db: the name of a database is empty");
    }
    return 0;
}

/* A drill reads what was stored: if it cannot, nothing is stored undrilled. */
static int
check_key(const struct import_run *run, struct err *e)
{
    if (run->o->no_drill || run->o->dry_run || keyring_read(run->repo->keys, run->repo->epoch, e)) {
        return 0;
    }
    return err_wrap(e, "the backups could not be drilled (--no-drill goes without)");
}

/* An exit status. */
static int
judge(const struct import_run *run)
{
    size_t bad = 0;
    int    status = EXIT_GOOD;

    for (size_t i = 0; i < run->n; i++) {
        if (!import_good(&run->v[i])) {
            bad++;
            status = run->v[i].exit_status;
        }
    }
    return bad == 0 || run->n == 1 ? status : bad < run->n ? EXIT_PARTLY : EXIT_FAILED;
}

static int
import_all(struct import_run *run, const struct dump_file *v, size_t n, struct err *e)
{
    size_t said = 0;

    for (size_t i = 0; i < n; i++) {
        if (import_file(run, &v[i], e) != 0) {
            return -1;
        }
        while (said < run->n) {
            import_say(run, &run->v[said++]);
        }
    }
    return 0;
}

static int
scan(const struct import_options *o, struct dump_scan *s, struct err *e)
{
    if (o->file != NULL) {
        VEC_GROW(s->v, s->n, s->cap);
        s->v[s->n++] = (struct dump_file){.path = xstrdup(o->file)};
        return 0;
    }
    if (dump_scan(o->scan, o->named != NULL ? o->named : o->db, s, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < s->passed.n; i++) {
        if (strlist_has(&s->undated, s->passed.v[i])) {
            log_warn("passed over: %s; --file imports it", s->passed.v[i]);
        } else {
            log_info("passed over: %s", s->passed.v[i]);
        }
    }
    if (s->n > 0) {
        return 0;
    }
    err_set(e, ERR_NOT_FOUND, "no dumps%s%s%s in \"%s\"", o->db != NULL ? " of \"" : "",
            o->db != NULL ? (o->named != NULL ? o->named : o->db) : "", o->db != NULL ? "\"" : "",
            o->scan);
    return err_hint(e,
                    "dumps are called NAME_YYYYMMDD… and end in .sql, .dump, .backup, .tar or "
                    "the like, compressed or not; --file imports one of any name");
}

static void
free_results(struct import_run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        free(run->v[i].path);
        free(run->v[i].db);
        free(run->v[i].taken);
        free(run->v[i].error);
        free(run->v[i].hint);
    }
    free(run->v);
}

static int
run(const struct cmd *c, struct err *e)
{
    const struct import_options *o = CMD_OPTIONS(c, import_options);
    struct import_run            run = {.o = o};
    struct dump_scan             s = {0};
    struct storage_location      place;
    int                          rc = -1;

    if (check(o, e) != 0 || scan(o, &s, e) != 0 ||
        storage_location_find(c->config, c->repo, o->db, &c->given, &place, e) != 0 ||
        (run.repo = repo_open(&place, e)) == NULL || check_key(&run, e) != 0) {
        goto out;
    }
    run.repo_name = storage_location_name(&place);
    rc = import_all(&run, s.v, s.n, e);
    import_say_failures(&run);
    if (c->json &&
        import_say_json(&run, &s.passed, rc == 0 ? e : &(struct err){.kind = ERR_NONE}) != 0) {
        rc = -1;
    }
    rc = rc == 0 ? judge(&run) : -1;
out:
    free_results(&run);
    repo_close(run.repo);
    dump_scan_free(&s);
    return rc;
}

#define AT(field) .offset = offsetof(struct import_options, field)

static const struct opt options[] = {
    OPT_HEADING("What to import"),
    OPT_COMMON_FILE(struct import_options),
    {OPT_TEXT, "scan", 0, "DIR", "all dumps of a directory, called NAME_YYYYMMDD…", AT(scan)},
    OPT_COMMON_FILE_DB(offsetof(struct import_options, db)),
    {OPT_TEXT, "named", 0, "WORD", "scan: files called WORD_… are of the one that --db names",
     AT(named)},
    {OPT_TEXT, "taken", 0, "TIME", "file: when it was dumped, if not as it says or the file's time",
     AT(taken)},
    OPTS_COMMON_BUNDLE(struct import_options),
    {OPT_FLAG, "no-drill", 0, NULL, "do not prove each by a drill", AT(no_drill)},
    {OPT_FLAG, "dry-run", 0, NULL, "read the dumps, say what would be done, write nothing",
     AT(dry_run)},
    OPT_HEADING("How"),
    OPT_COMMON_JOBS(struct import_options, 256, OPT_JOBS_PROCESSORS),
    OPTS_COMMON_SCRATCH(struct import_options),
    OPT_COMMON_BINDIR(struct import_options),
    OPTS_END,
};

const struct cmd_verb cmd_import = {
    .cli = {.name = "import",
            .args = "",
            .summary = "make backups of dumps that other tools have made",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_key_options, cmd_general_options)},
    .size = sizeof(struct import_options),
    .run = run,
};
