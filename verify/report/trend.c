#include "verify/report/trend.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/log.h"
#include "storage/read/parts.h"
#include "storage/repo/backuplist.h"
#include "storage/repo/ledger.h"
#include "verify/history/history.h"
#include "verify/report/document.h"
#include "verify/status/targets.h"

/* Manifests are read for the rows of tables, evenly over time; what is bigger is not.  So many
 * tables have a line each; so many entries are listed. */
enum { MANIFESTS = 24, MANIFEST_BYTES_MAX = 8 << 20, TABLES = 5, ENTRIES = 200, LISTED = 40 };

/* The whole and good ones, the oldest first. */
struct labels {
    const struct label **v;
    size_t               n, cap;
};

static struct labels
good_labels(const struct backup_list *list)
{
    struct labels l = {0};

    for (size_t i = 0; i < list->n; i++) {
        const struct backup_entry *b = &list->v[i];

        if (b->state == BACKUP_COMMITTED && b->label != NULL && !label_is_partial(b->label)) {
            VEC_GROW(l.v, l.n, l.cap);
            l.v[l.n++] = b->label;
        }
    }
    return l;
}

/* ---- of labels ---- */

static void
plot_sizes(json_t *section, const struct labels *l)
{
    json_t *p = document_plot(
        section, "Size", "of the database, and of what a backup needs in the repository", "bytes");
    json_t *database = document_series(p, "database"), *stored = document_series(p, "stored");
    json_t *p2 = document_plot(section, "Stored anew", "by each backup; the rest was there already",
                               "bytes");
    json_t *anew = document_series(p2, "new");

    for (size_t i = 0; i < l->n; i++) {
        document_point(database, l->v[i]->snapshot, (double)l->v[i]->database_bytes);
        document_point(stored, l->v[i]->snapshot, (double)l->v[i]->stored_bytes);
        document_point(anew, l->v[i]->snapshot, (double)l->v[i]->new_bytes);
    }
}

static void
plot_durations(json_t *section, const struct labels *l)
{
    json_t *p = document_plot(section, "Backup duration", "from beginning to commit", "seconds");
    json_t *s = document_series(p, "backup");

    for (size_t i = 0; i < l->n; i++) {
        document_point(s, l->v[i]->snapshot, l->v[i]->seconds);
    }
}

static void
plot_xids(json_t *section, const struct labels *l)
{
    json_t *p = document_plot(section, "Transaction ID age",
                              "of the oldest at the source, against what stops a server", "count");
    json_t *s = document_series(p, "age");

    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->xid_age > 0) {
            document_point(s, l->v[i]->snapshot, (double)l->v[i]->xid_age);
        }
    }
    document_limit(p, "warning", STATUS_XID_WARNING, "warning");
    document_limit(p, "critical", STATUS_XID_CRITICAL, "bad");
}

/* ---- of manifests ---- */

/* A table, and its line. */
struct followed {
    char   *schema, *name;
    json_t *series;
};

static struct manifest *
load(struct repo *repo, const struct label *l)
{
    struct err       e = ERR_INIT;
    struct manifest *m = l->manifest_raw_size > MANIFEST_BYTES_MAX ? NULL
                                                                   : manifest_load(repo, l, &e);

    if (m == NULL) {
        log_info("backup %s: the rows of its tables are not in the report: %s", l->id,
                 e.kind == ERR_NONE ? "its manifest is large" : e.text);
    }
    return m;
}

static int
by_rows(const void *a, const void *b)
{
    const struct manifest_table *x = *(const struct manifest_table *const *)a;
    const struct manifest_table *y = *(const struct manifest_table *const *)b;

    return x->rows > y->rows ? -1 : x->rows < y->rows;
}

/* The biggest of the newest backup are followed back. */
static size_t
follow(struct repo *repo, const struct label *newest, json_t *plot, struct followed v[TABLES])
{
    struct manifest              *m = load(repo, newest);
    const struct manifest_table **all;
    size_t                        n = 0;

    if (m == NULL) {
        return 0;
    }
    all = xcalloc(m->n_tables + 1, sizeof(void *));
    for (size_t i = 0; i < m->n_tables; i++) {
        all[i] = &m->tables[i];
    }
    qsort(all, m->n_tables, sizeof *all, by_rows);
    for (; n < TABLES && n < m->n_tables && all[n]->rows > 0; n++) {
        char *name = finding_object(all[n]->schema, all[n]->name);

        v[n] = (struct followed){.schema = xstrdup(all[n]->schema),
                                 .name = xstrdup(all[n]->name),
                                 .series = document_series(plot, name)};
        free(name);
    }
    free(all);
    manifest_free(m);
    return n;
}

