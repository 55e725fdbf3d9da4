#include "verify/checks/reader.h"

#include <stdlib.h>

#include "core/crypto/hash.h"

/* Policies would hide rows from it. */
static const char make_sql[] = "CREATE ROLE " READER_ROLE
                               " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS "
                               "PASSWORD %s;"
                               "DO 'BEGIN EXECUTE pg_catalog.format(''GRANT CONNECT ON DATABASE "
                               "%%I "
                               "TO " READER_ROLE "'', pg_catalog.current_database()); END'";

static const char grant_sql[] = "GRANT pg_read_all_data TO " READER_ROLE;

/* pg_read_all_data came with 14. */
static const char grant_13_sql[] =
    "DO 'DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT nspname FROM pg_catalog.pg_namespace "
    "WHERE "
    "nspname <> ''information_schema'' AND nspname !~ ''^pg_'' LOOP EXECUTE pg_catalog.format("
    "''GRANT USAGE ON SCHEMA %1$I TO " READER_ROLE
    "; GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO " READER_ROLE
    "; GRANT SELECT ON ALL SEQUENCES IN SCHEMA %1$I TO " READER_ROLE "'', s); END LOOP; END'";

/* The server gets no more than the password's hash, which may stand in its log. */
static int
make(PGconn *superuser, const char *password, struct err *e)
{
    char *hash = PQencryptPasswordConn(superuser, password, READER_ROLE, "scram-sha-256");
    char *literal = hash == NULL ? NULL : pg_literal(superuser, hash);
    int   rc = literal == NULL ? pg_error(superuser, NULL, e)
                               : pg_execf(superuser, e, make_sql, literal);

    free(literal);
    PQfreemem(hash);
    return rc;
}

int
reader_make(PGconn *superuser, char password[READER_PASSWORD_MAX], struct err *e)
{
    random_hex((READER_PASSWORD_MAX - 1) / 2, password);
    return make(superuser, password, e) == 0 &&
            pg_exec(superuser, e, pg_version(superuser) >= 140000 ? grant_sql : grant_13_sql) == 0
        ? 0
        : err_wrap(e, "a role for the checks");
}

int
reader_drop(PGconn *superuser, struct err *e)
{
    return pg_exec(superuser, e, "DROP OWNED BY " READER_ROLE "; DROP ROLE " READER_ROLE) == 0
        ? 0
        : err_wrap(e, "the role for the checks");
}
