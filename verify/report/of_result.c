#include "verify/report/of_result.h"

#include <stdlib.h>
#include <string.h>

#include "core/human.h"
#include "core/mem.h"
#include "core/quote.h"
#include "verify/report/document.h"
#include "verify/report/of_parts.h"

/* ---- findings ---- */

/* What a difference of a kind means, and what to do about it. */
static const struct {
    const char *group, *means, *action;
} kinds[] = {
    {"tables", "a table is not as it was when it was backed up: who uses it will meet that", NULL},
    {"rows", "rows are missing, are there twice, or say something else", NULL},
    {"schema", "a definition differs: what relied on it may work differently, or not at all", NULL},
    {"sequences", "the next number may have been used before, or numbers are skipped", NULL},
    {"materialized views", "it is read without what it should hold, until it is refreshed", NULL},
    {"large objects", "a file kept in the database is missing, or is another", NULL},
    {"extensions", "functions and types of it may behave differently", NULL},
    {"database", "a property of the database itself differs", NULL},
    {"globals", "who may do what differs from what was backed up", NULL},
    {"beyond pg_dump", "pg_dump does not carry it, and a restore does not bring it back by itself",
     "restore with --beyond"},
    {"restore", "this object is not in the restored copy", NULL},
    {"chunks", "what is stored is not what was written: whatever needs it cannot be restored",
     "heal it from another repository: pgassay storage scrub --repair-from NAME"},
    {"backups", "what belongs to a backup is missing or was changed",
     "heal it from another repository: pgassay storage scrub --repair-from NAME"},
    {"backup", "the backup that was looked at is not the one that should be there", NULL},
    {"chain", "a backup may have been taken away, or an old state of the repository put back",
     "see docs/security.md: what a host remembers"},
    {"keys", "whoever has this key alone cannot restore", NULL},
    {"settings", "other rules may be in force than those set last", "pgassay storage recover"},
    {"checks", "what the administrator expects of the data is not so", NULL},
    {"targets", "what was promised for a disaster was not kept this time", NULL},
    {"self-test",
     "a damage of this kind could go unnoticed in a drill: its other checks prove less",
     "report it, with this page"},
    {"ledger", "somebody may have changed what is known of drills and restores", NULL},
};

static const char *
class_of(const json_t *finding)
{
    const char *class = json_opt_str(finding, "class", "");

    return strcmp(class, "different") == 0   ? "bad"
        : strcmp(class, "not_compared") == 0 ? "unknown"
                                             : "note";
}

static void
explain(json_t *f, const char *group)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].group, group) == 0) {
            (void)json_object_set_new(f, "means", json_string(kinds[i].means));
            (void)json_object_set_new(f, "action", json_text(kinds[i].action));
        }
    }
}

static void
add_finding(json_t *d, const json_t *x)
{
    static const char *const copied[] = {"object", "what", "want", "have"};
    const char *class = class_of(x);
    const char *group = json_opt_str(x, "group", "?");
    const char *word = *class == 'b' ? "different" : *class == 'u' ? "not compared" : "note";
    json_t     *f = json_pack("{s:s, s:s, s:s}", "class", class, "word", word, "check", group);

    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        (void)json_object_set(f, copied[i], json_object_get(x, copied[i]));
    }
    if (*class == 'b') {
        explain(f, group);
    } else if (*class == 'u') {
        (void)json_object_set_new(f, "means", json_string("what was not compared is not proven"));
    }
    if (json_is_string(json_object_get(x, "advice"))) {
        (void)json_object_set(f, "action", json_object_get(x, "advice"));
    }
    document_finding(d, f);
}

/* Differences first: an auditor reads from the top. */
static void
add_findings(json_t *d, const json_t *result)
{
    static const char *const order[] = {"bad", "unknown", "note"};
    const json_t            *list = json_object_get(result, "findings"), *one;
    size_t                   i;

    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        json_array_foreach (list, i, one) {
            if (strcmp(class_of(one), order[k]) == 0) {
                add_finding(d, one);
            }
        }
    }
}

static size_t
count(const json_t *result, const char *class, const char *group)
{
    const json_t *list = json_object_get(result, "findings"), *one;
    size_t        i, n = 0;

    json_array_foreach (list, i, one) {
        n += strcmp(class_of(one), class) == 0 &&
            (group == NULL || strcmp(json_opt_str(one, "group", ""), group) == 0);
    }
    return n;
}

/* ---- checks ---- */

struct look {
    const char *group, *key, *noun; /* "tables": how many of "compared" */
};

