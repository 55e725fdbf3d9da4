#include "verify/job/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/exit.h"
#include "core/human.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/keys/trust.h"
#include "verify/job/result_parts.h"

void
result_init(struct verify_result *r, enum verb verb)
{
    *r = (struct verify_result){.verb = verb, .findings = FINDINGS_INIT};
}

void
result_note_begin(struct verify_result *r, time_t started)
{
    struct result_circumstances *c = &r->circumstances;

    c->started = started;
    if (gethostname(c->host, sizeof c->host - 1) != 0)
        c->host[0] = '\0';
}

void
result_note_end(struct verify_result *r, const struct repo *repo)
{
    struct result_circumstances *c = &r->circumstances;
    const char                  *signer;

    c->finished = time(NULL);
    if (repo == NULL)
        return;
    signer = trust_signer(repo->trust);
    c->repository = xstrdup(repo->st->location);
    memcpy(c->repo_id, repo->id, sizeof c->repo_id);
    snprintf(c->signer, sizeof c->signer, "%s", signer != NULL ? signer : "");
}

int
result_exit_status(const struct verify_result *r)
{
    size_t wrong = findings_count(&r->findings, FINDING_DIFFERENT) +
        findings_count(&r->findings, FINDING_UNCOMPARED);

    return wrong == 0 ? EXIT_GOOD : EXIT_DIFFERENT;
}

void
result_begin_anew(struct verify_result *r)
{
    findings_free(&r->findings);
    result_parts_free(r);
    r->compared = (struct result_compared){0};
    r->findings = (struct findings)FINDINGS_INIT;
    free(r->against);
    r->against = NULL;
    json_decref(r->xid);
    r->xid = NULL;
    r->copy.tables = r->copy.rows = r->copy.bytes = 0;
}

char *
result_copy_text(const struct verify_result *r)
{
    const struct result_copy *c = &r->copy;
    char                      tables[48], rows[48], size[16], at[32];

    if (!c->warm)
        return c->why == NULL ? xstrdup("cold") : xasprintf("cold: %s", c->why);
    return xasprintf("warm: %s, %s (%s) loaded again, the rest kept since the cold drill of %s",
                     count_human(c->tables, "table", tables, sizeof tables),
                     count_human(c->rows, "row", rows, sizeof rows),
                     size_human(c->bytes, size, sizeof size), time_rfc3339(c->cold, at, sizeof at));
}

void
result_free(struct verify_result *r)
{
    result_begin_anew(r);
    free(r->copy.why);
    json_decref(r->xid_now);
    strlist_free(&r->lines);
    free(r->database);
    free(r->circumstances.repository);
    free(r->keep_command);
    free(r->reach_command);
    for (size_t i = 0; i < r->n_proven; i++) {
        free(r->proven[i].database);
        free(r->proven[i].key_name);
    }
    free(r->proven);
    result_control_free(&r->control);
}

static double
backup_age(const struct verify_result *r)
{
    return difftime(time(NULL), r->label->snapshot);
}

static json_t *
compared_json(const struct result_compared *c)
{
    return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "contents",
                     (int)c->contents, "estimates", (int)c->estimates, "static_tables",
                     (json_int_t)c->static_tables, "tables", (json_int_t)c->tables, "rows",
                     (json_int_t)c->rows, "bytes", (json_int_t)c->bytes, "objects",
                     (json_int_t)c->objects, "sequences", (json_int_t)c->sequences, "matviews",
                     (json_int_t)c->matviews, "large_objects", (json_int_t)c->large_objects,
                     "extensions", (json_int_t)c->extensions, "roles", (json_int_t)c->roles);
}

static json_t *
stored_json(const struct result_stored *s)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "databases", (json_int_t)s->databases, "backups",
                     (json_int_t)s->backups, "objects", (json_int_t)s->objects, "bytes",
                     (json_int_t)s->bytes, "deltas", (json_int_t)s->deltas);
}

static json_t *
chained_json(const struct result_chained *c)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "databases", (json_int_t)c->databases, "labels",
                     (json_int_t)c->labels, "tombstones", (json_int_t)c->tombstones, "signers",
                     (json_int_t)c->signers);
}

