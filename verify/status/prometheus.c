#include "verify/status/prometheus.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/host/outfile.h"
#include "core/mem.h"

enum { FILE_BYTES_MAX = 16 << 20 };

/* NAN: this place has none. */
typedef double value_fn(const struct status_place *);

static double
of_label(const struct label *l, double value)
{
    return l == NULL ? NAN : value;
}

static double
last_backup(const struct status_place *p)
{
    const struct label *l = p->standing.newest.label;

    return of_label(l, l == NULL ? 0 : (double)l->snapshot);
}

static double
last_proven(const struct status_place *p)
{
    const struct label *l = p->standing.proven.label;

    return of_label(l, l == NULL ? 0 : (double)l->snapshot);
}

static double
rows(const struct status_place *p)
{
    const struct label *l = p->standing.newest.label;

    return of_label(l, l == NULL ? 0 : (double)l->rows);
}

static double
bytes(const struct status_place *p)
{
    const struct label *l = p->standing.newest.label;

    return of_label(l, l == NULL ? 0 : (double)l->raw_bytes);
}

static double
stored_bytes(const struct status_place *p)
{
    const struct label *l = p->standing.newest.label;

    return of_label(l, l == NULL ? 0 : (double)l->stored_bytes);
}

static double
backup_seconds(const struct status_place *p)
{
    const struct label *l = p->standing.newest.label;

    return of_label(l, l == NULL ? 0 : l->seconds);
}

static double
recovery_seconds(const struct status_place *p)
{
    const struct drill_record *d = p->standing.drilled.drill;

    return d == NULL || !d->readable ? NAN : d->recovery_seconds;
}

static double
drill_equal(const struct status_place *p)
{
    const struct drill_record *d = p->standing.drilled.drill;

    return d == NULL || !d->readable ? NAN : d->equal;
}

static double
good(const struct status_place *p)
{
    return (double)p->standing.good;
}

static double
damaged(const struct status_place *p)
{
    return (double)p->standing.damaged;
}

static double
untrusted(const struct status_place *p)
{
    return (double)(p->standing.untrusted + p->standing.future);
}

static double
missing(const struct status_place *p)
{
    return (double)p->standing.missing.n;
}

static double
scrubbed(const struct status_place *p)
{
    return p->standing.scrubbed;
}

static double
shrink_alarms(const struct status_place *p)
{
    return (double)p->standing.plan.n_alarms;
}

static double
xid_age(const struct status_place *p)
{
    return p->standing.xid_age < 0 ? NAN : (double)p->standing.xid_age;
}

/* Its labels say what there is to know. */
static double
info(const struct status_place *p)
{
    return of_label(p->standing.newest.label, 1);
}

static const struct {
    const char *name, *help;
    value_fn   *value;
} metrics[] = {
    {"pgassay_backup_info", "Id of the newest good backup, and of the run that took it.", info},
    {"pgassay_backup_last_success_timestamp_seconds", "Moment of the newest good backup.",
     last_backup},
    {"pgassay_backup_last_proven_timestamp_seconds",
     "Moment of the newest backup that a drill proved.", last_proven},
    {"pgassay_backup_rows", "Rows in the newest good backup.", rows},
    {"pgassay_backup_bytes", "Bytes of rows in the newest good backup.", bytes},
    {"pgassay_backup_stored_bytes", "Stored bytes that the newest good backup refers to.",
     stored_bytes},
    {"pgassay_backup_duration_seconds", "How long the newest good backup took.", backup_seconds},
    {"pgassay_restore_seconds", "How long the last drill took to recover.", recovery_seconds},
    {"pgassay_drill_equal", "1 if the last drill found no difference.", drill_equal},
    {"pgassay_backups_good", "Good backups.", good},
    {"pgassay_backups_damaged", "Damaged backups.", damaged},
    {"pgassay_backups_untrusted", "Backups without a trusted signature or with doubtful times.",
     untrusted},
    {"pgassay_backups_missing", "Backups that were taken away.", missing},
    {"pgassay_scrubbed_ratio", "Share of what is stored that was read again in time.", scrubbed},
    {"pgassay_shrink_alarms", "Backups whose size looks wrong.", shrink_alarms},
    {"pgassay_xid_age", "Age of the oldest transaction id at the source of the newest good backup.",
     xid_age},
};
enum { N_METRICS = sizeof metrics / sizeof *metrics };

/* In a label's value, a backslash, a quote and a line end are escaped. */
static char *
escaped(const char *text)
{
    char *out = xmalloc(2 * strlen(text) + 1), *at = out;

    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n') {
            *at++ = '\\';
        }
        *at++ = *text == '\n' ? 'n' : *text;
    }
    *at = '\0';
    return out;
}

/* `repository="..."}`, with which the labels of each line end. */
static char *
end_of_labels(const struct status_repo *in)
{
    char *name = escaped(in->name);
    char *end = xasprintf("repository=\"%s\"}", name);

    free(name);
    return end;
}

/* What info's labels have besides; allocated. */
static char *
own_labels(const struct label *l)
{
    char *run = escaped(l->run_id == NULL ? "" : l->run_id);
    char *text = xasprintf("backup=\"%s\",run=\"%s\",", l->id, run);

    free(run);
    return text;
}

