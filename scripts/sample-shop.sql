-- sample-shop.sql - "Crucible & Daughters", dealers in minerals, instruments and curiosities since 1871.
--
--   psql -X -d EMPTYDB -f scripts/sample-shop.sql        superuser, PostgreSQL 14 or later, UTF8
--
-- A database of about 100 MB to try a backup tool on: every kind of object that pg_dump carries, and data that a person
-- recognises when it comes back.  Deterministic: nothing depends on random() or the clock.  Takes a few seconds.
\set ON_ERROR_STOP on
\o /dev/null
set client_min_messages = warning;
set timezone = 'UTC';
set synchronous_commit = off;
set synchronize_seqscans = off;
set jit = off;
select current_database() as db, current_setting('server_version_num')::int >= 150000 as v15 \gset

-- ------------------------------------------------------------------------------------------------ roles, schemas, extensions
select format('create role %I %s', r, o) from (values ('shop_owner', 'nologin'), ('shop_web', 'login connection limit 50'), ('shop_clerk', 'nologin'),
       ('shop_auditor', 'nologin bypassrls'), ('Mme. Crucible', 'login')) v(r, o) where not exists (select from pg_roles where rolname = r) \gexec
grant shop_clerk to shop_web;
grant shop_owner, shop_clerk to "Mme. Crucible" with admin option;
alter role shop_auditor set default_transaction_read_only = on;
comment on role shop_owner is 'owns all tables of the shop';

create extension citext;
create extension pg_trgm;
create extension hstore;
create extension btree_gist;
create extension postgres_fdw;
create schema shop authorization shop_owner;
create schema web;
create schema stock;
create schema "Back Office";
comment on schema shop is 'customers, products, orders';
comment on schema "Back Office" is 'staff, ledgers and the things nobody wants to migrate';

-- ------------------------------------------------------------------------------------------------ types, domains, collations, search
create type shop.order_state as enum ('basket', 'placed', 'paid', 'packed', 'shipped', 'delivered', 'returned');
create type shop.address as (street text, postcode varchar(12), city text, country char(2));
create type stock.celsius as range (subtype = float8, subtype_diff = float8mi);
create domain shop.email as citext check (value ~ '^[^@\s]+@[^@\s]+\.[a-z]+$');
create domain shop.price as numeric(10,2) check (value >= 0);
create domain shop.mohs as numeric(3,1) check (value between 1 and 10);
create collation shop.natural_order from "C";
create text search dictionary shop.plain (template = simple, stopwords = english);
create text search configuration shop.catalogue (copy = simple);
alter text search configuration shop.catalogue alter mapping for asciiword with shop.plain, english_stem;
create conversion shop.to_latin1 for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
create access method cabinet type table handler heap_tableam_handler;

-- ------------------------------------------------------------------------------------------------ small helpers
-- Picks from a list by a hash; the first entries come up more often, as in life.
create function shop.pick(list name[], h bigint) returns text language sql immutable parallel safe as
  $$ select list[1 + (((h & 1023) * (h >> 10 & 1023)) * array_length(list, 1)::bigint >> 20)::int]::text $$;
create function shop.adjective(h bigint) returns text language sql immutable parallel safe as
  $$ select shop.pick('{polished,raw,rare,antique,brass,pocket,Victorian,silver,hand-cut,travelling,Alpine,miniature,gilded,banded,smoky,luminous,twinned,walnut,naval,Bohemian,midnight,celestial,blackened,iridescent,imperfect,forgotten}', h) $$;
create function shop.thing(h bigint) returns text language sql immutable parallel safe as
  $$ select shop.pick('{quartz,amethyst,compass,loupe,barometer,geode,fluorite,pyrite cube,sextant,orrery,hourglass,telescope,meteorite slice,ammonite,trilobite,malachite,opal,tourmaline,microscope,balance,assay crucible,touchstone,sundial,astrolabe,globe,map of the Moon,star chart,kaleidoscope,music box,theodolite}', h) $$;
create function shop.first_name(h bigint) returns text language sql immutable parallel safe as
  $$ select shop.pick('{Ada,Emma,Noor,Liam,Mateo,Sofia,Yuki,Anna,Jan,Zoë,Chloé,Björn,Ingrid,Olu,Amara,Wei,Mei,Ravi,Priya,José,Lucía,Fatima,Omar,Elif,Can,Agnieszka,Łukasz,Siobhán,Niamh,Henrik,Søren,Ágnes,István,Dmitri,Olena,Thảo,Minh,Ulrike,Jürgen,Étienne,Margot,Kofi,Leilani,Tane,Iñaki,さくら}', h) $$;
