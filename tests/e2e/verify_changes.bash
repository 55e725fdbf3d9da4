# verify_changes.bash - what may become of a database made by verify.sql and changes.sql, and of its server.
# shellcheck shell=bash disable=SC2034  # used by whoever sources this

# name | check | SQL | what this check's findings say, "object: property: want ..., have ...", parts separated by ;
# None touches what another one does: they are made together, and each must be found all the same.
verify_changes() {
    cat <<'CHANGES'
one value|rows|UPDATE each.value SET t = upper(t) WHERE id = 3|each.value: contents
one row more|rows|INSERT INTO each.added VALUES (21, 21)|each.added: number of rows: want 20, have 21
one row less|rows|DELETE FROM each.gone WHERE id = 7|each.gone: number of rows: want 20, have 19
an empty text for NULL|rows|UPDATE side.fickle SET v = NULL|side.fickle: contents
a blank at the end|rows|UPDATE each.space SET t = concat(t, ' ') WHERE id = 1|each.space: contents
a row twice in place of another|rows|DELETE FROM each.twice WHERE v = 2; INSERT INTO each.twice VALUES (1)|each.twice: contents
the values of two rows swapped|rows|UPDATE each.rows SET a = CASE id WHEN 7 THEN 8 ELSE 7 END WHERE id IN (7, 8)|each.rows: contents
the values of two columns swapped|rows|UPDATE each.cols SET a = b, b = a WHERE id = 9|each.cols: contents
NULL for a value|rows|UPDATE each.late SET b = NULL WHERE id = 1|each.late: contents
a row of a partition|rows|UPDATE ranged SET v = -1 WHERE v = 500|public.ranged_2: contents
a row in another partition|rows|UPDATE each.parts SET k = 2 WHERE v = 4|each.parts_1: number of rows: want 10, have 9;each.parts_2: number of rows: want 10, have 11
a row of leaves loaded through their root|rows|UPDATE hashed SET n = -1 WHERE n = 5|"hashed": contents
one value among many|rows|UPDATE big SET t = upper(t) WHERE id = 31415|public.big: contents
a value of an extension's type|rows|UPDATE side.small SET h = 'k=>0' WHERE id = 5|side.small: contents
1.00 for 1.0|rows|UPDATE each.v_numeric SET v = 1.00|each.v_numeric: contents
-0 for 0|rows|UPDATE each.v_zero SET v = '-0'|each.v_zero: contents
the last digit|rows|UPDATE each.v_digit SET v = 0.1::float8 + 1.4e-17|each.v_digit: contents
30 days for a month|rows|UPDATE each.v_interval SET v = '30 days'|each.v_interval: contents
a microsecond|rows|UPDATE each.v_time SET v = '2020-01-01 00:00:00'|each.v_time: contents
the same moment elsewhere|rows|UPDATE each.v_zone SET v = '12:00+02'|each.v_zone: contents
a blank in JSON|rows|UPDATE each.v_json SET v = '{"a": 1}'|each.v_json: contents
where an array begins|rows|UPDATE each.v_array SET v = '[0:1]={1,2}'|each.v_array: contents
the same letter of two characters|rows|UPDATE each.v_unicode SET v = U&'e\0301'|each.v_unicode: contents
a bit|rows|UPDATE each.v_bits SET v = B'0111'|each.v_bits: contents
the word NULL for NULL|rows|UPDATE each.v_null SET v = ARRAY['NULL']|each.v_null: contents
a table dropped|tables|DROP TABLE each.dropped|each.dropped: missing
a table more|tables|CREATE TABLE each.new (a int)|each.new: not in the backup
a table renamed|tables|ALTER TABLE each.renamed RENAME TO renamed2|each.renamed: missing;each.renamed2: not in the backup
a table in another schema|tables|ALTER TABLE each.moved SET SCHEMA side|each.moved: missing;side.moved: not in the backup
a column more|tables|ALTER TABLE each.morecol ADD z int|each.morecol: column 5: want none, have z integer
a column less|tables|ALTER TABLE each.lesscol DROP b|each.lesscol: column 3
a column's name|tables|ALTER TABLE each.colname RENAME b TO bb|each.colname: column 3: want b integer, have bb integer
a column's type|tables|ALTER TABLE each.type ALTER a TYPE bigint|each.type: column 2: want a integer not null, have a bigint not null
NOT NULL|tables|ALTER TABLE each.nnull ALTER t SET NOT NULL|each.nnull: column 4: want t text, have t text not null
no NOT NULL|tables|ALTER TABLE each.dnull ALTER a DROP NOT NULL|each.dnull: column 2
an owner|tables|ALTER TABLE each.owner OWNER TO verify_owner|each.owner: owner: want postgres, have verify_owner
a table that no crash survives|tables|ALTER TABLE each.unlog SET UNLOGGED|each.unlog: persistence
a sequence moved|sequences|SELECT setval('side.counter', 43)|side.counter: last value: want 42, have 43
a sequence back by one|sequences|SELECT setval('each.s_back', 41)|each.s_back: last value: want 42, have 41
a sequence called|sequences|SELECT nextval('each.s_called')|each.s_called: last value: want 1 (not called), have 1
a materialized view emptied|materialized views|REFRESH MATERIALIZED VIEW each.m_empty WITH NO DATA|each.m_empty: state: want populated, have not populated
a large object's byte|large objects|SELECT lo_put(6001, 4999, '\x77')|large object 6001: pages
a large object longer by a zero|large objects|SELECT lo_put(6006, 2, '\x00')|large object 6006: pages
a large object dropped|large objects|SELECT lo_unlink(6002)|number of large objects: want 8, have 7;large object 6002: missing
a large object's comment|large objects|COMMENT ON LARGE OBJECT 6003 IS 'full'|large object 6003: comment: want none, have full
a large object's owner|large objects|ALTER LARGE OBJECT 6004 OWNER TO verify_owner|large object 6004: owner
a large object's privileges|large objects|GRANT SELECT ON LARGE OBJECT 6005 TO verify_reader|large object 6005: privileges
an extension's version|extensions|UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'btree_gist'|extension btree_gist: version 0.9
an extension's schema|extensions|ALTER EXTENSION tablefunc SET SCHEMA side|extension tablefunc: schema side, was public
an extension more|extensions|CREATE EXTENSION isn|extension isn: not in the backup
a setting of the database|database|DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$|database setting work_mem
the database's comment|database|DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''the other''', current_database()); END $$|comment the other, was the one
a limit of connections|database|DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 20', current_database()); END $$|connection_limit 20, was -1
privileges on the database|database|DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$|acl
a primary key dropped|schema|ALTER TABLE each.pkey DROP CONSTRAINT pkey_pkey|CONSTRAINT each.pkey pkey_pkey: missing
a unique key|schema|ALTER TABLE each.uniq ADD UNIQUE (a)|CONSTRAINT each.uniq uniq_a_key: not in the backup
an index dropped|schema|DROP INDEX each.idx_a|INDEX each.idx_a: missing
an index with another column|schema|DROP INDEX each.idxdef_a; CREATE INDEX idxdef_a ON each.idxdef (b)|INDEX each.idxdef_a: definition
a unique index|schema|DROP INDEX each.idxuniq_a; CREATE UNIQUE INDEX idxuniq_a ON each.idxuniq (a)|INDEX each.idxuniq_a: definition
an index of some rows|schema|DROP INDEX each.idxwhere_a; CREATE INDEX idxwhere_a ON each.idxwhere (a) WHERE a > 0|INDEX each.idxwhere_a: definition
a foreign key not validated|schema|ALTER TABLE each.refers1 DROP CONSTRAINT refers1_of, ADD CONSTRAINT refers1_of FOREIGN KEY (of) REFERENCES each.value NOT VALID|FK CONSTRAINT each.refers1 refers1_of: definition
a foreign key that cascades|schema|ALTER TABLE each.refers2 DROP CONSTRAINT refers2_of, ADD CONSTRAINT refers2_of FOREIGN KEY (of) REFERENCES each.value ON DELETE CASCADE|FK CONSTRAINT each.refers2 refers2_of: definition
a foreign key dropped|schema|ALTER TABLE each.refers3 DROP CONSTRAINT refers3_of|FK CONSTRAINT each.refers3 refers3_of: missing
a foreign key that waits|schema|ALTER TABLE each.refers4 ALTER CONSTRAINT refers4_of DEFERRABLE|FK CONSTRAINT each.refers4 refers4_of: definition
a CHECK not validated|schema|ALTER TABLE each.notvalid DROP CONSTRAINT notvalid_t_check, ADD CONSTRAINT notvalid_t_check CHECK (t <> '') NOT VALID|CHECK CONSTRAINT each.notvalid notvalid_t_check: not in the backup
a CHECK dropped|schema|ALTER TABLE each.chk DROP CONSTRAINT chk_t_check|TABLE each.chk: definition
another CHECK|schema|ALTER TABLE each.chkdef DROP CONSTRAINT chkdef_t_check, ADD CONSTRAINT chkdef_t_check CHECK (t <> 'a')|TABLE each.chkdef: definition
a CHECK that prints differently after a restore|schema|ALTER TABLE side.fickle DROP CONSTRAINT fickle_v_check, ADD CONSTRAINT fickle_v_check CHECK (v IN ('a', 'c'))|TABLE side.fickle: definition
a CHECK that children do not have|schema|ALTER TABLE each.identity DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (of > 0) NO INHERIT|TABLE each.identity: definition
an identity column's rule|schema|ALTER TABLE each.identity ALTER id SET GENERATED ALWAYS|SEQUENCE each.identity_id_seq: definition
a default|schema|ALTER TABLE each.def ALTER b SET DEFAULT 8|TABLE each.def: definition
a default dropped|schema|ALTER TABLE each.coldef ALTER b DROP DEFAULT|TABLE each.coldef: definition
a column's statistics target|schema|ALTER TABLE each.stat ALTER a SET STATISTICS 77|TABLE each.stat: definition
how a column is stored|schema|ALTER TABLE each.stor ALTER t SET STORAGE EXTERNAL|TABLE each.stor: definition
an option of a table|schema|ALTER TABLE each.opt SET (fillfactor = 70)|TABLE each.opt: definition
an option of its TOAST table|schema|ALTER TABLE each.toastopt SET (toast.autovacuum_enabled = false)|TABLE each.toastopt: definition
what replicas are told|schema|ALTER TABLE each.repl REPLICA IDENTITY FULL|TABLE each.repl: definition
the order it is clustered in|schema|ALTER TABLE each.clus CLUSTER ON clus_a|INDEX each.clus_a: definition
inheritance ended|schema|ALTER TABLE each.child NO INHERIT each.inherits|TABLE each.child: definition
a partition detached|schema|ALTER TABLE each.parts DETACH PARTITION each.parts_3|each.parts_3: 
a partition for more|schema|ALTER TABLE each.parts DETACH PARTITION each.parts_4; ALTER TABLE each.parts ATTACH PARTITION each.parts_4 FOR VALUES IN (4, 5)|each.parts_4: 
row security|schema|ALTER TABLE each.rls ENABLE ROW LEVEL SECURITY|ROW SECURITY each.rls: not in the backup
row security for the owner, too|schema|ALTER TABLE each.force FORCE ROW LEVEL SECURITY|TABLE each.force: definition
a policy|schema|ALTER POLICY p_using ON each.rls USING (true)|POLICY each.rls p_using: definition
a policy dropped|schema|DROP POLICY p_gone ON each.rls|POLICY each.rls p_gone: missing
a policy for one role|schema|ALTER POLICY p_roles ON each.rls TO verify_reader|POLICY each.rls p_roles: definition
a privilege|schema|GRANT SELECT ON each.grant_ TO verify_owner|ACL each.TABLE grant_: definition
a privilege that can be passed on|schema|GRANT SELECT ON each.grantopt TO verify_reader WITH GRANT OPTION|ACL each.TABLE grantopt: definition
a privilege revoked|schema|REVOKE SELECT ON each.revoke FROM verify_reader|ACL each.TABLE revoke: missing
a privilege for a column|schema|GRANT UPDATE (a) ON each.colgrant TO verify_reader|ACL each.COLUMN colgrant.a: not in the backup
a privilege of PUBLIC on a function|schema|REVOKE EXECUTE ON FUNCTION each.f_acl FROM PUBLIC|ACL each.FUNCTION f_acl(n integer): definition
a privilege on a schema|schema|GRANT CREATE ON SCHEMA side TO verify_reader|SCHEMA side: not in the backup
a privilege on a sequence|schema|GRANT USAGE ON SEQUENCE each.s_grant TO verify_reader|ACL each.SEQUENCE s_grant: not in the backup
a privilege on the language|schema|REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC|LANGUAGE plpgsql: not in the backup
privileges of what will be made|schema|ALTER DEFAULT PRIVILEGES IN SCHEMA each GRANT UPDATE ON SEQUENCES TO verify_reader|DEFAULT ACL each.DEFAULT PRIVILEGES FOR SEQUENCES: definition
a comment|schema|COMMENT ON TABLE big IS 'the other one'|COMMENT public.TABLE big: definition
a comment more|schema|COMMENT ON TABLE each.com IS 'one'|COMMENT each.TABLE com: not in the backup
a column's comment|schema|COMMENT ON COLUMN each.colcom.a IS NULL|COMMENT each.COLUMN colcom.a: missing
an index's comment|schema|COMMENT ON INDEX each.idxcom_a IS 'one'|COMMENT each.INDEX idxcom_a: not in the backup
a constraint's comment|schema|COMMENT ON CONSTRAINT concom_t_check ON each.concom IS 'one'|COMMENT each.CONSTRAINT concom_t_check ON concom: not in the backup
a function's comment|schema|COMMENT ON FUNCTION each.f_com IS 'one'|COMMENT each.FUNCTION f_com(n integer): not in the backup
a trigger disabled|schema|ALTER TABLE each.trg DISABLE TRIGGER t_off|TRIGGER each.trg t_off: definition
a trigger that fires on replicas, too|schema|ALTER TABLE each.trg ENABLE ALWAYS TRIGGER t_always|TRIGGER each.trg t_always: definition
a trigger dropped|schema|DROP TRIGGER t_gone ON each.trg|TRIGGER each.trg t_gone: missing
a trigger with a condition|schema|DROP TRIGGER t_when ON each.trg; CREATE TRIGGER t_when BEFORE INSERT ON each.trg FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION each.trg()|TRIGGER each.trg t_when: definition
a rule|schema|DROP RULE quiet ON each.com|RULE each.com quiet: missing
an event trigger disabled|schema|ALTER EVENT TRIGGER changes_off DISABLE|EVENT TRIGGER changes_off: definition
a function's body|schema|CREATE OR REPLACE FUNCTION each.f_body(n int) RETURNS int LANGUAGE sql AS 'SELECT 3 * n'|FUNCTION each.f_body(integer): definition
a procedure's body|schema|CREATE OR REPLACE PROCEDURE each.p_body() LANGUAGE sql AS 'SELECT 2'|PROCEDURE each.p_body(): definition
a function that is volatile no more|schema|ALTER FUNCTION each.f_volatile IMMUTABLE|FUNCTION each.f_volatile(integer): definition
a function with its owner's rights|schema|ALTER FUNCTION each.f_secdef SECURITY DEFINER|FUNCTION each.f_secdef(integer): definition
a function's setting|schema|ALTER FUNCTION each.f_set SET search_path = public|FUNCTION each.f_set(integer): definition
a function that is strict|schema|ALTER FUNCTION each.f_strict STRICT|FUNCTION each.f_strict(integer): definition
a function's cost|schema|ALTER FUNCTION each.f_cost COST 7|FUNCTION each.f_cost(integer): definition
an argument's default|schema|CREATE OR REPLACE FUNCTION each.f_default(n int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'|FUNCTION each.f_default(integer): definition
an owner of a function|schema|ALTER FUNCTION each.f_owner OWNER TO verify_owner|FUNCTION each.f_owner(integer): owner: want postgres, have verify_owner
a function dropped|schema|DROP FUNCTION each.f_gone|FUNCTION each.f_gone(integer): missing
a view|schema|CREATE OR REPLACE VIEW each.w_where AS SELECT id, t FROM each.value WHERE a > 11|VIEW each.w_where: definition
a view that keeps its secrets|schema|ALTER VIEW each.w_barrier SET (security_barrier)|VIEW each.w_barrier: definition
a view that checks|schema|ALTER VIEW each.w_check SET (check_option = local)|VIEW each.w_check: definition
a view's column's default|schema|ALTER VIEW each.w_col ALTER t SET DEFAULT 'x'|DEFAULT each.w_col t: not in the backup
a view's owner|schema|ALTER VIEW each.w_owner OWNER TO verify_owner|VIEW each.w_owner: owner: want postgres, have verify_owner
a materialized view's query|schema|DROP MATERIALIZED VIEW each.m_def; CREATE MATERIALIZED VIEW each.m_def AS SELECT count(id) AS n FROM each.value|MATERIALIZED VIEW each.m_def: definition
a sequence's step|schema|ALTER SEQUENCE each.s_step INCREMENT 2|SEQUENCE each.s_step: definition
a sequence that begins again|schema|ALTER SEQUENCE each.s_cycle CYCLE|SEQUENCE each.s_cycle: definition
a sequence's column|schema|ALTER SEQUENCE each.s_owned OWNED BY each.value.a|SEQUENCE OWNED BY each.s_owned: not in the backup
a sequence dropped|schema|DROP SEQUENCE each.s_gone|SEQUENCE each.s_gone: missing
a value of an enum more|schema|ALTER TYPE each.mood ADD VALUE 'glad'|TYPE each.mood: definition
a value of an enum renamed|schema|ALTER TYPE each.mood2 RENAME VALUE 'sad' TO 'bad'|TYPE each.mood2: definition
an attribute of a type|schema|ALTER TYPE each.pair_t ADD ATTRIBUTE c int|TYPE each.pair_t: definition
a CHECK of a domain|schema|ALTER DOMAIN each.d_check DROP CONSTRAINT d|DOMAIN each.d_check: definition
a domain's default|schema|ALTER DOMAIN each.d_default SET DEFAULT 2|DOMAIN each.d_default: definition
a domain that takes NULL|schema|ALTER DOMAIN each.d_null DROP NOT NULL|DOMAIN each.d_null: definition
an aggregate|schema|CREATE OR REPLACE AGGREGATE each.total(int) (sfunc = int4mi, stype = int)|AGGREGATE each.total(integer): definition
a statistics object's target|schema|ALTER STATISTICS each.st SET STATISTICS 7|STATISTICS each.st: definition
a statistics object dropped|schema|DROP STATISTICS each.st_gone|STATISTICS each.st_gone: missing
a collation|schema|DROP COLLATION each.c; CREATE COLLATION each.c (locale = 'POSIX')|COLLATION each.c: definition
a text search configuration|schema|ALTER TEXT SEARCH CONFIGURATION each.ts DROP MAPPING FOR email|TEXT SEARCH CONFIGURATION each.ts: definition
a text search dictionary|schema|ALTER TEXT SEARCH DICTIONARY each.dict (accept = false)|TEXT SEARCH DICTIONARY each.dict: definition
an operator|schema|DROP OPERATOR each.% (int, int); CREATE OPERATOR each.% (leftarg = int, rightarg = int, function = int4mi)|OPERATOR each.%: definition
a cast dropped|schema|DROP CAST (each.pair_t AS int)|CAST (each.pair_t AS integer)
a publication's table|schema|ALTER PUBLICATION changes_pub DROP TABLE each.value|PUBLICATION TABLE each.changes_pub value: missing
a publication's operations|schema|ALTER PUBLICATION changes_ops SET (publish = 'insert')|PUBLICATION changes_ops: definition
a schema more|schema|CREATE SCHEMA new_schema|SCHEMA new_schema: not in the backup
a schema's owner|schema|ALTER SCHEMA owned OWNER TO verify_owner|SCHEMA owned: owner: want postgres, have verify_owner
a function of an extension|beyond pg_dump|ALTER FUNCTION hstore(text, text) COST 77|of extension hstore
a comment on what is built in|beyond pg_dump|COMMENT ON FUNCTION pg_catalog.abs(int) IS 'absolute'|comment on built-in function
a built-in function|beyond pg_dump|ALTER FUNCTION pg_catalog.abs(bigint) COST 33|change of built-in function pg_catalog.abs(bigint)
a mapping of a built-in text search configuration|beyond pg_dump|ALTER TEXT SEARCH CONFIGURATION english ALTER MAPPING FOR asciiword, word WITH simple, english_stem|change of text search configuration pg_catalog.english: not in the backup
a mapping dropped from a built-in text search configuration|beyond pg_dump|ALTER TEXT SEARCH CONFIGURATION german DROP MAPPING FOR email|change of text search configuration pg_catalog.german: not in the backup
a built-in dictionary|beyond pg_dump|ALTER TEXT SEARCH DICTIONARY french_stem (stopwords = 'german')|change of text search dictionary pg_catalog.french_stem: not in the backup
a built-in dictionary dropped|beyond pg_dump|DROP TEXT SEARCH CONFIGURATION tamil; DROP TEXT SEARCH DICTIONARY tamil_stem|removal of text search dictionary pg_catalog.tamil_stem: not in the backup;removal of text search configuration pg_catalog.tamil: not in the backup
a CHECK on an extension's domain|beyond pg_dump|ALTER DOMAIN earth ADD CONSTRAINT mine CHECK (cube_dim(value) > 0)|change of constraint mine on domain public.earth of extension earthdistance: not in the backup
a CHECK dropped from an extension's domain|beyond pg_dump|ALTER DOMAIN earth DROP CONSTRAINT not_3d|change of constraint not_3d on domain public.earth of extension earthdistance: missing
an extension's operator|beyond pg_dump|ALTER OPERATOR = (hstore, hstore) SET (RESTRICT = neqsel)|change of operator public.= (public.hstore, public.hstore) of extension hstore: not in the backup
a built-in operator|beyond pg_dump|ALTER OPERATOR pg_catalog.= (int, int) SET (JOIN = NONE)|change of operator pg_catalog.= (integer, integer): not in the backup
a member of an extension's operator family|beyond pg_dump|CREATE FUNCTION side.cmp(hstore, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; ALTER OPERATOR FAMILY btree_hstore_ops USING btree ADD FUNCTION 1 (hstore, int) side.cmp(hstore, int)|change of member of operator family public.btree_hstore_ops USING btree FUNCTION 1 (public.hstore, integer) of extension hstore: not in the backup
a member of a built-in operator family|beyond pg_dump|CREATE FUNCTION side.cmp(int, money) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD FUNCTION 1 (int, money) side.cmp(int, money)|change of member of operator family pg_catalog.integer_ops USING btree FUNCTION 1 (integer, money): not in the backup
a view of the information schema|beyond pg_dump|CREATE OR REPLACE VIEW information_schema.information_schema_catalog_name AS SELECT 'x'::information_schema.sql_identifier AS catalog_name|change of view information_schema.information_schema_catalog_name: not in the backup
a built-in cast|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_cast SET castcontext = 'i' WHERE castsource = 'int8'::regtype AND casttarget = 'int4'::regtype|change of cast (bigint AS integer): not in the backup
a built-in cast deleted|beyond pg_dump|SET allow_system_table_mods = on; DELETE FROM pg_cast WHERE castsource = 'int8'::regtype AND casttarget = 'bit'::regtype|removal of one of the casts, OID 1
a foreign key's triggers|beyond pg_dump|SET allow_system_table_mods = on; DELETE FROM pg_trigger WHERE tgconstraint = (SELECT oid FROM pg_constraint WHERE conname = 'refers_of_fkey') AND tgrelid = 'side.refers'::regclass|foreign key without its triggers refers_of_fkey on side.refers: not in the backup
a primary key's index that is not unique|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_index SET indisunique = false WHERE indexrelid = 'side.keyed_pkey'::regclass|index with flags off side.keyed_pkey: not in the backup
an index that is not alive|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_index SET indislive = false WHERE indexrelid = 'side.keyed_b'::regclass|index with flags off side.keyed_b: not in the backup
an exclusion constraint's index that excludes nothing|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_index SET indisexclusion = false WHERE indexrelid = 'side.apart_r_excl'::regclass|index with flags off side.apart_r_excl: not in the backup
a unique key's index that is not checked at once|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_index SET indimmediate = false WHERE indexrelid = 'side.apart_u_key'::regclass|index with flags off side.apart_u_key: not in the backup
rules that nobody sees|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_class SET relhasrules = false WHERE oid = 'side.keyed'::regclass|table with hidden parts side.keyed: not in the backup
a default that nobody sees|beyond pg_dump|SET allow_system_table_mods = on; UPDATE pg_attribute SET atthasdef = false WHERE attrelid = 'side.refers'::regclass AND attname = 'c'|table with hidden parts side.refers: not in the backup
CHANGES
}

