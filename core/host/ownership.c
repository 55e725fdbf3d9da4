#include "core/host/ownership.h"
#include "core/quote.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 64, PASSWD_BYTES = 16384 };

/* "mallory", or "4711" when that id has no name. */
static const char *
user_name(uid_t uid, char out[NAME_BYTES])
{
    struct passwd pw, *found = NULL;
    char          text[PASSWD_BYTES];

    if (getpwuid_r(uid, &pw, text, sizeof text, &found) == 0 && found != NULL) {
        (void)snprintf(out, NAME_BYTES, "%s", pw.pw_name);
    } else {
        (void)snprintf(out, NAME_BYTES, "%u", (unsigned)uid);
    }
    return out;
}

int
ownership_check(int fd, const char *what, const char *path, struct err *e)
{
    struct stat sb;
    char        owner[NAME_BYTES], us[NAME_BYTES], *chown_it;

    if (fstat(fd, &sb) != 0) {
        return err_errno(e, "%s \"%s\"", what, path);
    }
    if (!S_ISREG(sb.st_mode)) {
        return 0;
    }
    if (sb.st_uid != 0 && sb.st_uid != geteuid()) {
        (void)user_name(sb.st_uid, owner);
        (void)user_name(geteuid(), us);
        err_set(e, ERR_AUTH, "%s \"%s\" belongs to user \"%s\", who can change it at any time",
                what, path, owner);
        chown_it = quote_command("chown", us, QUOTE_ARG(path));
        (void)err_hint(e, "if its contents are what they should be: %s; or run this as \"%s\"",
                       chown_it, owner);
        free(chown_it);
        return -1;
    }
    if ((sb.st_mode & S_IWOTH) != 0) {
        err_set(e, ERR_AUTH, "%s \"%s\": others may write to it", what, path);
        return quote_hint(e, "if its contents are what they should be: ", "chmod", "o-w",
                          QUOTE_ARG(path));
    }
    return 0;
}

bool
ownership_is_secret(const struct stat *sb, uid_t us)
{
    mode_t others = sb->st_uid == 0 && us != 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;

    return !S_ISREG(sb->st_mode) || (sb->st_mode & others) == 0;
}

int
ownership_hand_over(int fd, int dir, struct err *e)
{
    struct stat made, where;

    if (geteuid() != 0) {
        return 0;
    }
    if (fstat(fd, &made) != 0 || fstat(dir, &where) != 0) {
        return err_errno(e, "could not look at its owner");
    }
    /* More than one name: it may be a hard link to a file of root's. */
    if (where.st_uid == 0 || made.st_uid != 0 || (S_ISREG(made.st_mode) && made.st_nlink != 1)) {
        return 0;
    }
    return fchown(fd, where.st_uid, where.st_gid) == 0
        ? 0
        : err_errno(e, "could not give it to the owner of its directory");
}