create function shop.last_name(h bigint) returns text language sql immutable parallel safe as
  $$ select shop.pick('{Smith,García,Müller,Nguyễn,Kowalski,Rossi,Silva,Jansen,Tanaka,Okafor,O''Brien,Andersson,Haddad,Novák,Kaya,Dubois,Ivanenko,Nagy,Singh,Kim,Hansen,Popescu,Lefèvre,Weiß,Żukowska,Ødegård,Núñez,MacLeod,van der Berg,D''Angelo,Şahin,Castellanos-Ruiz,山本}', h) $$;
create function shop.opinion(h bigint) returns text language sql immutable parallel safe as
  $$ select shop.pick('{exactly as pictured,smaller than I had imagined,the colour is unbelievable in daylight,arrived wrapped like a relic,my daughter will not put it down,it hums faintly at night,a little dustier than antique,better than the one in the museum,the label was worth the price alone,I asked for the other one,the cat sleeps on it,sits on my desk since,would buy again without hesitation,points north most of the time}', h) $$;
create function shop.noise(seed text, n int) returns bytea language sql immutable parallel safe as
  $$ select substr(string_agg(sha512((seed || ':' || i)::bytea), ''::bytea order by i), 1, n) from generate_series(1, (n + 63) / 64) i $$;

-- ------------------------------------------------------------------------------------------------ customers
create table shop.cities (city text primary key, country char(2) not null, place point not null, greeting text not null);
insert into shop.cities values ('Freiberg','DE','(13.34,50.91)','Glück auf!'), ('Zürich','CH','(8.54,47.37)','Grüezi'), ('Kraków','PL','(19.94,50.06)','Dzień dobry'), ('Lisboa','PT','(-9.14,38.72)','Bom dia'),
  ('København','DK','(12.57,55.68)','Goddag'), ('Reykjavík','IS','(-21.9,64.15)','Góðan daginn'), ('Αθήνα','GR','(23.73,37.98)','Καλημέρα'), ('São Paulo','BR','(-46.63,-23.55)','Oi!'), ('大阪','JP','(135.5,34.69)','まいど'),
  ('Dún Laoghaire','IE','(-6.13,53.29)','Dia duit'), ('Ōtautahi','NZ','(172.64,-43.53)','Kia ora'), ('Timișoara','RO','(21.23,45.76)','Bună ziua'), ('St. John''s','CA','(-52.71,47.56)','How''s she goin''?'), ('القاهرة','EG','(31.24,30.04)','أهلا');
create table shop.customers (
  customer_id bigint generated always as identity (start with 1001) primary key,
  email       shop.email not null,
  name        text collate shop.natural_order not null,
  password    text not null,
  home        shop.address,
  collects    text[] not null default '{}',
  preferences hstore,
  newsletter  boolean not null default false,
  since       date not null,
  credit      shop.price not null default 0,
  search      tsvector generated always as (to_tsvector('simple', name)) stored,
  constraint  customers_email_key unique (email)
);
insert into shop.customers (email, name, password, home, collects, preferences, newsletter, since, credit)
select 'c' || g || '@' || shop.pick('{example.com,example.org,mail.test,museum.test}', h1), shop.first_name(h1 >> 3) || ' ' || shop.last_name(h2 >> 5), '$2b$12$' || substr(md5('pw' || g) || md5('salt' || g), 1, 53),
       row((h1 & 127) || ' ' || initcap(shop.thing(h2)) || ' Street', lpad((h2 >> 8 & 99999)::text, 5, '0'), c.city, c.country)::shop.address,
       array[shop.thing(h1 >> 7), shop.thing(h2 >> 9)], hstore(array['lang', lower(c.country), 'wrap', case when (h1 & 8) = 0 then 'tissue' end]), (h2 & 3) = 0,
       date '2015-01-01' + (g / 8), (h1 >> 20 & 4095) / 100.0
  from (select g, hashint8extended(g, 1) h1, hashint8extended(g, 2) h2 from generate_series(1, 24000) g offset 0) x
  join (select row_number() over (order by city collate "C") - 1 n, * from shop.cities) c on c.n = (h1 >> 40 & 1023) % 14
 order by g;
