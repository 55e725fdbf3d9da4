# verify_changes.bash - changes to a database made by verify.sql, each of which a verification must find and name.
# shellcheck shell=bash disable=SC2034  # used by whoever sources this

# batch | name | SQL | texts that the findings hold, separated by ;
# Changes of one batch do not touch each other: they can be made together, and each must be found all the same.
# Those of cluster, cluster15 and cluster16 are made to the server; only these versions and newer ones have them.
verify_changes() {
    cat <<'CHANGES'
1|one value|UPDATE big SET t = upper(t) WHERE id = 31415|public.big;contents
1|one value of a small table|UPDATE side.small SET h = 'k=>0' WHERE id = 5|side.small;contents
1|one row more|INSERT INTO side.empty VALUES (1)|side.empty;number of rows: want 0, have 1
1|NULL for an empty text|UPDATE side.fickle SET v = NULL|side.fickle;contents
1|a row of a partition|UPDATE ranged SET v = -1 WHERE v = 500|public.ranged_2;contents
1|a row of leaves loaded through their root|UPDATE hashed SET n = -1 WHERE n = 5|hashed;contents
1|a table dropped|DROP TABLE side.gone|side.gone;missing
1|a table more|CREATE TABLE side.new (a int)|side.new;not in the backup
1|a sequence moved|SELECT setval('side.counter', 43)|side.counter;last value: want 42, have 43
1|a materialized view emptied|REFRESH MATERIALIZED VIEW side.kept WITH NO DATA|side.kept;state: want populated, have not populated
1|a large object's byte|SELECT lo_put(5001, 4999, '\x77')|large object 5001: pages
1|an extension's version|ALTER EXTENSION hstore UPDATE|hstore;1.4
1|a setting of the database|DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$|database;work_mem
2|one row less|DELETE FROM big WHERE id = 59999|public.big;number of rows: want 60000, have 59999
2|a row doubled for another|DELETE FROM side.small WHERE id = 1; INSERT INTO side.small SELECT id, m, h FROM side.small WHERE id = 2|side.small;contents
2|a column's type|ALTER TABLE side.empty ALTER a TYPE bigint|side.empty;column 1;integer;bigint
2|an index dropped|DROP INDEX big_a|INDEX public.big_a;missing
2|a sequence called|SELECT setval('side.counter', 42, false)|side.counter;last value: want 42, have 42 (not called)
2|a large object dropped|SELECT lo_unlink(5002)|number of large objects: want 2, have 1;large object 5002: missing
2|a function of an extension|ALTER FUNCTION hstore(text, text) COST 77|beyond pg_dump;hstore
3|two values swapped|UPDATE big SET a = CASE id WHEN 7 THEN 8 ELSE 7 END WHERE id IN (7, 8)|public.big;contents
3|a column more|ALTER TABLE side.empty ADD z int|side.empty;column 2;z integer
3|a primary key dropped|ALTER TABLE big DROP CONSTRAINT big_pkey|CONSTRAINT public.big big_pkey;missing
3|a large object's comment|COMMENT ON LARGE OBJECT 5002 IS 'full'|large object 5002: comment: want empty, have full
4|two columns swapped|UPDATE big SET a = b, b = a WHERE id = 9|public.big;contents
4|a NOT NULL|ALTER TABLE big ALTER a SET NOT NULL|public.big;not null
4|a privilege for one role more|GRANT SELECT ON big TO verify_owner|ACL public.TABLE big: definition: want nothing more, have GRANT SELECT ON TABLE public.big TO verify_owner
4|an owner|ALTER TABLE side.empty OWNER TO postgres|side.empty;owner: want verify_owner, have postgres
4|an owner of a function|ALTER FUNCTION side.twice OWNER TO verify_owner|FUNCTION side.twice(integer);owner: want postgres, have verify_owner
5|a default|ALTER TABLE big ALTER b SET DEFAULT 8|TABLE public.big;definition;7;8
5|an index with another definition|DROP INDEX big_a; CREATE INDEX big_a ON big (b)|INDEX public.big_a;definition
5|a CHECK that prints differently after a restore|ALTER TABLE side.fickle DROP CONSTRAINT fickle_v_check, ADD CONSTRAINT fickle_v_check CHECK (v IN ('a', 'c'))|TABLE side.fickle;definition
5|a sequence defined in another way|ALTER SEQUENCE side.counter INCREMENT 2|SEQUENCE side.counter;definition
5|a privilege|GRANT UPDATE ON big TO verify_reader|ACL public.TABLE big;definition
5|a comment|COMMENT ON TABLE big IS 'the other one'|COMMENT public.TABLE big;definition;the big one;the other one
5|a function's body|CREATE OR REPLACE FUNCTION side.twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 3 * n'|FUNCTION side.twice(integer);definition
5|a view|CREATE OR REPLACE VIEW side.seen AS SELECT id, t FROM big WHERE a > 11|VIEW side.seen;definition;10;11
5|a trigger disabled|ALTER TABLE side.small DISABLE TRIGGER watch|TRIGGER side.small watch;definition
5|a policy|ALTER POLICY own ON side.small USING (id > 1)|POLICY side.small own;definition
5|an enum value more|ALTER TYPE side.mood ADD VALUE 'glad'|TYPE side.mood;definition
6|a mapping of a built-in text search configuration|ALTER TEXT SEARCH CONFIGURATION english ALTER MAPPING FOR asciiword, word WITH simple, english_stem|change of text search configuration pg_catalog.english: not in the backup
6|a mapping dropped from a built-in text search configuration|ALTER TEXT SEARCH CONFIGURATION german DROP MAPPING FOR email|change of text search configuration pg_catalog.german: not in the backup
6|a built-in dictionary|ALTER TEXT SEARCH DICTIONARY french_stem (stopwords = 'german')|change of text search dictionary pg_catalog.french_stem: not in the backup
6|a built-in dictionary dropped|DROP TEXT SEARCH CONFIGURATION tamil; DROP TEXT SEARCH DICTIONARY tamil_stem|removal of text search dictionary pg_catalog.tamil_stem: not in the backup;removal of text search configuration pg_catalog.tamil: not in the backup
6|a CHECK on an extension's domain|ALTER DOMAIN earth ADD CONSTRAINT mine CHECK (cube_dim(value) > 0)|change of constraint mine on domain public.earth of extension earthdistance: not in the backup
6|a CHECK dropped from an extension's domain|ALTER DOMAIN earth DROP CONSTRAINT not_3d|change of constraint not_3d on domain public.earth of extension earthdistance: missing
6|an extension's operator|ALTER OPERATOR = (hstore, hstore) SET (RESTRICT = neqsel)|change of operator public.= (public.hstore, public.hstore) of extension hstore: not in the backup
6|a built-in operator|ALTER OPERATOR pg_catalog.= (int, int) SET (JOIN = NONE)|change of operator pg_catalog.= (integer, integer): not in the backup
6|a member of an extension's operator family|CREATE FUNCTION side.cmp(hstore, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; ALTER OPERATOR FAMILY btree_hstore_ops USING btree ADD FUNCTION 1 (hstore, int) side.cmp(hstore, int)|change of member of operator family public.btree_hstore_ops USING btree FUNCTION 1 (public.hstore, integer) of extension hstore: not in the backup
6|a member of a built-in operator family|CREATE FUNCTION side.cmp(int, money) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD FUNCTION 1 (int, money) side.cmp(int, money)|change of member of operator family pg_catalog.integer_ops USING btree FUNCTION 1 (integer, money): not in the backup
6|a view of the information schema|CREATE OR REPLACE VIEW information_schema.information_schema_catalog_name AS SELECT 'x'::information_schema.sql_identifier AS catalog_name|change of view information_schema.information_schema_catalog_name: not in the backup
6|a built-in cast|SET allow_system_table_mods = on; UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int8'::regtype AND casttarget = 'int4'::regtype|change of cast (bigint AS integer): not in the backup
6|a built-in cast deleted|SET allow_system_table_mods = on; DELETE FROM pg_cast WHERE castsource = 'int8'::regtype AND casttarget = 'bit'::regtype|removal of one of the casts, OID 1
6|a foreign key's triggers|SET allow_system_table_mods = on; DELETE FROM pg_trigger WHERE tgconstraint = (SELECT oid FROM pg_constraint WHERE conname = 'refers_of_fkey') AND tgrelid = 'side.refers'::regclass|foreign key without its triggers refers_of_fkey on side.refers: not in the backup
6|a primary key's index that is not unique|SET allow_system_table_mods = on; UPDATE pg_index SET indisunique = false WHERE indexrelid = 'side.keyed_pkey'::regclass|index with flags off side.keyed_pkey: not in the backup
6|an index that is not alive|SET allow_system_table_mods = on; UPDATE pg_index SET indislive = false WHERE indexrelid = 'side.keyed_b'::regclass|index with flags off side.keyed_b: not in the backup
6|an exclusion constraint's index that excludes nothing|SET allow_system_table_mods = on; UPDATE pg_index SET indisexclusion = false WHERE indexrelid = 'side.apart_r_excl'::regclass|index with flags off side.apart_r_excl: not in the backup
6|a unique key's index that is not checked at once|SET allow_system_table_mods = on; UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'side.apart_u_key'::regclass|index with flags off side.apart_u_key: not in the backup
6|rules that nobody sees|SET allow_system_table_mods = on; UPDATE pg_class SET relhasrules = false WHERE oid = 'side.keyed'::regclass|table with hidden parts side.keyed: not in the backup
6|a default that nobody sees|SET allow_system_table_mods = on; UPDATE pg_attribute SET atthasdef = false WHERE attrelid = 'side.refers'::regclass AND attname = 'c'|table with hidden parts side.refers: not in the backup
cluster|SUPERUSER given|ALTER ROLE verify_reader SUPERUSER|role verify_reader: superuser true, was false
cluster|BYPASSRLS given|ALTER ROLE verify_reader BYPASSRLS|role verify_reader: bypassrls true, was false
cluster|the right to make roles|ALTER ROLE verify_owner CREATEROLE|role verify_owner: createrole true, was false
cluster|a password|ALTER ROLE verify_reader PASSWORD 'of today'|role verify_reader: another password
cluster|a first password|ALTER ROLE verify_owner PASSWORD 'the first'|role verify_owner: another password
cluster|a limit of connections|ALTER ROLE verify_reader CONNECTION LIMIT 3|role verify_reader: connection_limit 3, was -1
cluster|an end of validity|ALTER ROLE verify_reader VALID UNTIL '2031-01-01'|role verify_reader: valid_until 2031-01-01 00:00:00+00, was infinity
cluster|a setting of a role|ALTER ROLE verify_reader SET work_mem = '9MB'|setting work_mem of role verify_reader: value 9MB, was 8MB
cluster|a setting of all roles|ALTER ROLE ALL SET statement_timeout = '10min'|setting statement_timeout: not in the backup
cluster|a membership|GRANT verify_reader TO verify_member|membership of verify_member in verify_reader, granted by postgres: not in the backup
cluster|a membership's option|GRANT verify_owner TO verify_member WITH ADMIN OPTION|membership of verify_member in verify_owner, granted by postgres: admin true, was false
cluster|a role more|CREATE ROLE verify_new|role verify_new: not in the backup
cluster|a role dropped|DROP ROLE verify_gone|role verify_gone: missing
cluster|a role's comment|COMMENT ON ROLE verify_owner IS 'owns'|role verify_owner: comment owns, was not set
cluster|privileges on a tablespace|GRANT CREATE ON TABLESPACE verify_space TO verify_reader|tablespace verify_space: acl;verify_reader=C/postgres
cluster|options of a tablespace|ALTER TABLESPACE verify_space SET (seq_page_cost = 7)|tablespace verify_space: options seq_page_cost=7, was not set
cluster|an object's tablespace|ALTER INDEX big_a SET TABLESPACE verify_space|tablespace of its own of big_a in schema public: not in the backup
cluster|another tablespace of an object|ALTER TABLE side.placed SET TABLESPACE pg_default|tablespace of its own of placed in schema side: missing
cluster|a template|DO $$ BEGIN EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', current_database()); END $$|database: is_template true, was false
cluster15|privileges on a parameter|GRANT SET ON PARAMETER log_statement TO verify_reader|privileges on parameter log_statement: not in the backup
cluster15|more privileges on a parameter|GRANT ALTER SYSTEM ON PARAMETER work_mem TO verify_reader|privileges on parameter work_mem: acl;verify_reader=sA/postgres
cluster16|inheritance of a membership|GRANT verify_other TO verify_member WITH INHERIT FALSE|membership of verify_member in verify_other, granted by postgres: inherit false, was true
cluster16|a membership without SET ROLE|GRANT verify_other TO verify_member WITH SET FALSE|membership of verify_member in verify_other, granted by postgres: set false, was true
CHANGES
}
