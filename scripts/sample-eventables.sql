-- sample-eventables.sql - tables of one size and shape: what restores share out among workers best.
--
--   psql -X -v tables=200 -v rows=15000 -d EMPTYDB -f scripts/sample-eventables.sql
\set ON_ERROR_STOP on
\if :{?tables}
\else
  \set tables 200
\endif
\if :{?rows}
\else
  \set rows 15000
\endif
\o /dev/null
set client_min_messages = warning;
set synchronous_commit = off;
select format('create table t%s as select i as id, (i * 7919) %% 5000 as customer, timestamptz ''2024-01-01 00:00:00+00'' + i * interval ''13 seconds'' as made, (i * 31 %% 100000) / 100.0 as amount, md5((i * %s)::text) as code, repeat(''about order '' || i || '' '', 3) as note from generate_series(1::bigint, %s) i',
              n, t, :rows),
       format('alter table t%s add primary key (id), alter code set not null', n), format('create index on t%s (customer)', n), format('create index on t%s (made)', n)
  from (select t, lpad(t::text, 4, '0') as n from generate_series(1, :tables) t) x \gexec
-- In a session of its own: what this one has written may be counted after its ANALYZE, which would then be stale.
\connect
analyze;
\o
select count(*) as tables, pg_size_pretty(pg_database_size(current_database())) as size from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace;