create index customers_name_trgm on shop.customers using gin (name gin_trgm_ops);
create index customers_search on shop.customers using gin (search);
create index customers_city on shop.customers (((home).city));

-- ------------------------------------------------------------------------------------------------ products
create table shop.products (
  sku         text primary key,
  name        text not null,
  story       text not null,
  price       shop.price not null,
  hardness    shop.mohs,
  weight_g    real,
  dimensions  float8[],
  facts       jsonb not null default '{}',
  tags        text[] not null default '{}',
  made        int4range,
  words       tsvector generated always as (to_tsvector('shop.catalogue', name || ' ' || story)) stored
);
insert into shop.products (sku, name, story, price, hardness, weight_g, dimensions, facts, tags, made)
select 'CD-' || lpad(g::text, 5, '0'), initcap(shop.adjective(h1)) || ' ' || shop.thing(h2),
       'From the ' || shop.adjective(h2 >> 4) || ' cabinet of ' || shop.first_name(h1 >> 9) || ' ' || shop.last_name(h2 >> 9) || ', who found it beside a ' || shop.adjective(h1 >> 14) || ' ' || shop.thing(h1 >> 19) || '. Customers say: ' || shop.opinion(h2 >> 14) || '.',
       (500 + (h1 >> 22 & 65535)) / 100.0, 1 + (h2 >> 24 & 63) % 91 / 10.0, (h2 >> 30 & 8191) / 7.0, array[(h1 >> 12 & 255) / 3.0, (h1 >> 20 & 255) / 7.0, (h1 >> 28 & 255) / 11.0],
       jsonb_build_object('origin', shop.pick('{Saxony,Bohemia,Cornwall,Minas Gerais,Ural,Iceland,the sea,unknown}', h1 >> 6), 'drawer', (h2 >> 11 & 511), 'assayed', (h2 & 1) = 1, 'marks', jsonb_build_array(h1 >> 33 & 31, shop.adjective(h2 >> 33))),
       array[shop.adjective(h1), shop.thing(h2)], int4range(1700 + (h1 & 127)::int, 1830 + (h2 & 127)::int)
  from (select g, hashint8extended(g, 3) h1, hashint8extended(g, 4) h2 from generate_series(1, 3000) g offset 0) x;
create index products_words on shop.products using gin (words);
create index products_facts on shop.products using gin (facts jsonb_path_ops);
create index products_made on shop.products using gist (made);
create index products_name_hash on shop.products using hash (name);
alter table shop.products alter column story set storage external, alter column price set statistics 500;
create table shop.photos (sku text not null references shop.products on update cascade on delete cascade, n smallint not null, taken timestamptz not null, jpeg bytea not null, primary key (sku, n));
alter table shop.photos alter column jpeg set storage external;
insert into shop.photos select 'CD-' || lpad((1 + g % 300)::text, 5, '0'), 1 + g / 300, timestamptz '2023-05-01 09:00:00+00' + g * interval '3 hours', '\xffd8ffe000104a464946'::bytea || shop.noise('photo' || g, 9000 + (g * 7919) % 9000) from generate_series(0, 499) g;

-- ------------------------------------------------------------------------------------------------ orders
create sequence shop.invoice_no start with 18710001 increment by 10 minvalue 18710001 cache 20;
create table shop.orders (
  order_id    bigint generated by default as identity primary key,
  order_no    varchar(20) not null,
  customer_id bigint not null references shop.customers,
  state       shop.order_state not null default 'basket',
  placed      timestamptz not null,
  wanted      tstzrange,
  total       shop.price not null default 0,
  vat         numeric(10,2) generated always as (round(total * 0.19, 2)) stored,
  paid_by     text check (paid_by in ('card', 'invoice', 'gold dust')),
  invoice     bigint default nextval('shop.invoice_no'),
  remark      xml,
  flags       bit(8) not null default B'00000000',
  unique (order_id, order_no)
) partition by range (order_id);
select format('create table shop.orders_%s partition of shop.orders for values from (%s) to (%s)', n, n * 20000 - 19999, n * 20000 + 1) from generate_series(1, 5) n \gexec
insert into shop.orders (order_no, customer_id, state, placed, wanted, total, paid_by, remark, flags)
select 'A' || 100000 + g, 1001 + (h1 & 1073741823) % 24000, (enum_range(null::shop.order_state))[greatest(1, 7 - (h1 >> 31 & 3)::int - case when g > 69000 then 3 else 0 end)], t, case when (h2 & 7) = 0 then tstzrange(t + interval '1 day', t + interval '3 days') end,
       (1000 + (h2 >> 8 & 65535)) / 100.0, (array['card', 'card', 'invoice', 'gold dust'])[1 + (h2 >> 4 & 3)::int], case when (h2 & 31) = 1 then xmlelement(name gift, xmlattributes('ribbon' as wrap), shop.opinion(h1)) end, (h2 >> 12 & 255)::int::bit(8)
  from (select g, hashint8extended(g, 5) h1, hashint8extended(g, 6) h2, timestamptz '2022-01-01 08:00:00+00' + g * interval '25 minutes' t from generate_series(1, 70000) g offset 0) x;
