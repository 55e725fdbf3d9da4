#include "verify/compare/rowkey.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/mem.h"

enum { VALUE_SHOWN = 60, COLUMNS_SHOWN = 8 };

/* ---- fields --------------------------------------------------------------------------------- */

static struct field
text_field(const uint8_t *row, size_t n, size_t column)
{
    const uint8_t *end = row + n - (n > 0 && row[n - 1] == '\n'), *p = row, *tab;

    for (; column > 0; column--) {
        if ((p = memchr(p, '\t', (size_t)(end - p))) == NULL)
            return (struct field){.null = true};
        p++;
    }
    tab = memchr(p, '\t', (size_t)(end - p));
    if (tab == NULL)
        tab = end;
    return (struct field){
        .p = p, .n = (size_t)(tab - p), .null = tab - p == 2 && memcmp(p, "\\N", 2) == 0};
}

static struct field
binary_field(const uint8_t *row, size_t n, size_t column)
{
    size_t at = 2; /* after the number of fields */

    for (size_t i = 0;; i++) {
        uint32_t length;
        bool     null;

        if (at > n || n - at < 4)
            return (struct field){.null = true};
        length = (uint32_t)row[at] << 24 | (uint32_t)row[at + 1] << 16 |
            (uint32_t)row[at + 2] << 8 | row[at + 3];
        at += 4;
        null = length == UINT32_MAX;
        if (null)
            length = 0;
        if (length > n - at)
            return (struct field){.null = true};
        if (i == column)
            return (struct field){.p = row + at, .n = length, .null = null};
        at += length;
    }
}

struct field
row_field(bool binary, const uint8_t *row, size_t n, size_t column)
{
    return binary ? binary_field(row, n, column) : text_field(row, n, column);
}

/* ---- the key -------------------------------------------------------------------------------- */

static const char types_sql[] =
    "SELECT attname, atttypid FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND "
    "attnum > 0 AND NOT attisdropped";

static const char key_sql[] =
    "SELECT a.attname, i.indexrelid FROM pg_catalog.pg_index i CROSS JOIN LATERAL "
    "pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, place) JOIN pg_catalog.pg_attribute "
    "a "
    "ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE i.indrelid = $1::pg_catalog.oid AND "
    "k.place <= i.indnkeyatts AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred "
    "IS "
    "NULL AND i.indexprs IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey) WITH "
    "ORDINALITY AS o(attnum, place) JOIN pg_catalog.pg_attribute b ON b.attrelid = i.indrelid AND "
    "b.attnum = o.attnum WHERE o.place <= i.indnkeyatts AND NOT b.attnotnull) ORDER BY "
    "i.indisprimary DESC, i.indexrelid, k.place";

/* Its place among the columns; n_columns: a generated one is not among them. */
static size_t
place_of(const struct rowkey *k, const char *name)
{
    size_t i = 0;

    while (i < k->n_columns && strcmp(k->columns[i], name) != 0)
        i++;
    return i;
}

static void
take_types(struct rowkey *k, const PGresult *res)
{
    k->types = xcalloc(k->n_columns + 1, sizeof *k->types);
    for (int i = 0; i < PQntuples(res); i++)
        k->types[place_of(k, PQgetvalue(res, i, 0))] = (Oid)strtoul(PQgetvalue(res, i, 1), NULL,
                                                                    10);
}

/* The columns of the first index. */
static void
take_key(struct rowkey *k, const PGresult *res)
{
    k->at = xcalloc((size_t)PQntuples(res) + 1, sizeof *k->at);
    for (int i = 0; i < PQntuples(res) && strcmp(PQgetvalue(res, i, 1), PQgetvalue(res, 0, 1)) == 0;
         i++) {
        size_t at = place_of(k, PQgetvalue(res, i, 0));

        if (at == k->n_columns) {
            k->n = 0;
            return;
        }
        k->at[k->n++] = at;
    }
}

int
rowkey_find(PGconn *conn, Oid table, const struct copy_spec *copy, struct rowkey *k, struct err *e)
{
    char        oid[16];
    const char *params[] = {oid};
    PGresult   *types, *key = NULL;

    *k = (struct rowkey){
        .binary = copy->binary, .columns = copy->columns, .n_columns = copy->n_columns};
    (void)snprintf(oid, sizeof oid, "%u", table);
    types = pg_query(conn, e, types_sql, 1, params);
    if (types != NULL && (key = pg_query(conn, e, key_sql, 1, params)) != NULL) {
        take_types(k, types);
        take_key(k, key);
    }
    PQclear(types);
    PQclear(key);
    return key == NULL ? -1 : 0;
}

