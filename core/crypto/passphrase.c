#include "core/crypto/passphrase.h"

#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "core/cancel.h"
#include "core/host/ownership.h"
#include "core/host/proc.h"
#include "core/mem.h"
#include "core/print.h"
#include "core/quote.h"

/* One byte more than a passphrase may have: the line feed. */
enum { LINE_MAX_BYTES = PASSPHRASE_MAX + 1 };

/* The first line of n bytes. */
static int
take_line(const uint8_t *data, size_t n, const char *what, const char *from, struct secret *out,
          struct err *e)
{
    const uint8_t *end = n == 0 ? NULL : memchr(data, '\n', n);
    size_t         length = end == NULL ? n : (size_t)(end - data);

    if (length == 0) {
        return err_set(e, ERR_USAGE, "the %s from %s is empty", what, from);
    }
    if (length > PASSPHRASE_MAX) {
        return err_set(e, ERR_USAGE, "the %s from %s is longer than %d bytes", what, from,
                       PASSPHRASE_MAX);
    }
    secret_set(out, data, length);
    return 0;
}

static int
from_fd(int fd, const char *what, const char *from, struct secret *out, struct err *e)
{
    struct secret line = SECRET_INIT;
    size_t        n = 0;
    ssize_t       got = 0;
    int           rc;

    secret_new(&line, LINE_MAX_BYTES);
    while (n < line.n && (got = read(fd, line.data + n, line.n - n)) > 0) {
        n += (size_t)got;
        if (memchr(line.data, '\n', n) != NULL) {
            break;
        }
    }
    rc = n == 0 && got < 0 ? err_errno(e, "could not read the %s from %s", what, from)
                           : take_line(line.data, n, what, from, out, e);
    secret_free(&line);
    return rc;
}

static int
from_file(const char *path, const char *what, struct secret *out, struct err *e)
{
    struct stat sb;
    char       *from = xasprintf("\"%s\"", path);
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int         rc = -1;

    if (fd == -1 || fstat(fd, &sb) != 0) {
        err_errno(e, "could not open %s for the %s", from, what);
    } else if (!ownership_is_secret(&sb, geteuid())) {
        err_set(e, ERR_AUTH, "%s holds a passphrase, and others may read it", from);
        quote_hint(e, "", "chmod", "600", QUOTE_ARG(path));
    } else if (ownership_check(fd, "passphrase file", path, e) == 0) {
        rc = from_fd(fd, what, from, out, e);
    }
    if (fd != -1) {
        (void)close(fd);
    }
    free(from);
    return rc;
}

static int
from_command(const char *command, const char *what, struct secret *out, struct err *e)
{
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    struct buf  said = BUF_INIT(LINE_MAX_BYTES);
    int         rc = buf_reserve(&said, LINE_MAX_BYTES, e); /* so that growing leaves no copy */

    if (rc == 0 && proc_run(&(struct proc_spec){.argv = argv, .out = &said}, NULL, e) != 0) {
        rc = err_wrap(e, "command for the %s", what);
    }
    if (rc == 0) {
        rc = take_line(said.data, said.len, what, "the command", out, e);
    }
    sodium_memzero(said.data, said.cap);
    buf_free(&said);
    return rc;
}

/* ---- the terminal ---- */

/* Waits for a line.  Signals do not end a read (cancel.h): the waiting code checks for them
 * itself. */
static int
wait_for_person(int tty, struct err *e)
{
    struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = cancel_fd(), .events = POLLIN}};

    while (cancel_check(e) == 0) {
        if (poll(fds, sizeof fds / sizeof fds[0], -1) > 0 && fds[0].revents != 0) {
            return 0;
        }
    }
    return -1;
}

static int
ask_once(int tty, const char *prompt, const char *what, struct secret *out, struct err *e)
{
    struct termios shown;
    struct termios hidden;
    char           shown_prompt[512];
    int            rc;

    if (tcgetattr(tty, &shown) != 0) {
        return err_errno(e, "terminal");
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(tty, TCSAFLUSH, &hidden);
    (void)print_copy(shown_prompt, sizeof shown_prompt, prompt);
    (void)dprintf(tty, "%s: ", shown_prompt);
    rc = wait_for_person(tty, e) != 0 ? -1 : from_fd(tty, what, "the terminal", out, e);
    (void)tcsetattr(tty, TCSAFLUSH, &shown);
    (void)dprintf(tty, "\n");
    return rc;
}

static int
from_person(const char *what, bool twice, struct secret *out, struct err *e)
{
    struct secret again = SECRET_INIT;
    int           tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int           rc;

    if (tty == -1) {
        err_set(e, ERR_AUTH, "the %s is needed, and there is no terminal to ask for it", what);
        return err_hint(e,
                        "--passphrase-file, --passphrase-command, --passphrase-fd, or "
                        "PGASSAY_PASSPHRASE_FILE");
    }
    rc = ask_once(tty, what, what, out, e);
    if (rc == 0 && twice && (rc = ask_once(tty, "the same again", what, &again, e)) == 0 &&
        (again.n != out->n || sodium_memcmp(again.data, out->data, out->n) != 0)) {
        rc = err_set(e, ERR_USAGE, "these were two different passphrases");
    }
    secret_free(&again);
    (void)close(tty);
    return rc;
}

static int
get_from(const struct passphrase_source *s, const char *what, bool twice, struct secret *out,
         struct err *e)
{
    const char *file = s->file != NULL ? s->file : getenv("PGASSAY_PASSPHRASE_FILE");
    const char *command = s->command != NULL ? s->command : getenv("PGASSAY_PASSPHRASE_COMMAND");

    if (s->fd >= 0 && s->kept != NULL && s->kept->data != NULL) {
        secret_set(out, s->kept->data, s->kept->n);
        return 0;
    }
    if (s->fd >= 0) {
        (void)fcntl(s->fd, F_SETFD, FD_CLOEXEC); /* not inherited by child processes */
        return from_fd(s->fd, what, "the descriptor", out, e);
    }
    if (file != NULL && file[0] != '\0' && s->command == NULL) {
        return from_file(file, what, out, e);
    }
    if (command != NULL && command[0] != '\0') {
        return from_command(command, what, out, e);
    }
    return from_person(what, twice, out, e);
}

int
passphrase_get(const struct passphrase_source *s, const char *what, bool twice, struct secret *out,
               struct err *e)
{
    int rc = get_from(s, what, twice, out, e);

    if (rc == 0 && s->kept != NULL && s->kept->data == NULL) {
        secret_set(s->kept, out->data, out->n);
    }
    return rc;
}

int
passphrase_fd_parse(const char *text, int *fd, struct err *e)
{
    char *end;
    long  n = strtol(text, &end, 10);

    if (end == text || *end != '\0' || n < 0 || n > 1024) {
        return err_set(e, ERR_USAGE, "--passphrase-fd: \"%s\" is not a file descriptor", text);
    }
    *fd = (int)n;
    return 0;
}
