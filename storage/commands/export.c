/* export DB --file FILE: one backup as a bundle that needs no pgassay. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/host/outfile.h"
#include "core/human.h"
#include "core/json.h"
#include "core/log.h"
#include "core/print.h"
#include "core/progress.h"
#include "core/when.h"
#include "storage/commands/cmd.h"
#include "storage/exchange/bundle.h"
#include "storage/format/object.h"
#include "storage/read/backup_find.h"
#include "storage/read/rollback.h"

struct export_options {
    struct cmd  cmd;
    const char *file, *backup, *at, *before;
    bool        proven;
    char        named[BACKUP_NAMED]; /* --before as a --backup */
    bool        force, dry_run;
};

/* The bundle on its way out. */
struct sink {
    struct outfile    *out;
    struct sha256_sum *sum;
    uint64_t           bytes;
    char               sha256[SHA256_HEX + 1];
};

static bool
is_stdout(const struct export_options *o)
{
    return strcmp(o->file, "-") == 0;
}

static bool
ends(const char *text, const char *with)
{
    size_t n = strlen(text), m = strlen(with);

    return n > m && strcmp(text + n - m, with) == 0;
}

static bool
compressed(const struct export_options *o)
{
    return ends(o->file, ".tar.zst");
}

/* What can be refused before a repository is asked. */
static int
check(struct export_options *o, time_t *at, struct err *e)
{
    *at = 0;
    if (o->file == NULL || *o->file == '\0') {
        err_set(e, ERR_USAGE, "export: --file is missing");
        return err_hint(e, "--file shop.tar.zst, or --file - for standard output");
    }
    if (!is_stdout(o) && !compressed(o) && !ends(o->file, ".tar")) {
        return err_set(e, ERR_USAGE, "--file \"%s\": the name must end in .tar or .tar.zst",
                       o->file);
    }
    if (is_stdout(o) && o->cmd.json && !o->dry_run) {
        return err_set(e, ERR_USAGE,
                       "--json and --file - would both write to standard output: choose one");
    }
    if (backup_choose(&o->backup, o->at, o->before, o->proven, o->named, e) != 0) {
        return -1;
    }
    if (o->at != NULL && backup_at_parse(o->at, at, e) != 0) {
        return -1;
    }
    if (is_stdout(o) && o->dry_run) {
        return 0;
    }
    if (outfile_check(o->file, o->force, e) == 0) {
        return 0;
    }
    return e->kind == ERR_EXISTS && !o->force ? err_hint(e, "--force replaces it") : -1;
}

/* As a restore does, it says what is missed, and goes on. */
static struct label *
find(struct repo *r, const struct export_options *o, time_t at, struct err *e)
{
    struct rollback missed;
    struct label   *l = rollback_find(r, o->cmd.args[0], o->backup, at, &missed, e);
    char           *text = l == NULL ? NULL : rollback_text(&missed, l);

    if (text != NULL) {
        log_warn("%s", text);
    }
    free(text);
    rollback_deinit(&missed);
    return l;
}

static int
take(void *ctx, const void *data, size_t n, struct err *e)
{
    struct sink *s = ctx;

    sha256_sum_more(s->sum, data, n);
    s->bytes += n;
    return outfile_write(s->out, data, n, e);
}

static int
write_out(const struct export_options *o, struct bundle *b, struct sink *s, struct err *e)
{
    int rc = -1;

    s->out = outfile_open(o->file, o->force, e);
    s->sum = sha256_sum_new();
    if (s->out != NULL) {
        progress_start("export", b->bytes, o->cmd.quiet);
        rc = bundle_write(b, take, s, compressed(o), e);
        progress_end();
    }
    if (rc == 0) {
        sha256_sum_hex(s->sum, s->sha256);
        rc = outfile_publish(s->out, e);
    }
    outfile_close(s->out);
    sha256_sum_free(s->sum);
    return rc == 0 ? 0 : err_wrap(e, "\"%s\" was not exported", o->cmd.args[0]);
}

