-- sample-manytables.sql - a great many small tables: one schema for each tenant, as multi-tenant applications make them.
--
--   psql -X -v tables=10000 -d EMPTYDB -f scripts/sample-manytables.sql
--
-- 25 tables a schema, each with a primary key and 0 to 40 rows.  Runs at default settings: tables are made in
-- transactions small enough for the lock table.
\set ON_ERROR_STOP on
\if :{?tables}
\else
  \set tables 10000
\endif
\o /dev/null
set client_min_messages = warning;
set synchronous_commit = off;
create procedure make_tables(first int, last int) language plpgsql as $$
declare t int; s text;
begin
    for t in first .. last loop
        s := 'tenant_' || lpad((t / 25)::text, 4, '0');
        if t % 25 = 0 or t = first then
            execute format('create schema if not exists %I', s);
        end if;
        execute format('create table %I.%I (id int primary key, name text not null, amount numeric(10,2), made timestamptz)', s, 'items_' || lpad((t % 25)::text, 2, '0'));
        execute format('insert into %I.%I select i, md5((i * %s)::text), i * 1.25, timestamptz ''2024-01-01 00:00:00+00'' + i * interval ''1 day'' from generate_series(1, %s) i', s, 'items_' || lpad((t % 25)::text, 2, '0'), t + 1, t % 41);
        if t % 200 = 199 then
            commit;
        end if;
    end loop;
end $$;
call make_tables(0, :tables - 1);
drop procedure make_tables;
analyze;
\o
select count(*) as tables, pg_size_pretty(pg_database_size(current_database())) as size from pg_class where relkind = 'r' and relnamespace::regnamespace::text like 'tenant%';
