#!/usr/bin/env bats
# --report and --junit: a page that an auditor reads, whatever names are in it, and how it looks.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    repo_new pages
    local n
    for n in 40 20 3; do plant shop --at "$(days_ago $n)" --rows $((4000 - 50 * n)) >/dev/null; done
    backup shop
}
teardown_file() { e2e_teardown; }
setup() { export REPO=$T/repo.pages; }

pages() { /usr/bin/python3 "$TOP/tests/e2e/report_pages.py" "$@"; }
report() { jq -r "$1" "$T/${2:-report}.json"; }
# A name that would be a tag, an attribute, an entity, a line of another direction, and an escape sequence in one character.
evil=$'"><img src=x onerror=alert(1)>\'&lt; \u202egnp.\u2066\u009b31m\e[2J'

@test "a drill: the page, the document by its schema, the JUnit file; verdict, checks, plots and history are there" {
    printf '[database shop]\nrto = 2m\n[check sales]\ndatabase = shop\nquery = SELECT count(*) FROM public.sale\nexpect = >= 1\n' >"$T/rto.conf"
    expect_status 0 drill shop --config "$T/rto.conf" --report "$T/drill.html" --junit "$T/drill.xml"
    pages parse "$T/drill.html"
    pages junit "$T/drill.xml"
    grep -q '<strong>EQUAL</strong>' "$T/drill.html"
    expect_equal "$(grep -c '<svg' "$T/drill.html")" 6
    grep -q '<tr><td>sales</td><td>query</td>.*<td>met</td></tr>' "$T/drill.html"
    # What was wanted and found of each table.
    grep -qE '<tr><td>public\.sale</td><td>([0-9,]+)</td><td>\1</td><td>[0-9a-f]{32}</td><td>the same</td></tr>' "$T/drill.html"
    # By what it is made of; the drill before is in its history.
    expect_status 0 pgassay verify live shop --repo "$REPO" -d "$(pg_uri shop)" --report "$T/report.json"
    valid_json report "$T/report.json"
    expect_equal "$(report '.sections[0].history[] | "\(.event) \(.verdict)"')" 'drill equal'
    expect_equal "$(report '[.sections[0].plots[] | "\(.title) \([.series[].points | length] | max)"] | join(", ")')" \
        'Size 4, Stored anew 4, Backup duration 4, Restore time 1, Rows 4, Transaction ID age 1'
    expect_equal "$(report '[.checks[] | select(.class != "good") | .name] | join(" ")')" ''
    expect_equal "$(report '.verdict.class')" good
    expect_equal "$(report '.appendix[0] | [.columns[-1]] + (.rows[] | select(.[0] == "public.sale"))[4:] | join(": ")')" 'fingerprint found: not compared'
    # Whole, or as it was.
    expect_status 1 drill shop --no-record --report "$T/no/where.html"
    expect_text 'report: ' 'no/where.html'
}

@test "hostile names: no tag, no attribute and no control character gets into a page or an XML file" {
    psql_in shop -v n="$evil" <<<'CREATE TABLE :"n" (a int)'
    expect_status 3 pgassay verify live shop --repo "$REPO" --full -d "$(pg_uri shop)" --report "$T/live.html" --junit "$T/live.xml"
    pages parse "$T/live.html"
    pages junit "$T/live.xml"
    grep -q '&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&amp;lt; \\u202egnp.\\u2066\\u009b31m\\x1b\[2J' "$T/live.html"
    grep -q '<strong>DIFFERENT</strong>' "$T/live.html"
    psql_in shop -v n="$evil" <<<'DROP TABLE :"n"'
    # Of a repository: the configured name, from its keys.
    REPO=$T/repo.evil
    pgassay storage init --repo "$REPO" -q
    PGHOST='' plant "$evil" --at "$(days_ago 40)"
    expect_status 3 pgassay verify status --repo "$REPO" --repo "$T/repo.pages" --report "$T/status.html" --junit "$T/status.xml"
    pages parse "$T/status.html"
    pages junit "$T/status.xml"
    expect_status 3 pgassay verify status --repo "$REPO" --repo "$T/repo.pages" --report "$T/report.json"
    valid_json report "$T/report.json"
    expect_equal "$(report '[.overview[].word] | join(" ")')" 'critical warning'
}

@test "other commands have reports of their kind, and an old one is replaced whole" {
    echo old >"$T/health.html"
    pgassay verify health -d "$(pg_uri shop)" --report "$T/health.html" --junit "$T/health.xml" || [ $? = 3 ]
    pages parse "$T/health.html"
    pages junit "$T/health.xml"
    expect_status 0 pgassay verify objects --repo "$REPO" --report "$T/report.json"
    valid_json report "$T/report.json"
    expect_equal "$(report '.verdict.word + " " + .checks[0].name')" 'GOOD chunks'
    expect_status 0 pgassay verify chain --repo "$REPO" --report "$T/chain.html"
    pages parse "$T/chain.html"
    expect_equal "$(find "$T" -maxdepth 1 -name '*.partial' | wc -l)" 0
    # What could not run proves nothing, and says so in the place of what was there.
    expect_status 1 pgassay verify drill nothing --repo "$REPO" --report "$T/chain.html" --junit "$T/chain.xml"
    pages parse "$T/chain.html"
    pages junit "$T/chain.xml"
    grep -q '<strong>COULD NOT RUN</strong>' "$T/chain.html"
    grep -q 'errors="1"' "$T/chain.xml"
    expect_status 1 pgassay verify status --repo /nonexistent --report "$T/report.json"
    valid_json report "$T/report.json"
}

@test "in a browser: no error, nothing loaded, not wider than a phone, light and dark, not blank" {
    command -v chromium >/dev/null || skip 'chromium is not installed (scripts/deps --dev)'
    [ -f "$T/status.html" ] || skip 'the pages were not made'
    # One that it must complain about: a wide line, something that would be loaded.
    sed 's|<footer>|<footer><pre style="white-space:pre">'"$(printf '%0200d' 0)"'</pre><img src="http://127.0.0.1:9/x">|' "$T/drill.html" >"$T/bad.html"
    run pages look "$T/live.html" "$T/status.html" "$T/bad.html"
    expect_equal "$(grep -v '^bad.html ' <<<"$output")" ''
    expect_text 'bad.html 390 light: ' 'px wide' 'Content Security Policy'
}