static int
say_json(const struct export_options *o, const struct bundle *b, const struct sink *s,
         struct err *e)
{
    char    at[32];
    json_t *files = json_array();
    json_t *all = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:I}", "repository",
                            b->repo->st->location, "db", o->cmd.args[0], "backup", b->label->id,
                            "snapshot", time_rfc3339(b->label->snapshot, at, sizeof at), "file",
                            o->file, "dry_run", o->dry_run, "directory", b->dir, "bytes",
                            (json_int_t)b->bytes);

    for (size_t i = 0; i < b->n; i++) {
        json_t *f = json_pack("{s:s,s:I}", "name", b->files[i].name, "bytes",
                              (json_int_t)b->files[i].bytes);

        object_set_text(f, "sha256", o->dry_run ? NULL : b->files[i].sha256);
        (void)json_array_append_new(files, f);
    }
    (void)json_object_set_new(all, "files", files);
    if (!o->dry_run) {
        (void)json_object_set_new(all, "file_bytes", json_integer((json_int_t)s->bytes));
        (void)json_object_set_new(all, "sha256", json_string(s->sha256));
    }
    return json_print(all, e);
}

/* Standard output may be the bundle: then the line is a message. */
static void
say_text(const struct export_options *o, const struct bundle *b, const struct sink *s)
{
    char ago[96], raw[32], size[32];

    (void)when_ago(b->label->snapshot, time(NULL), ago, sizeof ago);
    (void)size_human(b->bytes, raw, sizeof raw);
    (void)size_human(s->bytes, size, sizeof size);
    if (o->dry_run) {
        for (size_t i = 0; i < b->n; i++) {
            print_out("%s%s: %s\n", b->dir, b->files[i].name,
                      size_human(b->files[i].bytes, size, sizeof size));
        }
        print_out("%s: backup %s (%s) would be exported: %s in %zu files%s\n", o->cmd.args[0],
                  b->label->id, ago, raw, b->n, compressed(o) ? ", before it is compressed" : "");
    } else if (is_stdout(o)) {
        log_info("%s: backup %s (%s) exported: %s in %zu files", o->cmd.args[0], b->label->id, ago,
                 size, b->n);
    } else if (o->cmd.verbose || (isatty(STDOUT_FILENO) && !o->cmd.quiet)) {
        print_out("%s: backup %s (%s) exported: \"%s\", %s, SHA-256 %s\n", o->cmd.args[0],
                  b->label->id, ago, o->file, size, s->sha256);
    }
}

static int
run(const struct cmd *c, struct err *e)
{
    struct export_options  own = *CMD_OPTIONS(c, export_options);
    struct export_options *o = &own;
    struct repo           *r = NULL;
    struct label          *l = NULL;
    struct bundle         *b = NULL;
    struct sink            s = {.bytes = 0};
    time_t                 at;
    int                    rc = -1;

    if (check(o, &at, e) != 0 || (r = cmd_open(c, c->args[0], e)) == NULL ||
        (l = find(r, o, at, e)) == NULL || (b = bundle_plan(r, l, e)) == NULL ||
        (!o->dry_run && write_out(o, b, &s, e) != 0)) {
        goto out;
    }
    rc = EXIT_GOOD;
    if (c->json) {
        rc = say_json(o, b, &s, e);
    } else {
        say_text(o, b, &s);
    }
out:
    bundle_free(b);
    label_free(l);
    repo_close(r);
    return rc;
}

static const struct opt options[] = {
    OPT_COMMON_FILE(struct export_options),
    OPTS_COMMON_BACKUP(struct export_options),
    {OPT_FLAG, "force", 0, NULL, "replace a file that is there",
     offsetof(struct export_options, force), 0, 0, NULL, NULL},
    {OPT_FLAG, "dry-run", 0, NULL, "say what would be in it, write nothing",
     offsetof(struct export_options, dry_run), 0, 0, NULL, NULL},
    OPTS_END,
};

const struct cmd_verb cmd_export = {
    .cli = {.name = "export",
            .args = "DB",
            .summary = "write a backup as one file that needs no pgassay",
            .tables = CMD_TABLES(options, cmd_repo_options, cmd_as_of_options, cmd_key_options,
                                 cmd_general_options)},
    .size = sizeof(struct export_options),
    .run = run,
};