static const struct look compared[] = {
    {"tables", "tables", "table"},
    {"rows", "rows", "row"},
    {"schema", "objects", "object"},
    {"sequences", "sequences", "sequence"},
    {"materialized views", "matviews", "materialized view"},
    {"large objects", "large_objects", "large object"},
    {"extensions", "extensions", "extension"},
    {"globals", "roles", "role"},
    {"database", NULL, NULL},
    {"beyond pg_dump", NULL, NULL},
    {"restore", NULL, NULL},
    {"backup", NULL, NULL},
};

static void
add_check(json_t *d, const json_t *result, const char *group, const char *text)
{
    size_t bad = count(result, "bad", group), unknown = count(result, "unknown", group);
    char   word[48];

    if (bad > 0) {
        (void)snprintf(word, sizeof word, "%zu different", bad);
    } else if (unknown > 0) {
        (void)snprintf(word, sizeof word, "%zu not compared", unknown);
    } else {
        (void)snprintf(word, sizeof word, "good");
    }
    document_check(d, group, bad > 0 ? "bad" : unknown > 0 ? "unknown" : "good", word, text);
}

static bool
has_check(const json_t *d, const char *name)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(d, "checks"), i, one) {
        if (strcmp(json_opt_str(one, "name", ""), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whatever has findings was looked at, too. */
static void
add_other_checks(json_t *d, const json_t *result)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(result, "findings"), i, one) {
        const char *group = json_opt_str(one, "group", "?");

        if (!has_check(d, group)) {
            add_check(d, result, group, NULL);
        }
    }
}

static void
add_compared_checks(json_t *d, const json_t *result)
{
    const json_t *c = json_object_get(result, "compared");
    bool          drill = strcmp(json_opt_str(result, "verb", ""), "drill") == 0;
    bool          contents = json_opt_bool(c, "contents", false);

    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        const struct look *k = &compared[i];
        char               text[64] = "", *all;

        if (strcmp(k->group, "globals") == 0 && json_opt_int(c, "roles", 0) == 0) {
            document_check(d, k->group, "skipped", "not compared",
                           drill ? "a throw-away server has no roles of its own; verify live "
                                   "compares them"
                                 : "the backup has none");
            continue;
        }
        if (strcmp(k->group, "restore") == 0 && !drill) {
            continue;
        }
        if (k->key != NULL) {
            (void)count_human((uint64_t)json_opt_int(c, k->key, 0), k->noun, text, sizeof text);
        }
        all = strcmp(k->group, "rows") != 0 ? xstrdup(text)
            : contents                      ? xasprintf("%s by their contents", text)
                       : xasprintf("%s counted; contents were not compared", text);
        add_check(d, result, k->group, *all == '\0' ? NULL : all);
        free(all);
    }
}

static void
add_numbers_check(json_t *d, const json_t *result, const char *key, const char *group)
{
    const json_t *numbers = json_object_get(result, key), *value;
    const char   *name;
    char         *text = xstrdup("");

    json_object_foreach ((json_t *)(uintptr_t)numbers, name, value) {
        char  size[64];
        char *more;

        if (strcmp(name, "bytes") == 0) {
            (void)size_human((uint64_t)json_integer_value(value), size, sizeof size);
            more = xasprintf("%s%s%s", text, *text != '\0' ? ", " : "", size);
        } else {
            more = xasprintf("%s%s%lld %s", text, *text != '\0' ? ", " : "",
                             (long long)json_integer_value(value), name);
        }
        free(text);
        text = more;
    }
    add_check(d, result, group, text);
    free(text);
}

static void
add_proven_checks(json_t *d, const json_t *result)
{
    const json_t *one;
    size_t        i;

    json_array_foreach (json_object_get(result, "proven"), i, one) {
        char *name = xasprintf("%s by key %s", json_opt_str(one, "database", "?"),
                               json_opt_str(one, "key_name", "?"));

        document_check(d, name, "good", "opened", json_opt_str(one, "backup", NULL));
        free(name);
    }
}

/* ---- the verdict, and facts ---- */

struct words {
    const char *verb, *title, *good, *good_text, *bad;
};

static const struct words verbs[] = {
    {"drill", "Drill of", "EQUAL", "The backup was restored, and the copy is what was backed up.",
     "DIFFERENT"},
    {"live", "Comparison of", "EQUAL", "The running database is what was backed up.", "DIFFERENT"},
    {"objects", "Stored objects of", "GOOD", "Everything stored is what was written.", "DAMAGED"},
    {"chain", "Chain of", "GOOD", "No backup is missing.", "BROKEN"},
    {"key-drill", "Key drill of", "GOOD", "Each key opens what it should.", "NOT OPENED"},
};

static const struct words *
words_of(const json_t *result)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].verb, json_opt_str(result, "verb", "")) == 0) {
            return &verbs[i];
        }
    }
    return &verbs[0];
}

