/* doctor: the findings about the store, and settings for it. */
#include <stdio.h>

#include "core/exit.h"
#include "core/json.h"
#include "core/print.h"
#include "storage/commands/cmd.h"
#include "storage/contract/location.h"
#include "storage/doctor/doctor.h"
#include "storage/keys/trust_who.h"

static const char *
verdict(const struct finding *f)
{
    return f->class == FINDING_GOOD ? "good" : f->class == FINDING_NOTE ? "note" : "bad";
}

static bool
is_good(const struct doctor *d)
{
    return findings_count(&d->found, FINDING_BAD) == 0;
}

static json_t *
result_json(const struct doctor *d)
{
    json_t *o = json_object();
    json_t *findings = json_array();
    json_t *settings = json_array();

    for (size_t i = 0; i < d->found.n; i++) {
        const struct finding *one = &d->found.v[i];
        json_t *f = json_pack("{s:s,s:s,s:s}", "probe", one->object, "verdict", verdict(one),
                              "text", one->what);

        if (one->advice != NULL) {
            (void)json_object_set_new(f, "advice", json_text(one->advice));
        }
        (void)json_array_append_new(findings, f);
    }
    for (size_t i = 0; i < d->settings.n; i++) {
        (void)json_array_append_new(settings, json_text(d->settings.v[i]));
    }
    (void)json_object_set_new(o, "repository", json_text(d->place->location));
    (void)json_object_set_new(o, "good", json_boolean(is_good(d)));
    (void)json_object_set_new(o, "findings", findings);
    (void)json_object_set_new(o, "settings", settings);
    if (d->settings.n > 0) {
        (void)json_object_set_new(o, "policies", doctor_s3_policies(d));
    }
    return o;
}

static void
print_finding(const struct finding *f)
{
    print_out("  %-4s  %-15s  %s\n", f->class == FINDING_BAD ? "BAD" : verdict(f), f->object,
              f->what);
    if (f->advice != NULL) {
        print_out("  %-4s  %-15s  -> %s\n", "", "", f->advice);
    }
}

static void
print_text(const struct doctor *d, bool only_bad)
{
    print_out("%s\n", d->place->location);
    for (size_t i = 0; i < d->found.n; i++) {
        if (!only_bad || d->found.v[i].class == FINDING_BAD) {
            print_finding(&d->found.v[i]);
        }
    }
    if (d->settings.n == 0 || only_bad) {
        return;
    }
    print_out("\nsettings for [repo NAME]:\n");
    for (size_t i = 0; i < d->settings.n; i++) {
        print_out("  %s\n", d->settings.v[i]);
    }
    doctor_s3_print_policies(d);
}

/* The rights that this host knows of: not a probe, but useful next to the rights on the store. */
static int
add_trust(struct doctor *d, const struct storage_location *place, struct err *e)
{
    struct strlist lines = {0};
    bool           asks;
    int            rc = trust_who(place, &asks, &lines, e);

    for (size_t i = 0; rc == 0 && i < lines.n; i++) {
        findings_add(&d->found,
                     (struct finding){.class = asks ? FINDING_GOOD : FINDING_NOTE,
                                      .group = "store",
                                      .object = "trust",
                                      .what = lines.v[i]});
    }
    strlist_free(&lines);
    return rc;
}

static int
run(const struct cmd *c, struct err *e)
{
    struct storage_location place;
    struct doctor           d = DOCTOR_INIT;
    int                     rc = -1;

    if (storage_location_find(c->config, c->repo, NULL, &c->given, &place, e) != 0) {
        return -1;
    }
    if (doctor_examine(&d, &place, e) != 0) {
        goto out;
    }
    if (add_trust(&d, &place, e) != 0) {
        goto out;
    }
    rc = is_good(&d) ? EXIT_GOOD : EXIT_DIFFERENT;
    if (c->json && json_print(result_json(&d), e) != 0) {
        rc = -1;
    } else if (!c->json && (!c->quiet || rc != EXIT_GOOD)) {
        print_text(&d, c->quiet);
    }
out:
    doctor_free(&d);
    return rc;
}

const struct cmd_verb cmd_doctor = {
    .cli = {.name = "doctor",
            .args = "",
            .summary = "test whether a store does what is needed",
            .tables = CMD_TABLES(cmd_repo_options, cmd_general_options)},
    .size = sizeof(struct cmd),
    .run = run,
};
