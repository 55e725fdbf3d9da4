#include "storage/keys/trust_who.h"

#include <stdlib.h>

#include "core/crypto/keyfile.h"
#include "core/print.h"
#include "storage/keys/trust.h"

/* The first rows of trust_keys[]; the last of them is the administrator's. */
enum { ROLES = 4, ADMIN = ROLES - 1, SIGN_KEY = ROLES };

/* "ops (1f2e...), db1 (...)" */
static int
names_of(const struct strlist *files, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < files->n; i++) {
        struct public_key k = {0};
        int               rc = public_key_load(files->v[i], &k, e);

        if (rc == 0) {
            rc = buf_printf(out, e, "%s%s (%s)", i == 0 ? "" : ", ", k.name, k.id);
        }
        public_key_free(&k);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* A role without keys of its own (trust.c: is_own(), asked_for()). */
static const char *
of_nobody(int role, bool admins, bool signs)
{
    if (role == ADMIN) {
        return "no key; the repository's own settings are accepted unsigned";
    }
    if (admins) {
        return signs ? "the administrator, and this host's own key" : "the administrator only";
    }
    return signs ? "this host's own key only" : "no key: nothing of this kind is trusted";
}

static int
add_role(int role, const struct strlist *files, bool admins, bool signs, struct strlist *lines,
         struct err *e)
{
    struct buf text = BUF_INIT(64 * KIB);
    int        rc = names_of(files, &text, e);

    if (rc == 0) {
        strlist_take(
            lines,
            xasprintf("%s: %s%s", trust_keys[role].name,
                      files->n > 0 ? buf_str(&text) : of_nobody(role, admins, signs),
                      files->n > 0 && role != ADMIN && admins ? ", and the administrator" : ""));
    }
    buf_free(&text);
    return rc == 0 ? 0 : err_wrap(e, "%s", trust_keys[role].name);
}

int
trust_who(const struct storage_location *place, bool *asks, struct strlist *lines, struct err *e)
{
    bool           signs = storage_location_get(place, &trust_keys[SIGN_KEY]) != NULL;
    struct strlist files[ROLES] = {0};
    int            rc = 0;

    *asks = false;
    for (int i = 0; i < ROLES; i++) {
        storage_location_list(place, &trust_keys[i], &files[i]);
        *asks = *asks || files[i].n > 0;
    }
    if (!*asks) {
        strlist_add(lines,
                    "no trust- key is set: everything in the repository is trusted, signed or not");
    }
    for (int i = 0; *asks && rc == 0 && i < ROLES; i++) {
        rc = add_role(i, &files[i], files[ADMIN].n > 0, signs, lines, e);
    }
    for (int i = 0; i < ROLES; i++) {
        strlist_free(&files[i]);
    }
    return rc;
}

void
trust_who_print(const struct storage_location *place, FILE *f)
{
    struct strlist lines = {0};
    struct err     e = ERR_INIT;
    bool           asks;

    print_to(f, "; who may do what in %s:\n", storage_location_name(place));
    if (trust_who(place, &asks, &lines, &e) != 0) {
        print_to(f, ";   %s\n", e.text);
    }
    for (size_t i = 0; i < lines.n; i++) {
        print_to(f, ";   %s\n", lines.v[i]);
    }
    strlist_free(&lines);
}

void
trust_who_print_meant(const struct config *c, const char *repo, const char *database,
                      const struct strlist *repo_options, FILE *f)
{
    struct storage_location place;
    struct storage_given    given = {.options = repo_options};
    struct err              none = ERR_INIT;

    if (storage_location_find(c, repo, database, &given, &place, &none) == 0) {
        trust_who_print(&place, f);
    }
}