/* The lines of this metric in the file before, for repositories that could not be read. */
static int
keep_lines(struct buf *out, const char *metric, const char *before,
           const struct status_places *places, struct err *e)
{
    size_t n = strlen(metric);
    int    rc = 0;

    for (const char *line = before, *end; rc == 0 && line != NULL && *line != '\0';
         line = *end == '\0' ? NULL : end + 1) {
        end = line + strcspn(line, "\n");
        if (strncmp(line, metric, n) != 0 || line[n] != '{') {
            continue;
        }
        for (size_t i = 0; rc == 0 && i < places->n_repos; i++) {
            char *labels = end_of_labels(&places->repos[i]);

            if (places->repos[i].err.kind != ERR_NONE &&
                memmem(line, (size_t)(end - line), labels, strlen(labels)) != NULL) {
                rc = buf_printf(out, e, "%.*s\n", (int)(end - line), line);
            }
            free(labels);
        }
    }
    return rc;
}

static int
write_metric(struct buf *out, size_t m, const char *before, const struct status_places *places,
             struct err *e)
{
    int rc = buf_printf(out, e, "# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name, metrics[m].help,
                        metrics[m].name);

    for (size_t i = 0; rc == 0 && i < places->n; i++) {
        double value = metrics[m].value(&places->v[i]);
        char  *db, *end, *own;

        if (isnan(value)) {
            continue;
        }
        db = escaped(places->v[i].db);
        end = end_of_labels(places->v[i].in);
        own = metrics[m].value == info ? own_labels(places->v[i].standing.newest.label)
                                       : xstrdup("");
        rc = buf_printf(out, e, "%s{db=\"%s\",%s%s %.15g\n", metrics[m].name, db, own, end, value);
        free(own);
        free(db);
        free(end);
    }
    return rc != 0 ? -1 : keep_lines(out, metrics[m].name, before, places, e);
}

/* How things stand now: these are of this run, also when it failed. */
static int
write_run(struct buf *out, const struct watch_report *r, const struct status_places *places,
          time_t now, struct err *e)
{
    int rc = buf_printf(out, e,
                        "# HELP pgassay_status_timestamp_seconds When this was written.\n"
                        "# TYPE pgassay_status_timestamp_seconds gauge\n"
                        "pgassay_status_timestamp_seconds %" PRId64
                        "\n"
                        "# HELP pgassay_repository_up 1 if the repository could be read.\n"
                        "# TYPE pgassay_repository_up gauge\n",
                        (int64_t)now);

    for (size_t i = 0; rc == 0 && i < places->n_repos; i++) {
        char *end = end_of_labels(&places->repos[i]);

        rc = buf_printf(out, e, "pgassay_repository_up{%s %d\n", end,
                        places->repos[i].err.kind == ERR_NONE);
        free(end);
    }
    if (rc == 0) {
        rc = buf_printf(out, e,
                        "# HELP pgassay_check_severity How a check stands: -1 not made, 0 ok, 1 "
                        "not known, 2 "
                        "warning, 3 critical.\n"
                        "# TYPE pgassay_check_severity gauge\n");
    }
    for (size_t i = 0; rc == 0 && i < r->n_checks; i++) {
        rc = buf_printf(out, e, "pgassay_check_severity{check=\"%s\"} %d\n", r->checks[i].name,
                        r->checks[i].severity - WATCH_OK);
    }
    return rc;
}

/* The file before; what is not there is as good as empty. */
static int
read_before(const char *file, struct buf *text, struct err *e)
{
    FILE  *f = fopen(file, "re");
    size_t n = 1;

    if (f == NULL) {
        return errno == ENOENT ? 0 : err_errno(e, "could not read \"%s\"", file);
    }
    while (n > 0 && buf_reserve(text, 1 << 16, e) == 0) {
        n = fread(text->data + text->len, 1, 1 << 16, f);
        text->len += n;
    }
    if (e->kind == ERR_NONE && ferror(f)) {
        err_errno(e, "could not read \"%s\"", file);
    }
    (void)fclose(f);
    return e->kind == ERR_NONE ? 0 : -1;
}

static int
replace(const char *file, const struct buf *text, struct err *e)
{
    struct outfile *f = outfile_open(file, true, e);
    int             rc = -1;

    if (f != NULL && outfile_mode(f, 0644, e) == 0 &&
        outfile_write(f, text->data, text->len, e) == 0) {
        rc = outfile_publish(f, e);
    }
    outfile_close(f);
    return rc;
}

int
status_prometheus(const char *file, const struct watch_report *r,
                  const struct status_places *places, time_t now, struct err *e)
{
    struct buf out = BUF_INIT(FILE_BYTES_MAX), before = BUF_INIT(FILE_BYTES_MAX);
    int        rc = read_before(file, &before, e);

    for (size_t m = 0; rc == 0 && m < N_METRICS; m++) {
        rc = write_metric(&out, m, buf_str(&before), places, e);
    }
    if (rc == 0 && (rc = write_run(&out, r, places, now, e)) == 0) {
        rc = replace(file, &out, e);
    }
    buf_free(&before);
    buf_free(&out);
    return rc;
}