create index orders_customer on shop.orders (customer_id) include (state, total);
create index orders_open on shop.orders (placed) where state < 'shipped';
create index orders_placed on shop.orders using brin (placed);
create table shop.order_lines (
  order_id bigint not null references shop.orders on delete cascade,
  line     smallint not null,
  sku      text not null references shop.products on update cascade,
  quantity int not null check (quantity > 0),
  price    shop.price not null,
  primary key (order_id, line)
) partition by range (order_id);
select format('create table shop.order_lines_%s partition of shop.order_lines for values from (%s) to (%s)', n, n * 20000 - 19999, n * 20000 + 1) from generate_series(1, 5) n \gexec
insert into shop.order_lines select g, l, 'CD-' || lpad((1 + ((h & 268435455) * l) % 3000)::text, 5, '0'), 1 + (h >> l & 1)::int, (500 + (h >> 8 & 16383)) / 100.0
  from (select g, hashint8extended(g, 7) h from generate_series(1, 70000) g offset 0) x, generate_series(1, 1 + (h & 3)::int) l;
create index order_lines_sku on shop.order_lines (sku);
create table shop.reviews (review_id uuid primary key, sku text not null references shop.products, customer_id bigint not null references shop.customers, stars smallint not null check (stars between 1 and 5), written timestamp not null, body text not null, votes jsonb);
insert into shop.reviews select md5('review' || g)::uuid, 'CD-' || lpad((1 + (h1 & 1073741823) % 3000)::text, 5, '0'), 1001 + (h2 & 1073741823) % 24000, 5 - ((h1 & 7) * (h1 >> 3 & 7) / 12)::int, timestamp '2022-02-01' + g * interval '70 minutes',
       initcap(shop.adjective(h1)) || ' ' || shop.thing(h2) || ': ' || shop.opinion(h1 >> 5) || ', and ' || shop.opinion(h2 >> 5) || case when (h1 & 15) = 0 then E'.\n\n' || shop.opinion(h1 >> 25) || E'!\t— ' || shop.first_name(h2) else '.' end, jsonb_build_object('helpful', h2 & 31)
  from (select g, hashint8extended(g, 8) h1, hashint8extended(g, 9) h2 from generate_series(1, 22000) g offset 0) x;
create index reviews_sku on shop.reviews (sku, stars);

-- ------------------------------------------------------------------------------------------------ web: what visitors did, by month
create table web.visits (
  visit_id bigint generated always as identity,
  at       timestamptz not null,
  session  uuid not null,
  address  inet,
  path     text not null,
  referrer text,
  agent    text,
  took     interval,
  details  jsonb,
  primary key (visit_id, at)
) partition by range (at);
select format('create table web.visits_%s partition of web.visits for values from (%L) to (%L)', to_char(m, 'YYYY_MM'), m, m + interval '1 month') from generate_series(timestamp '2024-05-01', timestamp '2025-04-01', interval '1 month') m \gexec
create table web.visits_other partition of web.visits default;
insert into web.visits (at, session, address, path, referrer, agent, took, details)
select t, md5('session' || g / 9)::uuid, ('10.' || (h1 & 127) || '.' || (h1 >> 7 & 255) || '.' || (h1 >> 15 & 255))::inet,
       (array['/', '/search?q=' || replace(shop.thing(h1 >> 20), ' ', '+'), '/product/CD-' || lpad((1 + (h2 & 1073741823) % 3000)::text, 5, '0'), '/basket', '/about/the-1871-fire', '/product/CD-' || lpad((1 + (h2 & 1048575) % 300)::text, 5, '0')])[1 + (h1 >> 8 & 1023) % 6],
       case when (h2 & 3) = 0 then 'https://search.example.net/?q=' || replace(shop.adjective(h2), ' ', '+') || '+' || replace(shop.thing(h1), ' ', '+') end,
       'Mozilla/5.0 (' || shop.pick('{Windows NT 10.0; Win64; x64,X11; Linux x86_64,Macintosh; Intel Mac OS X 10_15_7,iPhone; CPU iPhone OS 17_4 like Mac OS X,Linux; Android 14; Pixel 8}', h2 >> 6) || ') v' || (h2 >> 30 & 63), (h2 >> 12 & 2047) * interval '1 millisecond',
       jsonb_build_object('trace', md5('t' || g), 'scroll', h1 >> 30 & 127, 'variant', shop.pick('{classic,amber,velvet}', h1))
  from (select g, hashint8extended(g, 10) h1, hashint8extended(g, 11) h2, timestamptz '2024-05-01 00:00:00+00' + g * interval '175.2 seconds' t from generate_series(0, 179999) g offset 0) x;
