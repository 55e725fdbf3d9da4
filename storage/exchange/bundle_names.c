#include "storage/exchange/bundle_names.h"

#include <stdlib.h>

#include "core/enc.h"
#include "core/mem.h"

const char *
bundle_rows_ending(const struct manifest_table *t)
{
    return t->format == COPY_BINARY ? ".copybin" : ".copy";
}

char *
bundle_rows_stem(const struct manifest_table *t)
{
    char *schema = name_encode(t->schema), *name = name_encode(t->name);
    char *stem = xasprintf("rows/%s/%s", schema, name);

    free(schema);
    free(name);
    return stem;
}

bool
bundle_has_rows(const struct manifest_table *t)
{
    return t->rows > 0;
}

const char bundle_lo_create[] =
    "CREATE TEMPORARY TABLE lo (oid oid, owner name, acl text, comment text, labels text[]); "
    "CREATE TEMPORARY TABLE lo_page (loid oid, pageno int, data bytea);";

const char bundle_lo_fill[] =
    "SELECT pg_catalog.count(pg_catalog.lo_create(oid)) FROM pg_temp.lo; "
    "SELECT pg_catalog.count(pg_catalog.lo_put(loid, pageno::int8 * 2048, data)::text) FROM "
    "pg_temp.lo_page;";

const struct bundle_lo_query bundle_lo_each[] = {
    {BUNDLE_LO_OWNER,
     "SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', oid, owner) FROM pg_temp.lo WHERE owner "
     "<> current_user"},
    {BUNDLE_LO_PRIVILEGES,
     "SELECT format('REVOKE ALL ON LARGE OBJECT %s FROM %I', oid, owner) FROM pg_temp.lo WHERE "
     "acl IS NOT NULL"},
    {BUNDLE_LO_PRIVILEGES,
     "SELECT format('GRANT %s ON LARGE OBJECT %s TO %s %s', a.privilege_type, oid, CASE a.grantee "
     "WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN "
     "a.is_grantable THEN 'WITH GRANT OPTION' END) FROM pg_temp.lo, aclexplode(acl::aclitem[]) a"},
    {BUNDLE_LO_REMARKS,
     "SELECT format('COMMENT ON LARGE OBJECT %s IS %L', oid, comment) FROM pg_temp.lo WHERE "
     "comment IS NOT NULL"},
    {BUNDLE_LO_REMARKS,
     "SELECT format('SECURITY LABEL FOR %I ON LARGE OBJECT %s IS %L', labels[i], oid, "
     "labels[i + 1]) FROM pg_temp.lo, generate_series(1, cardinality(labels) - 1, 2) i"},
    {BUNDLE_LO_REMARKS, NULL},
};