static json_t *
proven_json(const struct verify_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_proven; i++) {
        const struct result_proven *p = &r->proven[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:s, s:o, s:I, s:I}", "database", json_text(p->database),
                      "backup", p->backup, "key", p->key, "key_name", json_text(p->key_name),
                      "chunks", (json_int_t)p->chunks, "bytes", (json_int_t)p->bytes));
    }
    return list;
}

static const char *
verb_name(enum verb verb)
{
    static const char *const names[] = {"drill", "live", "objects", "chain", "key-drill"};

    return names[verb];
}

static json_t *
copy_json(const struct verify_result *r)
{
    const struct result_copy *c = &r->copy;
    char                     *text = result_copy_text(r), at[32];
    json_t *cold = c->warm ? json_string(time_rfc3339(c->cold, at, sizeof at)) : json_null();
    json_t *o = json_pack("{s:s, s:b, s:o, s:I, s:I, s:I, s:o}", "text", text, "warm", (int)c->warm,
                          "why", json_text(c->why), "tables", (json_int_t)c->tables, "rows",
                          (json_int_t)c->rows, "bytes", (json_int_t)c->bytes, "cold_started", cold);

    free(text);
    return o;
}

static void
add_circumstances(const struct verify_result *r, json_t *o)
{
    const struct result_circumstances *c = &r->circumstances;
    char                               at[32];

    json_object_set_new(o, "started", json_string(time_rfc3339(c->started, at, sizeof at)));
    json_object_set_new(o, "finished", json_string(time_rfc3339(c->finished, at, sizeof at)));
    json_object_set_new(o, "host", json_text(c->host));
    json_object_set_new(o, "tool", json_string("pgassay " PGASSAY_VERSION));
    json_object_set_new(o, "signer", json_text(c->signer[0] == '\0' ? NULL : c->signer));
    json_object_set_new(o, "repository", json_text(c->repository));
    json_object_set_new(o, "repo_id", json_text(c->repo_id[0] == '\0' ? NULL : c->repo_id));
}

json_t *
result_json(const struct verify_result *r)
{
    json_t *o = json_object();
    char    at[32];

    json_object_set_new(o, "verb", json_string(verb_name(r->verb)));
    json_object_set_new(o, "equal", json_boolean(result_exit_status(r) == EXIT_GOOD));
    json_object_set_new(o, "database", json_text(r->database));
    json_object_set_new(o, "seconds", json_real(r->seconds));
    json_object_set_new(o, "findings", findings_json(&r->findings));
    add_circumstances(r, o);
    if (r->verb == VERB_OBJECTS) {
        json_object_set_new(o, "stored", stored_json(&r->stored));
    } else if (r->verb == VERB_CHAIN) {
        json_object_set_new(o, "chain", chained_json(&r->chained));
    } else if (r->verb == VERB_KEY_DRILL) {
        json_object_set_new(o, "proven", proven_json(r));
    } else if (r->label != NULL) {
        json_object_set_new(o, label_kind(r->label), json_string(r->label->id));
        if (r->label->baseline)
            json_object_set_new(o, "baseline_name", json_text(r->label->note));
        json_object_set_new(o, "backup_age_seconds", json_real(backup_age(r)));
        json_object_set_new(o, "snapshot",
                            json_string(time_rfc3339(r->label->snapshot, at, sizeof at)));
        json_object_set_new(o, "source_version", json_text(r->label->server_version));
        json_object_set_new(o, "against", json_text(r->against));
        json_object_set_new(o, "compared", compared_json(&r->compared));
        json_object_set(o, "xid", r->xid != NULL ? r->xid : json_null());
        result_parts_json(r, o);
        if (r->xid_now != NULL)
            json_object_set(o, "xid_now", r->xid_now);
    }
    if (r->verb == VERB_DRILL) {
        json_object_set_new(o, "recovery_seconds", json_real(r->recovery_s));
        json_object_set_new(o, "copy", copy_json(r));
        json_object_set_new(o, "recorded", json_boolean(r->recorded));
        if (r->control.made)
            json_object_set_new(o, "self_test", result_control_json(&r->control));
    }
    if (r->keep_command != NULL) {
        json_object_set_new(o, "keep_command", json_text(r->keep_command));
        json_object_set_new(o, "reach_command", json_text(r->reach_command));
    }
    return o;
}