create index visits_session on web.visits (session);
create index visits_at on web.visits using brin (at);

-- ------------------------------------------------------------------------------------------------ stock: hash and list partitions, inheritance, exclusion
create table stock.movements (movement_id bigserial, sku text not null, house text not null, delta int not null, at timestamp not null, why text) partition by list (house);
create table stock.movements_freiberg partition of stock.movements for values in ('Freiberg');
create table stock.movements_abroad partition of stock.movements for values in ('Lisboa', '大阪') partition by hash (sku);
create table stock.movements_abroad_0 partition of stock.movements_abroad for values with (modulus 2, remainder 0);
create table stock.movements_abroad_1 partition of stock.movements_abroad for values with (modulus 2, remainder 1);
insert into stock.movements (sku, house, delta, at, why) select 'CD-' || lpad((1 + (h & 1073741823) % 3000)::text, 5, '0'), (array['Freiberg', 'Freiberg', 'Lisboa', '大阪'])[1 + (h >> 5 & 3)::int], (h >> 9 & 15)::int - 7, timestamp '2022-01-01' + g * interval '20 minutes', case when (h & 63) = 0 then 'inventory: ' || shop.opinion(h >> 3) end
  from (select g, hashint8extended(g, 12) h from generate_series(1, 80000) g offset 0) x;
create index movements_sku on stock.movements (sku, at);
create table stock.cabinets (cabinet_id int primary key, room text not null, climate stock.celsius) using cabinet;
insert into stock.cabinets select g, shop.pick('{vault,attic,laboratory,shop window}', hashint8extended(g, 13)), stock.celsius(12 + g % 5, 19 + g % 7) from generate_series(1, 60) g;
create table stock.glass_cabinets (panes int not null default 4) inherits (stock.cabinets);
insert into stock.glass_cabinets values (101, 'shop window', null, 6), (102, 'vault', '[10,12)', 8);
create table stock.loans (cabinet_id int not null, borrower text not null, during daterange not null, constraint loans_do_not_overlap exclude using gist (cabinet_id with =, during with &&));
insert into stock.loans select g % 60 + 1, shop.first_name(g * 7919) || ' Museum', daterange(date '2023-01-01' + g / 60 * 40, date '2023-01-01' + g / 60 * 40 + 30) from generate_series(0, 599) g;

