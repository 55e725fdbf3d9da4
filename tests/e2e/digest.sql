-- digest.sql: one line for everything in a database whose contents can differ; see db_rows() in lib.bash.
\pset footer off
SET search_path = '';
SET client_min_messages = error;

-- Tables, whole partitioned tables, populated materialized views.  Leaves below a hash over an enum are left to
-- their root: where a row lies there depends on OIDs.  The odd alias cannot be a column's name, or it would mean
-- that column.
SELECT format('SELECT %L, count(*), coalesce(md5(string_agg(h, '''' ORDER BY h)), ''-'')
                 FROM (SELECT md5("~row~"::text) COLLATE "C" AS h FROM %s %I.%I "~row~") s',
              n.nspname || '.' || c.relname, CASE c.relkind WHEN 'r' THEN 'ONLY' ELSE '' END, n.nspname, c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated OR c.relkind = 'p' AND NOT c.relispartition)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a
                     JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = a.relid
                     JOIN pg_catalog.pg_attribute k ON k.attrelid = p.partrelid AND k.attnum = ANY (p.partattrs)
                     JOIN pg_catalog.pg_type t ON t.oid = k.atttypid
                    WHERE p.partstrat = 'h' AND t.typtype = 'e' AND a.relid <> c.oid)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
\gexec

SELECT 'matview', n.nspname, c.relname, c.relispopulated
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";

SELECT format('SELECT ''sequence'', %L, last_value, is_called FROM %I.%I', n.nspname || '.' || c.relname, n.nspname, c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname !~ '^pg_' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
\gexec

SELECT 'large object', m.oid, pg_catalog.pg_get_userbyid(m.lomowner),
       (SELECT pg_catalog.array_agg(a::text ORDER BY a::text COLLATE "C") FROM pg_catalog.unnest(m.lomacl) a),
       pg_catalog.obj_description(m.oid, 'pg_largeobject'), pg_catalog.md5(pg_catalog.lo_get(m.oid))
  FROM pg_catalog.pg_largeobject_metadata m ORDER BY m.oid;

SELECT 'extension', e.extname, e.extversion, n.nspname
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 2;

SELECT 'invalid index', i.indexrelid::pg_catalog.regclass FROM pg_catalog.pg_index i WHERE NOT i.indisvalid ORDER BY 2;