static void
print_objects_block(const struct verify_result *r)
{
    const struct result_stored *s = &r->stored;
    char                        size[16], objects[48], backups[48], databases[48];

    print_out("read and hashed  %s (%s) of %s in %s\n",
              count_human(s->objects, "object", objects, sizeof objects),
              size_human(s->bytes, size, sizeof size),
              count_human(s->backups, "backup", backups, sizeof backups),
              count_human(s->databases, "database", databases, sizeof databases));
    if (s->deltas > 0)
        print_out("put together     %s of what has changed since other backups\n",
                  count_human(s->deltas, "chunk", objects, sizeof objects));
}

static void
print_chain_block(const struct verify_result *r)
{
    const struct result_chained *c = &r->chained;
    char                         labels[48], tombstones[48], signers[48], databases[48];

    print_out("looked at        %s and %s of %s in %s\n",
              count_human(c->labels, "label", labels, sizeof labels),
              count_human(c->tombstones, "tombstone", tombstones, sizeof tombstones),
              count_human(c->signers, "signer", signers, sizeof signers),
              count_human(c->databases, "database", databases, sizeof databases));
}

static void
print_xid_line(const json_t *xid, bool recorded)
{
    char age[32];

    if (xid != NULL && json_opt_int(xid, "age", -1) >= 0)
        print_out("XID age          %s %s\n",
                  count_human((uint64_t)json_opt_int(xid, "age", 0), NULL, age, sizeof age),
                  recorded ? "when the baseline was recorded"
                           : "at the source when backed up (a restore starts again from 0)");
}

static void
print_globals_line(const struct verify_result *r)
{
    char text[48];

    if (r->compared.roles > 0)
        print_out(
            "globals          %s with their settings and memberships, tablespaces, "
            "parameters\n",
            count_human(r->compared.roles, "role", text, sizeof text));
    else
        print_out("globals          roles, tablespaces and parameters were NOT compared%s\n",
                  r->verb == VERB_DRILL ? " (verify live does)" : "");
}

/* "from PostgreSQL 15.8, in /srv/backups", and who has proven it, when. */
static void
print_circumstances(const struct verify_result *r)
{
    const struct result_circumstances *c = &r->circumstances;
    char                               from[32], to[32];

    print_out("source           PostgreSQL %s, from repository %s\n", r->label->server_version,
              c->repository);
    print_out("looked at        %s to %s, by pgassay " PGASSAY_VERSION " on %s%s%s\n",
              time_rfc3339(c->started, from, sizeof from), time_rfc3339(c->finished, to, sizeof to),
              c->host, c->signer[0] != '\0' ? ", signer " : "", c->signer);
}

static void
print_drilled(const struct verify_result *r)
{
    char text[32], *copy = result_copy_text(r);

    print_out("copy             %s\n", copy);
    print_out("recovery time    %s%s\n", duration_human(r->recovery_s, text, sizeof text),
              r->copy.warm ? ", as the cold drill measured it" : "");
    free(copy);
}

static void
print_compared_block(const struct verify_result *r)
{
    const struct result_compared *c = &r->compared;
    char                          size[48], text[32], a[48], b[48];

    print_out("%-16s %s%s%s%s of %s, %s old\n", label_kind(r->label), r->label->id,
              r->label->baseline && r->label->note != NULL ? " (" : "",
              r->label->baseline && r->label->note != NULL ? r->label->note : "",
              r->label->baseline && r->label->note != NULL ? ")" : "", r->label->db,
              duration_human(backup_age(r), text, sizeof text));
    print_out("compared with    %s\n", r->against);
    print_circumstances(r);
    print_out("tables           %s, %s", count_human(c->tables, NULL, a, sizeof a),
              count_human(c->rows, "row", b, sizeof b));
    if (c->contents)
        print_out(", %s by fingerprint\n", size_human(c->bytes, size, sizeof size));
    else
        print_out(" counted%s; contents were NOT compared%s%s (--full does)\n",
                  c->estimates ? " or estimated" : "", c->static_tables > 0 ? " but for " : "",
                  c->static_tables > 0
                      ? count_human(c->static_tables, "static table", size, sizeof size)
                      : "");
    if (c->estimates)
        print_out(
            "schema           definitions beyond tables and columns were NOT compared "
            "(--estimate), %s\n",
            count_human(c->extensions, "extension", b, sizeof b));
    else
        print_out("schema           %s, %s\n", count_human(c->objects, "object", a, sizeof a),
                  count_human(c->extensions, "extension", b, sizeof b));
    print_out("besides          %s, %s, %s%s\n", count_human(c->sequences, "sequence", a, sizeof a),
              count_human(c->matviews, "materialized view", b, sizeof b),
              count_human(c->large_objects, "large object", size, sizeof size),
              c->contents ? "" : " (counted)");
    print_globals_line(r);
    print_xid_line(r->xid, r->label->baseline);
    for (size_t i = 0; i < r->lines.n; i++)
        print_out("%s\n", r->lines.v[i]);
    if (r->verb == VERB_DRILL)
        print_drilled(r);
    result_parts_print(r);
}