# name | SQL: differences that are none.
harmless_changes() {
    cat <<'CHANGES'
physical order|CREATE TABLE each.tmp AS TABLE each.h_order; DELETE FROM each.h_order; INSERT INTO each.h_order SELECT * FROM each.tmp ORDER BY id DESC; DROP TABLE each.tmp
versions of rows|UPDATE each.h_update SET a = a
OIDs|DROP TABLE each.h_oid; CREATE TABLE each.h_oid (id int PRIMARY KEY, a int NOT NULL, b int DEFAULT 7, t text CHECK (t <> '')); INSERT INTO each.h_oid SELECT * FROM each.h_order; CREATE INDEX h_oid_a ON each.h_oid (a)
statistics|ANALYZE each.h_stat; ANALYZE big
hint bits and frozen rows|SELECT count(*) FROM each.h_vacuum; VACUUM (FREEZE) each.h_vacuum; VACUUM big
dead rows|INSERT INTO each.h_dead SELECT i, i FROM generate_series(100, 200) i; DELETE FROM each.h_dead WHERE id >= 100
where a column was dropped|ALTER TABLE each.h_gap ADD x int; ALTER TABLE each.h_gap DROP x
indexes built anew|REINDEX TABLE each.h_reindex; DROP INDEX each.h_idx_a; CREATE INDEX h_idx_a ON each.h_idx (a)
how values are compressed|ALTER TABLE each.h_toast ALTER t SET STORAGE EXTERNAL; UPDATE each.h_toast SET t = concat(t, ''); ALTER TABLE each.h_toast ALTER t SET STORAGE EXTENDED
another file|ALTER TABLE each.h_unlog SET UNLOGGED; ALTER TABLE each.h_unlog SET LOGGED
privileges granted and revoked|GRANT UPDATE ON each.h_acl TO verify_owner; REVOKE UPDATE ON each.h_acl FROM verify_owner; REVOKE SELECT ON each.h_acl FROM verify_reader; GRANT SELECT ON each.h_acl TO verify_reader
a comment that went|COMMENT ON TABLE each.h_com IS 'one'; COMMENT ON TABLE each.h_com IS NULL
a constraint made again|ALTER TABLE each.h_con DROP CONSTRAINT h_con_t_check, ADD CONSTRAINT h_con_t_check CHECK (t <> '')
a trigger off and on|ALTER TABLE each.h_trg DISABLE TRIGGER t; ALTER TABLE each.h_trg ENABLE TRIGGER t
an owner back again|ALTER TABLE each.h_owner OWNER TO verify_owner; ALTER TABLE each.h_owner OWNER TO postgres
a sequence's values logged ahead|SELECT setval('each.h_seq', 8); SELECT nextval('each.h_seq')
a large object's bytes written again|SELECT lo_put(6001, 0, lo_get(6001))
a view and a function said again|CREATE OR REPLACE VIEW each.h_w AS SELECT id, t FROM each.value WHERE a > 10; CREATE OR REPLACE FUNCTION each.h_f(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'
a materialized view's rows|REFRESH MATERIALIZED VIEW each.h_m
ages|SELECT pg_current_xact_id() FROM generate_series(1, 3)
settings of the server|ALTER SYSTEM SET work_mem = '3MB'; ALTER SYSTEM SET DateStyle = German; ALTER SYSTEM SET default_statistics_target = 7; ALTER SYSTEM SET extra_float_digits = -3; SELECT pg_reload_conf()
CHANGES
}

# since | name | SQL | what the findings hold, parts separated by ;
# Of the server; only that version and newer ones have them.
server_changes() {
    cat <<'CHANGES'
13|SUPERUSER given|ALTER ROLE verify_reader SUPERUSER|role verify_reader: superuser true, was false
13|BYPASSRLS given|ALTER ROLE verify_reader BYPASSRLS|role verify_reader: bypassrls true, was false
13|the right to make roles|ALTER ROLE verify_owner CREATEROLE|role verify_owner: createrole true, was false
13|a password|ALTER ROLE verify_reader PASSWORD 'of today'|role verify_reader: another password
13|a first password|ALTER ROLE verify_owner PASSWORD 'the first'|role verify_owner: another password
13|a limit of connections|ALTER ROLE verify_reader CONNECTION LIMIT 3|role verify_reader: connection_limit 3, was -1
13|an end of validity|ALTER ROLE verify_reader VALID UNTIL '2031-01-01'|role verify_reader: valid_until 2031-01-01 00:00:00+00, was infinity
13|a setting of a role|ALTER ROLE verify_reader SET work_mem = '9MB'|setting work_mem of role verify_reader: value 9MB, was 8MB
13|a setting of all roles|ALTER ROLE ALL SET statement_timeout = '10min'|setting statement_timeout: not in the backup
13|a membership|GRANT verify_reader TO verify_member|membership of verify_member in verify_reader, granted by postgres: not in the backup
13|a membership's option|GRANT verify_owner TO verify_member WITH ADMIN OPTION|membership of verify_member in verify_owner, granted by postgres: admin true, was false
13|a role more|CREATE ROLE verify_new|role verify_new: not in the backup
13|a role dropped|DROP ROLE verify_gone|role verify_gone: missing
13|a role's comment|COMMENT ON ROLE verify_owner IS 'owns'|role verify_owner: comment owns, was not set
13|privileges on a tablespace|GRANT CREATE ON TABLESPACE verify_space TO verify_reader|tablespace verify_space: acl;verify_reader=C/postgres
13|options of a tablespace|ALTER TABLESPACE verify_space SET (seq_page_cost = 7)|tablespace verify_space: options seq_page_cost=7, was not set
13|an object's tablespace|ALTER INDEX big_a SET TABLESPACE verify_space|tablespace of its own of big_a in schema public: not in the backup
13|another tablespace of an object|ALTER TABLE side.placed SET TABLESPACE pg_default|tablespace of its own of placed in schema side: missing
13|a template|DO $$ BEGIN EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', current_database()); END $$|database: is_template true, was false
15|privileges on a parameter|GRANT SET ON PARAMETER log_statement TO verify_reader|privileges on parameter log_statement: not in the backup
15|more privileges on a parameter|GRANT ALTER SYSTEM ON PARAMETER work_mem TO verify_reader|privileges on parameter work_mem: acl;verify_reader=sA/postgres
16|inheritance of a membership|GRANT verify_other TO verify_member WITH INHERIT FALSE|membership of verify_member in verify_other, granted by postgres: inherit false, was true
16|a membership without SET ROLE|GRANT verify_other TO verify_member WITH SET FALSE|membership of verify_member in verify_other, granted by postgres: set false, was true
CHANGES
}

# A column of a table on stdin, for psql.
sql_of() { cut -d'|' -f"$1" | sed 's/$/;/'; }

# all_found FILE: each of verify_changes among the findings in it (JSON), by its own check.
all_found() {
    local name check sql texts t failed=0
    declare -A said
    while IFS= read -r check; do
        said[$check]=$(jq -r --arg g "$check" '.findings[] | select(.group == $g and .class == "different") |
            "\(.object): \(.what)" + if .want then ": want \(.want), have \(.have)" else "" end' "$1")
    done < <(verify_changes | cut -d'|' -f2 | sort -u)
    while IFS='|' read -r name check sql texts; do
        while IFS= read -r -d ';' t; do
            [[ ${said[$check]} == *"$t"* ]] || { printf '%s: no "%s" among %s\n' "$name" "$t" "$check" >&2; failed=1; }
        done <<<"$texts;"
    done < <(verify_changes)
    return $failed
}

# another_minor DB: from now on $REPO is a copy in which the newest backup comes from the first release of its major version.
another_minor() {
    local dir old now
    now=$(psql_in postgres -c 'SHOW server_version_num')
    old=$((now / 10000))0000
    cp -a "$REPO" "$T/minor"
    export REPO=$T/minor PGASSAY_STATE_DIR=$T/minor.state
    dir=$REPO/$1/backups/$(last_id "$1")
    chmod -R u+w "$dir"
    zstd -dcq "$dir/manifest.json.zst" | sed "s/\"version_num\":$now/\"version_num\":$old/; s/\"version\":\"$((now / 10000))\.[^\"]*\"/\"version\":\"$((now / 10000)).0\"/" >"$T/manifest"
    zstd -qf "$T/manifest" -o "$dir/manifest.json.zst"
    jq -e ".server.version_num == $old" "$T/manifest"
    sed -i "s/\"server_version_num\":$now/\"server_version_num\":$old/; s/\"server_version\":\"[^\"]*\"/\"server_version\":\"$((now / 10000)).0\"/
        s/\"manifest_sha256\":\"[^\"]*\"/\"manifest_sha256\":\"$(sha256sum <"$dir/manifest.json.zst" | cut -d' ' -f1)\"/
        s/\"manifest_raw_sha256\":\"[^\"]*\"/\"manifest_raw_sha256\":\"$(sha256sum <"$T/manifest" | cut -d' ' -f1)\"/
        s/\"manifest_size\":[0-9]*/\"manifest_size\":$(stat -c %s "$dir/manifest.json.zst")/
        s/\"manifest_raw_size\":[0-9]*/\"manifest_raw_size\":$(stat -c %s "$T/manifest")/" "$dir/label.json"
    grep -q "\"server_version_num\":$old" "$dir/label.json"
}