-- ------------------------------------------------------------------------------------------------ the back office: circular keys, rules, policies, odd names
create table "Back Office".departments (department_id smallint primary key, name text not null unique, head bigint);
create table "Back Office".staff (staff_id bigint primary key, department_id smallint not null references "Back Office".departments, name text not null, boss bigint references "Back Office".staff deferrable initially deferred, salary money, hired date not null);
insert into "Back Office".departments select g, initcap(shop.adjective(g * 7919)) || ' Affairs ' || g from generate_series(1, 8) g;
insert into "Back Office".staff select g, 1 + g % 8, shop.first_name(hashint8extended(g, 14)) || ' ' || shop.last_name(hashint8extended(g, 15)), nullif(g / 5, 0), (2400 + g * 13)::numeric::money, date '1999-01-01' + g * 71 from generate_series(1, 120) g;
update "Back Office".departments set head = department_id;
alter table "Back Office".departments add constraint departments_head_fk foreign key (head) references "Back Office".staff deferrable initially deferred;
create table "Back Office"."Ledger ""1871"" – do not touch" ("No." int primary key, "Item, described" text, "Paid £/s/d" text, "select" boolean default true);
insert into "Back Office"."Ledger ""1871"" – do not touch" values (1, E'one brass balance,\nsigned by the maker', '4/10/6', true), (2, E'touchstone\t(black)', '\N', null), (3, 'back\slash and \. dot', '', false), (4, '“curly” ''straight'' "double"', '0/0/½', true);
create table "Back Office".notes (note_id int primary key, author name not null, secret boolean not null, body text not null);
insert into "Back Office".notes select g, case g % 3 when 0 then 'shop_clerk' else 'shop_owner' end, g % 5 = 0, shop.opinion(hashint8extended(g, 16)) from generate_series(1, 200) g;
alter table "Back Office".notes enable row level security;
create policy own_notes on "Back Office".notes using (author = current_user);
create policy no_secrets on "Back Office".notes as restrictive for select to shop_clerk using (not secret);
create table "Back Office".empty_shelf ();
insert into "Back Office".empty_shelf default values;
create unlogged table web.carts (cart uuid primary key, content jsonb);
insert into web.carts select md5('cart' || g)::uuid, jsonb_build_array(g) from generate_series(1, 300) g;
create table shop.audit (audit_id bigserial primary key, at timestamptz not null default timestamptz '2025-04-30 12:00:00+00', what text not null, who name not null default current_user, row_data jsonb);

-- ------------------------------------------------------------------------------------------------ functions, triggers, operators
create function shop.order_total(o bigint) returns numeric language sql stable begin atomic select sum(l.quantity * l.price) from shop.order_lines l where l.order_id = o; end;
create function shop.note_change() returns trigger language plpgsql security definer set search_path = shop, pg_temp as $$
begin
    insert into shop.audit (what, row_data) values (tg_table_name || ' ' || lower(tg_op), to_jsonb(coalesce(new, old)));
    return null;