static void
print_proven_block(const struct verify_result *r)
{
    for (size_t i = 0; i < r->n_proven; i++) {
        const struct result_proven *p = &r->proven[i];
        char                        chunks[48], size[16];

        print_out("opened           %s of %s by key %s (%s): manifest and %s (%s)\n", p->backup,
                  p->database, p->key, p->key_name,
                  count_human(p->chunks, "chunk", chunks, sizeof chunks),
                  size_human(p->bytes, size, sizeof size));
    }
}

static const char *
bad_verdict(const struct verify_result *r)
{
    bool different = findings_count(&r->findings, FINDING_DIFFERENT) > 0;

    if (r->verb == VERB_OBJECTS)
        return different ? "DAMAGED" : "NOT PROVEN";
    if (r->verb == VERB_CHAIN)
        return different ? "BROKEN" : "NOT PROVEN";
    if (r->verb == VERB_KEY_DRILL)
        return different ? "NOT OPENED" : "NOT PROVEN";
    return different ? "DIFFERENT" : "NOT PROVEN";
}

static void
print_verdict(const struct verify_result *r)
{
    size_t different = findings_count(&r->findings, FINDING_DIFFERENT);
    size_t uncompared = findings_count(&r->findings, FINDING_UNCOMPARED);
    char   text[32];

    duration_human(r->seconds, text, sizeof text);
    if (result_exit_status(r) == EXIT_GOOD && r->verb == VERB_OBJECTS)
        print_out("verdict          good: everything stored is what was written (%s)\n", text);
    else if (result_exit_status(r) == EXIT_GOOD && r->verb == VERB_CHAIN)
        print_out("verdict          good: nothing is missing (%s)\n", text);
    else if (result_exit_status(r) == EXIT_GOOD && r->verb == VERB_KEY_DRILL)
        print_out("verdict          good: each key opens what it should (%s)\n", text);
    else if (result_exit_status(r) == EXIT_GOOD)
        print_out("verdict          equal%s (%s)\n",
                  r->compared.contents ? "" : " in all but contents, which were not compared",
                  text);
    else
        print_out("verdict          %s: %zu different, %zu not compared (%s)\n", bad_verdict(r),
                  different, uncompared, text);
}

/* Even with --quiet: an unnoticed server would run for ever. */
static void
print_kept(const struct verify_result *r)
{
    if (r->keep_command != NULL) {
        print_out("scratch server: %s\n", r->reach_command);
        print_out("to remove it:\n%s\n", r->keep_command);
    }
}

int
result_print(const struct verify_result *r, bool json, bool quiet, struct err *e)
{
    if (json)
        return json_print(result_json(r), e);
    if (quiet && result_exit_status(r) == EXIT_GOOD) {
        print_kept(r);
        return 0;
    }
    findings_print(&r->findings, stdout);
    if (r->findings.n > 0)
        print_out("\n");
    if (r->verb == VERB_OBJECTS)
        print_objects_block(r);
    else if (r->verb == VERB_CHAIN)
        print_chain_block(r);
    else if (r->verb == VERB_KEY_DRILL)
        print_proven_block(r);
    else if (r->label != NULL)
        print_compared_block(r);
    result_control_print(&r->control);
    print_verdict(r);
    print_kept(r);
    return 0;
}