static void
add_verdict(json_t *d, const json_t *result)
{
    const struct words *w = words_of(result);
    size_t              bad = count(result, "bad", NULL), unknown = count(result, "unknown", NULL);
    const json_t       *c = json_object_get(result, "compared");
    bool                counted = c != NULL && !json_opt_bool(c, "contents", false);
    char               *text;

    if (bad + unknown == 0) {
        document_verdict(d, "good", w->good,
                         counted ? "In everything but contents, which were not compared (--full "
                                   "does)."
                                 : w->good_text);
        return;
    }
    text = bad == 0
        ? xasprintf("%zu could not be compared, and what was not compared is not proven.", unknown)
        : unknown == 0 ? xasprintf("%zu difference%s found.", bad, bad == 1 ? " was" : "s were")
                       : xasprintf("%zu different, and %zu could not be compared.", bad, unknown);
    document_verdict(d, bad > 0 ? "bad" : "unknown", bad > 0 ? w->bad : "NOT PROVEN", text);
    free(text);
}

/* A text that may be {"b64": ...}; allocated, NULL when there is none. */
static char *
text_of(const json_t *o, const char *key)
{
    struct err ignored = ERR_INIT;
    size_t     n;

    return json_bytes_get(json_object_get(o, key), &n, &ignored);
}

static void
fact(json_t *d, const char *name, const json_t *o, const char *key)
{
    char *text = text_of(o, key);

    document_fact(d, name, text);
    free(text);
}

/* "2026-11-21 02:15:00 UTC" */
static void
fact_time(json_t *d, const char *name, const json_t *o, const char *key)
{
    const char *at = json_opt_str(o, key, "");
    char       *text;

    if (strlen(at) == 20) {
        text = xasprintf("%.10s %.8s UTC", at, at + 11);
        document_fact(d, name, text);
        free(text);
    }
}

static void
fact_duration(json_t *d, const char *name, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    char          text[48];

    if (json_is_number(v)) {
        document_fact(d, name, duration_human(json_number_value(v), text, sizeof text));
    }
}

static void
add_facts(json_t *d, const json_t *r)
{
    const json_t *c = json_object_get(r, "compared"), *xid = json_object_get(r, "xid");
    char         *text;
    char          rows[64], size[16];

    fact(d, "database", r, "database");
    fact(d, "backup", r, "backup");
    fact_time(d, "of the moment", r, "snapshot");
    fact_duration(d, "age", r, "backup_age_seconds");
    fact(d, "compared with", r, "against");
    fact(d, "copy", json_object_get(r, "copy"), "text");
    if (json_is_string(json_object_get(r, "source_version"))) {
        text = xasprintf("PostgreSQL %s", json_opt_str(r, "source_version", "?"));
        document_fact(d, "source", text);
        free(text);
    }
    if (c != NULL) {
        text = xasprintf(
            "%s, %s", count_human((uint64_t)json_opt_int(c, "rows", 0), "row", rows, sizeof rows),
            size_human((uint64_t)json_opt_int(c, "bytes", 0), size, sizeof size));
        document_fact(d, "read", text);
        free(text);
    }
    fact_duration(d, "recovery time", r, "recovery_seconds");
    if (json_opt_int(xid, "age", -1) >= 0) {
        document_fact(d, "XID age",
                      count_human((uint64_t)json_opt_int(xid, "age", 0), NULL, rows, sizeof rows));
    }
    fact_time(d, "began", r, "started");
    fact_time(d, "ended", r, "finished");
    fact_duration(d, "took", r, "seconds");
    fact(d, "on host", r, "host");
    fact(d, "repository", r, "repository");
    document_fact(d, "signed by",
                  json_is_string(json_object_get(r, "signer")) ? json_opt_str(r, "signer", NULL)
                                                               : "nobody: this host has no key to "
                                                                 "sign with");
    if (json_object_get(r, "recorded") != NULL) {
        document_fact(d, "recorded",
                      json_opt_bool(r, "recorded", false) ? "in the repository" : "no");
    }
    fact(d, "program", r, "tool");
}

json_t *
report_of_result(const json_t *result)
{
    char   *db = text_of(result, "database");
    char   *title = xasprintf("%s %s", words_of(result)->title, db != NULL ? db : "all databases");
    json_t *d = document_new(title, time(NULL));

    (void)json_object_set(d, "seconds", json_object_get(result, "seconds"));
    add_verdict(d, result);
    add_facts(d, result);
    add_findings(d, result);
    if (json_object_get(result, "compared") != NULL) {
        add_compared_checks(d, result);
    } else if (json_object_get(result, "stored") != NULL) {
        add_numbers_check(d, result, "stored", "chunks");
    } else if (json_object_get(result, "chain") != NULL) {
        add_numbers_check(d, result, "chain", "chain");
    } else {
        add_proven_checks(d, result);
    }
    report_add_parts(d, result);
    add_other_checks(d, result);
    free(title);
    free(db);
    return d;
}