end $$;
create function shop.count_changes() returns trigger language plpgsql as $$ begin insert into shop.audit (what, row_data) select 'prices changed', to_jsonb(count(*)) from changed; return null; end $$;
create procedure shop.close_month(month date) language plpgsql as $$ begin update shop.orders set state = 'delivered' where state = 'shipped' and placed < month; end $$;
create aggregate shop.product_of(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create function shop.same_thing(a text, b text) returns boolean language sql immutable as $$ select lower(a) = lower(b) $$;
create operator shop.=~= (leftarg = text, rightarg = text, function = shop.same_thing, commutator = operator(shop.=~=));
create operator family shop.by_length using btree;
create function shop.compare_length(a text, b text) returns int language sql immutable as $$ select length(a) - length(b) $$;
create cast (shop.address as text) with inout;
create trigger orders_audit after update or delete on shop.orders for each row execute function shop.note_change();
create trigger prices_counted after update on shop.products referencing new table as changed for each statement execute function shop.count_changes();
create constraint trigger reviews_audit after delete on shop.reviews deferrable initially deferred for each row execute function shop.note_change();
create trigger staff_audit after update on "Back Office".staff for each row execute function shop.note_change();
alter table "Back Office".staff disable trigger staff_audit;
create function shop.log_ddl() returns event_trigger language plpgsql as $$ begin raise debug 'ddl: %', tg_tag; end $$;
create event trigger watch_ddl on ddl_command_end when tag in ('DROP TABLE') execute function shop.log_ddl();
alter event trigger watch_ddl disable;

-- ------------------------------------------------------------------------------------------------ views, rules, materialized views, statistics
create view shop.open_orders as select order_id, order_no, customer_id, state, total from shop.orders where state in ('placed', 'paid', 'packed') with local check option;
create view shop.customer_totals with (security_barrier) as select c.customer_id, c.name, count(o.*) orders, sum(o.total) spent from shop.customers c left join shop.orders o using (customer_id) group by c.customer_id;
create recursive view "Back Office".chain_of_command (staff_id, name, depth) as select staff_id, name, 0 from "Back Office".staff where boss is null union all select s.staff_id, s.name, c.depth + 1 from "Back Office".staff s join chain_of_command c on s.boss = c.staff_id;
create view "Back Office"."Petty Cash" as select order_no as "Order", total as "Total €" from shop.orders where paid_by = 'gold dust';
create rule petty_cash_is_forever as on delete to "Back Office"."Petty Cash" do instead nothing;
create materialized view shop.daily_sales as select (placed at time zone 'UTC')::date as day, count(*) orders, sum(total) revenue from shop.orders where state > 'placed' group by 1;
create unique index daily_sales_key on shop.daily_sales (day);
create materialized view shop.monthly_sales as select date_trunc('month', day)::date as month, sum(orders) orders, sum(revenue) revenue from shop.daily_sales group by 1;
create materialized view web.someday as select count(*) n from web.visits with no data;
create statistics shop.orders_state_payment (dependencies, mcv) on state, paid_by from shop.orders;

-- ------------------------------------------------------------------------------------------------ the world outside: foreign data, publications
create server museum foreign data wrapper postgres_fdw options (host 'museum.example.invalid', dbname 'collection');
create user mapping for shop_web server museum options (user 'visitor', password 'not-a-real-password');
create foreign table stock.museum_pieces (piece_id int not null, title text) server museum options (schema_name 'public', table_name 'pieces');
set client_min_messages = error;      -- wal_level may be too low to use it; to have it is no problem
create publication sales for table shop.orders, shop.order_lines with (publish = 'insert, update');
\if :v15
create publication catalogue for table shop.products (sku, name, weight_g) where (weight_g > 10) with (publish = 'insert');
create publication warehouse for tables in schema stock;
alter table stock.loans add constraint one_loan_each unique nulls not distinct (cabinet_id, during);
\endif
set client_min_messages = warning;

-- ------------------------------------------------------------------------------------------------ certificates of assay: large objects
create table shop.certificates (sku text primary key references shop.products, scan oid not null);
insert into shop.certificates select 'CD-' || lpad(g::text, 5, '0'), lo_from_bytea((187100 + g)::oid, convert_to('Certificate of Assay no. ' || g || E'\nThis ' || shop.thing(hashint8extended(g, 4)) || ' was assayed, not assumed.' || E'\n', 'UTF8') || shop.noise('seal' || g, 2000 + g * 37)) from generate_series(1, 150) g;
select lo_from_bytea(999999, '');
alter large object 187101 owner to shop_owner;
grant select on large object 187102 to shop_clerk;
comment on large object 187103 is 'the seal is smudged';

-- ------------------------------------------------------------------------------------------------ owners, grants, comments, settings
select format('alter table %I.%I owner to shop_owner', schemaname, tablename) from pg_tables where schemaname in ('shop', 'stock') \gexec
alter view shop.open_orders owner to shop_owner;
alter materialized view shop.daily_sales owner to shop_owner;
alter function shop.order_total(bigint) owner to shop_owner;
alter type shop.order_state owner to shop_owner;
grant usage on schema shop, web, stock to shop_clerk, shop_web;
grant select on all tables in schema shop to shop_clerk;
grant insert, update on shop.orders, shop.order_lines to shop_web;
grant update (state) on shop.orders to shop_clerk with grant option;
grant select (customer_id, name) on shop.customers to shop_auditor;
grant usage on all sequences in schema shop to shop_web;
revoke execute on function shop.order_total(bigint) from public;
grant execute on function shop.order_total(bigint) to shop_web;
grant connect, temporary on database :"db" to shop_web;
alter default privileges for role shop_owner in schema shop grant select on tables to shop_clerk;
alter default privileges for role shop_owner revoke execute on functions from public;
alter table shop.reviews add constraint reviews_are_polite check (body !~* 'swindle') not valid;
alter table shop.reviews cluster on reviews_pkey;
alter table stock.loans replica identity full;
alter sequence shop.invoice_no owner to shop_owner;
select nextval('shop.invoice_no');
comment on table shop.products is 'the catalogue; "story" is what sells it';
comment on column shop.orders.paid_by is 'gold dust is weighed at the counter';
comment on constraint loans_do_not_overlap on stock.loans is 'a cabinet can only be in one museum';
comment on index shop.orders_open is 'what the packers look at all day';
comment on function shop.order_total(bigint) is 'sum of the lines';
comment on materialized view shop.daily_sales is 'refreshed nightly';
comment on event trigger watch_ddl is 'asleep since the migration';
comment on database :"db" is 'Crucible & Daughters, dealers in minerals, instruments and curiosities since 1871';
alter database :"db" set search_path = shop, public;
alter database :"db" set timezone = 'Europe/Berlin';
alter role shop_web in database :"db" set statement_timeout = '30s';
vacuum analyze;
