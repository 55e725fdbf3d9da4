-- sample-largeobjects.sql - many small large objects, as document archives and old web shops have them.
--
--   psql -X -v count=200000 -d EMPTYDB -f scripts/sample-largeobjects.sql
--
-- Most hold 40 to 400 bytes, one in a thousand several pages; every hundredth has an owner, grant or comment of its own.
\set ON_ERROR_STOP on
\if :{?count}
\else
  \set count 200000
\endif
\o /dev/null
set client_min_messages = warning;
set synchronous_commit = off;
set max_parallel_workers_per_gather = 0;
select 'create role archivist' where not exists (select from pg_roles where rolname = 'archivist') \gexec
create table documents (document_id int primary key, title text not null, body oid not null);
-- One row at a time, so that it needs no memory; no lock is kept for an object made by lo_create.
insert into documents select g, 'Delivery note ' || g, lo_from_bytea((1000000 + g)::oid, convert_to(
         'Delivery note no. ' || g || E'\n' || repeat(md5(g::text) || ' received in good order' || E'\n', case when g % 1000 = 0 then 200 else 1 + g % 7 end), 'UTF8'))
  from generate_series(1, :count) g;
do $$
declare o oid;
begin
    for o in select body from documents where document_id % 100 = 0 and document_id <= 20000 loop
        execute format('alter large object %s owner to archivist', o);
        execute format('grant select on large object %s to public', o);
        execute format('comment on large object %s is %L', o, 'scanned twice');
    end loop;
end $$;
vacuum analyze documents, pg_largeobject, pg_largeobject_metadata;
\o
select count(*) as large_objects, pg_size_pretty(pg_database_size(current_database())) as size from pg_largeobject_metadata;
