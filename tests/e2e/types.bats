#!/usr/bin/env bats
# Every type, every encoding.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make types all-types.sql
}
teardown_file() { e2e_teardown; }

@test "every built-in type with its edge values, binary where it is safe" {
    repo_new auto
    round_trip types
}

@test "binary is used for what is on the allow-list and for nothing else" {
    REPO=$T/repo.auto
    local formats_of_types
    formats_of_types=$(manifest types | jq -r '.tables[] | .name + " " + .format')
    local t
    local since14='datemultirange numeric_infinity' since14_text=user_multirange
    [ "$(server_major)" -ge 14 ] || since14='' since14_text=''
    for t in $since14 bool char1 name int2 int8 float4 float8 numeric money text varchar bpchar bytea date time timetz timestamptz interval \
        bit varbit uuid json jsonb jsonpath inet cidr macaddr macaddr8 point box polygon oid xid8 tid pg_lsn pg_snapshot tsvector \
        refcursor int4range enum_alone domain_alone domain_array; do
        grep -qx "t_$t binary" <<<"$formats_of_types" || { echo "t_$t is not binary" >&2; return 1; }
    done
    # The last four have array columns: an array of an enum or domain holds its type's OID.
    for t in $since14_text tsquery int2vector oidvector regclass regtype regconfig regrole aclitem xml composite domain_composite domain_text_only \
        user_range enum_range rowtype mixed_text enum domain domain_nested domain_enum; do
        grep -qx "t_$t text" <<<"$formats_of_types" || { echo "t_$t is not text" >&2; return 1; }
    done
}

@test "every built-in type as text" {
    repo_new text
    round_trip types --copy-format text
    expect_equal "$(manifest types | jq -r '[.tables[].format] | unique | join(" ")')" text
}

@test "every type into a scratch server, compared by a drill" {
    REPO=$T/repo.auto expect_status 0 drill types
    REPO=$T/repo.text expect_status 0 drill types
}

@test "the manifest keeps to its schema" {
    local repo
    for repo in auto text; do
        REPO=$T/repo.$repo
        manifest types >"$T/m.json"
        valid_json manifest "$T/m.json"
        label types >"$T/l.json"
        valid_json label "$T/l.json"
    done
}

@test "encoding LATIN1" {
    DB_OPTIONS="ENCODING 'LATIN1'" db_make latin
    PGCLIENTENCODING=UTF8 psql_in latin <<'SQL'
CREATE TABLE "Größe" ("Maß" text, b text[], c tsquery);
INSERT INTO "Größe" VALUES ('äöü ß ÿ', ARRAY['é', NULL], 'ü'), (E'\u00a0', '{}', NULL);
COMMENT ON TABLE "Größe" IS 'façade';
CREATE FUNCTION "naïve"() RETURNS text LANGUAGE sql AS $$ SELECT 'é'::text $$;
CREATE TABLE "Größe2" ("Maß" text);
INSERT INTO "Größe2" SELECT 'ÿ' || i FROM generate_series(1, 1000) i;
SQL
    repo_new latin
    round_trip latin
    expect_status 0 drill latin
    repo_new latin-text
    round_trip latin --copy-format text
    expect_equal "$(psql_in postgres -c "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'latin_copy'")" LATIN1
}

@test "encoding SQL_ASCII with bytes that are no text at all" {
    DB_OPTIONS="ENCODING 'SQL_ASCII'" db_make ascii
    printf '%b' 'CREATE TABLE "raw \\xff\\xfe" ("col \\xe9" text, b text[]);
INSERT INTO "raw \\xff\\xfe" VALUES (E'"'"'\\x80\\xff\\xc3 \\x28\\xa0'"'"', ARRAY['"'"'\\xe9'"'"', NULL]);
COMMENT ON TABLE "raw \\xff\\xfe" IS '"'"'\\xf0\\x28'"'"';
CREATE TABLE plain (t text); INSERT INTO plain SELECT chr(128 + i % 128) FROM generate_series(0, 999) i;
CREATE SEQUENCE "s\\xe9"; CREATE TYPE "e\\xe9" AS ENUM ('"'"'\\xff'"'"'); CREATE TABLE q (e "e\\xe9", c tsquery);
INSERT INTO q VALUES ('"'"'\\xff'"'"', NULL);' | PGCLIENTENCODING=SQL_ASCII psql_in ascii
    repo_new ascii
    round_trip ascii
    expect_status 0 drill ascii
    repo_new ascii-text
    round_trip ascii --copy-format text
}

@test "encodings that a client may not choose for itself are kept by the server" {
    # The client's environment asks for another encoding: the rows are still the database's own bytes.
    repo_new clientenc
    PGCLIENTENCODING=WIN1252 backup latin
    db_drop latin_again
    PGCLIENTENCODING=EUC_JP restore latin --to latin_again
    db_same latin latin_again
}

@test "a database with an ICU locale" {
    since 15
    DB_OPTIONS="LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'" db_make icu
    psql_in icu -c 'CREATE TABLE words (w text COLLATE "und-x-icu", v text)' -c "INSERT INTO words SELECT chr(200 + i), chr(300 + i) FROM generate_series(1, 50) i" \
        -c 'CREATE INDEX ON words (v)'
    repo_new icu
    round_trip icu
    expect_status 0 drill icu
    local sql="SELECT datlocprovider, daticulocale, datcollversion FROM pg_database WHERE datname ="
    expect_equal "$(psql_in postgres -c "$sql 'icu_copy'")" "$(psql_in postgres -c "$sql 'icu'")"
}