void
rowkey_free(struct rowkey *k)
{
    free(k->at);
    free(k->types);
}

static uint64_t
fnv(uint64_t hash, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Where it lands decides nothing but which rows are looked at together. */
uint64_t
rowkey_hash(const struct rowkey *k, const uint8_t *row, size_t n)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    if (k->n == 0)
        hash = fnv(hash, row, n);
    for (size_t i = 0; i < k->n; i++) {
        struct field f = row_field(k->binary, row, n, k->at[i]);

        hash = fnv(fnv(hash, f.p, f.n), (const uint8_t *)"\t", 1);
    }
    return hash ^ hash >> 32;
}

static bool
all_digits(const struct field *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (!isdigit(f->p[i]))
            return false;
    return f->n > 0;
}

static int
compare_fields(const struct field *a, const struct field *b)
{
    int order;

    if (a->n != b->n && all_digits(a) && all_digits(b))
        return a->n < b->n ? -1 : 1;
    order = MIN(a->n, b->n) == 0 ? 0 : memcmp(a->p, b->p, MIN(a->n, b->n));
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

int
rowkey_compare(const struct rowkey *k, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    int order = 0;

    if (k->n == 0)
        return compare_fields(&(struct field){.p = a, .n = n_a}, &(struct field){.p = b, .n = n_b});
    for (size_t i = 0; order == 0 && i < k->n; i++) {
        struct field x = row_field(k->binary, a, n_a, k->at[i]);
        struct field y = row_field(k->binary, b, n_b, k->at[i]);

        order = compare_fields(&x, &y);
    }
    return order;
}

/* ---- in words ------------------------------------------------------------------------------- */

static void
show(struct buf *out, const char *text, size_t n)
{
    struct err never = ERR_INIT;
    size_t     cut = n;

    if (n > VALUE_SHOWN)
        for (cut = VALUE_SHOWN; cut > 0 && ((uint8_t)text[cut] & 0xc0) == 0x80;)
            cut--; /* not within a character */
    (void)buf_append(out, text, cut, &never);
    (void)buf_puts(out, cut < n ? "..." : "", &never);
}

/* The server has the words for it; a value that it cannot take is shown in hexadecimal. */
static void
show_binary(PGconn *conn, Oid type, const struct field *f, struct buf *out)
{
    const char *values[] = {(const char *)f->p};
    PGresult   *res = PQexecParams(conn, "SELECT $1::pg_catalog.text", 1, &type, values,
                                   (const int[]){(int)f->n}, (const int[]){1}, 0);
    struct err  never = ERR_INIT;

    if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1) {
        show(out, PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0));
    } else {
        (void)buf_puts(out, "0x", &never);
        for (size_t i = 0; i < f->n && i < VALUE_SHOWN / 2; i++)
            (void)buf_printf(out, &never, "%02x", f->p[i]);
    }
    PQclear(res);
}

void
rowkey_show(const struct rowkey *k, PGconn *conn, const uint8_t *row, size_t n, struct buf *out)
{
    size_t     count = k->n > 0 ? k->n : MIN(k->n_columns, COLUMNS_SHOWN);
    struct err never = ERR_INIT;

    for (size_t i = 0; i < count; i++) {
        size_t       at = k->n > 0 ? k->at[i] : i;
        struct field f = row_field(k->binary, row, n, at);

        (void)buf_printf(out, &never, "%s%s=", i > 0 ? ", " : "", k->columns[at]);
        if (f.null)
            (void)buf_puts(out, "null", &never);
        else if (k->binary)
            show_binary(conn, k->types[at], &f, out);
        else
            show(out, (const char *)f.p, f.n);
    }
}

static bool
field_equal(const struct field *x, const struct field *y)
{
    if (x->null || y->null)
        return x->null == y->null;
    return x->n == y->n && (x->n == 0 || memcmp(x->p, y->p, x->n) == 0);
}

void
row_changes_show(const struct rowkey *k, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b,
                 struct buf *out)
{
    struct err never = ERR_INIT;
    size_t     n = 0;

    for (size_t i = 0; i < k->n_columns; i++) {
        struct field x = row_field(k->binary, a, n_a, i), y = row_field(k->binary, b, n_b, i);

        if (field_equal(&x, &y))
            continue;
        if (n++ < COLUMNS_SHOWN)
            (void)buf_printf(out, &never, "%s%s", n > 1 ? ", " : "", k->columns[i]);
    }
    if (n > COLUMNS_SHOWN)
        (void)buf_puts(out, ", ...", &never);
}