static void
plot_tables(json_t *section, struct repo *repo, const struct labels *l)
{
    json_t         *p = document_plot(section, "Rows", "of the tables that have the most", "count");
    struct followed v[TABLES];
    size_t          n = l->n == 0 ? 0 : follow(repo, l->v[l->n - 1], p, v);
    size_t          wanted = n == 0 ? 0 : l->n < MANIFESTS ? l->n : MANIFESTS;

    for (size_t i = 0; i < wanted; i++) {
        const struct label *x = l->v[wanted < 2 ? 0 : (l->n - 1) * i / (wanted - 1)];
        struct manifest    *m = load(repo, x);

        for (size_t k = 0; m != NULL && k < n; k++) {
            const struct manifest_table *t = manifest_find(m, v[k].schema, v[k].name);

            if (t != NULL) {
                document_point(v[k].series, x->snapshot, (double)t->rows);
            }
        }
        manifest_free(m);
    }
    for (size_t k = 0; k < n; k++) {
        free(v[k].schema);
        free(v[k].name);
    }
}

/* ---- of the history ---- */

static void
plot_recovery(json_t *section, const json_t *entries, uint64_t rto_s)
{
    json_t       *p = document_plot(section, "Restore time", "measured by drills", "seconds");
    json_t       *s = document_series(p, "recovered in");
    const json_t *one;
    size_t        i;

    json_array_foreach (entries, i, one) {
        const json_t *seconds = json_object_get(json_object_get(one, "what"), "recovery_seconds");

        if (strcmp(json_opt_str(one, "event", ""), "drill") == 0 && json_is_number(seconds)) {
            document_point(s, ledger_time(one, "finished"), json_number_value(seconds));
        }
    }
    if (rto_s > 0) {
        document_limit(p, "target", (double)rto_s, "bad");
    }
}

static json_t *
entry_row(const json_t *entry)
{
    char    at[32];
    time_t  finished = ledger_time(entry, "finished");
    char   *what = history_what(entry);
    json_t *row;

    (void)time_rfc3339(finished, at, sizeof at);
    at[10] = ' '; /* "2026-11-21 02:15" */
    at[16] = '\0';
    row = json_pack("{s:s, s:O, s:O, s:s, s:O, s:O, s:o}", "finished", at, "event",
                    json_object_get(entry, "event"), "verdict", json_object_get(entry, "verdict"),
                    "class", json_opt_bool(entry, "good", false) ? "good" : "bad", "backup",
                    json_object_get(entry, "backup"), "signer", json_object_get(entry, "signer"),
                    "what", json_text(what));
    free(what);
    return row;
}

/* The newest first. */
static void
list_history(json_t *section, const json_t *history)
{
    const json_t *entries = json_object_get(history, "entries");
    size_t        n = json_array_size(entries), shown = n < LISTED ? n : LISTED;
    json_t       *rows = json_array();
    char         *text;

    for (size_t i = n; i > n - shown; i--) {
        (void)json_array_append_new(rows, entry_row(json_array_get(entries, i - 1)));
    }
    (void)json_object_set_new(section, "history", rows);
    if (n == 0) {
        text = xstrdup("Nothing has been recorded yet: no drill, key drill, scrub or restore.");
    } else {
        text = xasprintf("The newest %zu of %zu; the rest: pgassay verify history.", shown, n);
    }
    if (shown < n || n == 0) {
        (void)json_object_set_new(section, "history_text", json_string(text));
    }
    free(text);
}

int
trend_add(json_t *section, const struct trend_request *q, struct err *e)
{
    struct backup_list list = {0};
    struct labels      l = {0};
    json_t            *history = history_of(q->repo, q->db, 0, ENTRIES, e);

    if (history == NULL || backup_list_look(q->repo, q->db, &list, e) != 0) {
        json_decref(history);
        return -1;
    }
    l = good_labels(&list);
    plot_sizes(section, &l);
    plot_durations(section, &l);
    plot_recovery(section, json_object_get(history, "entries"), q->rto_s);
    if (q->tables) {
        plot_tables(section, q->repo, &l);
    }
    plot_xids(section, &l);
    document_drop_empty(section);
    list_history(section, history);
    free(l.v);
    backup_list_free(&list);
    json_decref(history);
    return 0;
}
