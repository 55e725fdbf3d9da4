-- sample-orders.sql - one table of many rows, of which some are to be lost.
--
--   psql -X -v rows=5000000 -d EMPTYDB -f scripts/sample-orders.sql
\set ON_ERROR_STOP on
\if :{?rows}
\else
  \set rows 5000000
\endif
\o /dev/null
set client_min_messages = warning;
set synchronous_commit = off;
create table orders as select i as id, (i * 7919) % 100000 as customer, timestamptz '2024-01-01 00:00:00+00' + i * interval '3 seconds' as made,
       (i * 31 % 1000000) / 100.0 as amount, case i % 4 when 0 then 'paid' when 1 then 'sent' when 2 then 'open' else 'returned' end as state, 'order ' || md5(i::text) as what
  from generate_series(1::bigint, :rows) i;
alter table orders add primary key (id);
create index on orders (customer);
create index on orders (made);
analyze;
\o
select count(*) as rows, pg_size_pretty(pg_database_size(current_database())) as size from orders;
