#!/usr/bin/env bats
# What a container asks of a tool: secrets in files, names in the environment, being the first process.

load lib
setup_file() {
    e2e_setup
    pg_start main
    db_make shop small.sql
    psql_in postgres -c "SET password_encryption = 'scram-sha-256'" -c "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'hunter2 secret'"
    sed -i '1i local all keeper scram-sha-256' "$T/pg/main/pg_hba.conf"
    as_server "$SERVER_BIN/pg_ctl" -D "$T/pg/main" reload >/dev/null
}
teardown_file() { e2e_teardown; }
setup() { : >"$T/pgassay.conf"; }

secret() { (umask 077 && cat >"$T/$1"); }

@test "a password comes from a file; nothing shows it, and hooks find the variable itself" {
    secret pw <<<'hunter2 secret'
    # shellcheck disable=SC2016  # for the hook's shell
    printf '%s\n' 'before-backup = env >$T/told; cat /proc/[0-9]*/cmdline >$T/argv 2>/dev/null; true' >"$T/pgassay.conf"
    PGUSER=keeper PGPASSWORD_FILE=$T/pw expect_status 0 backup shop --verbose
    [[ $output != *hunter2* ]]
    [ -s "$T/argv" ]
    expect_equal "$(grep -ac hunter2 "$T/argv")" 0
    grep -qx 'PGPASSWORD=hunter2 secret' "$T/told"
    expect_equal "$(grep -c '^PGPASSWORD_FILE' "$T/told")" 0
    PGUSER=keeper expect_status 1 backup shop
}

@test "a secret's file that cannot be right is refused in one line that quotes nothing of it" {
    refused() { # VALUE TEXT
        AWS_SECRET_ACCESS_KEY_FILE=$1 expect_status 2 storage list
        expect_text "$2"
        expect_short
        [[ $output != *hunter2* ]]
    }
    refused "$T/none" "AWS_SECRET_ACCESS_KEY_FILE: could not open \"$T/none\": No such file or directory"
    refused "$T" 'Is a directory'
    secret bad </dev/null && refused "$T/bad" 'is empty'
    secret bad <<<'' && refused "$T/bad" 'is empty'
    secret bad <<<$'hunter2\nhunter2' && refused "$T/bad" 'is not one line of text'
    printf 'hunter2\0' | secret bad && refused "$T/bad" 'is not one line of text'
    head -c 20000 /dev/zero | tr '\0' x | secret bad && refused "$T/bad" 'is longer than'
    echo hunter2 >"$T/read" && chmod 644 "$T/read"
    refused "$T/read" "\"$T/read\" holds a secret, and others may read it"
    secret bad <<<hunter2
    AWS_SECRET_ACCESS_KEY=x refused "$T/bad" 'AWS_SECRET_ACCESS_KEY and AWS_SECRET_ACCESS_KEY_FILE are both set, and exclude each other'
    # A Windows line end and none at all; one that is set to nothing is not set.
    printf 'hunter2\r\n' | secret bad
    AWS_SECRET_ACCESS_KEY_FILE=$T/bad PGPASSWORD_FILE='' expect_status 0 storage list
    # Telling people never fails a backup: it is a warning there.
    PGASSAY_WEBHOOK_FILE=$T/read expect_status 0 backup shop
    expect_text 'warning: ' "PGASSAY_WEBHOOK_FILE: \"$T/read\" holds a secret, and others may read it"
}

@test "a misspelt variable is named, with what was meant; those in the manual are known, and none is forgotten there" {
    PGASSAY_JOBZ=3 PGASSAY_REPO_ENCRIPT_TO=x PGASSAY_HOBBY='' expect_status 0 storage list
    expect_text 'warning: environment variable PGASSAY_JOBZ means nothing (did you mean PGASSAY_JOBS?)' \
        'PGASSAY_REPO_ENCRIPT_TO means nothing (did you mean PGASSAY_REPO_ENCRYPT_TO?)' 'PGASSAY_HOBBY means nothing'
    # All that the pages name; PGASSAY_KEY and the like stand for keys; TOOL and HINT are fields of the journal; some are of tests.
    grep -ohE 'PGASSAY_[A-Z_]*[A-Z]' "$TOP"/docs/man/* "$TOP"/docs/*.md "$TOP/README.md" "$TOP"/scripts/pgassay* | sort -u >"$T/named"
    mapfile -t set < <(grep -vxE "PGASSAY_(KEY|REPO_KEY|REPO|MODEL|SCHEDULES|SEED|TOOL|HINT)" "$T/named" | sed 's/$/=/')
    [ "${#set[@]}" -gt 25 ]
    run env "${set[@]}" PGASSAY_CONFIG="$T/pgassay.conf" PGASSAY_STATE_DIR="$T/state" pgassay-storage list --repo "$REPO"
    expect_equal "$status" 0
    [[ $output != *'means nothing'* ]] || { echo "$output"; return 1; }
    sed -n '/config_env_others\[\] = {/,/};/p' "$TOP/core/config/config_env.c" | grep -oE 'PGASSAY_[A-Z_]+' | sort >"$T/table"
    [ "$(wc -l <"$T/table")" -gt 15 ]
    comm -23 "$T/table" "$T/named" | diff - /dev/null
}

# As a container runs its program.
soon() { for _ in {1..1500}; do "$@" && return; sleep 0.02; done; echo "waited in vain for: $*"; return 1; }
FIRST='unshare --pid --fork --mount-proc'
first() { $FIRST "$@"; }

@test "as the first process it hears signals, from within and from outside, and its status is that of the work" {
    first true 2>/dev/null || skip "no right to make a PID namespace"
    echo 'before-backup = kill -TERM 1; sleep 60' >"$T/pgassay.conf"
    expect_status 143 first pgassay-backup shop --repo "$REPO"
    expect_text 'interrupted by SIGTERM'
    local signal tool child work
    for signal in INT:130 HUP:129; do
        echo "before-backup = touch $T/begun; sleep 60" >"$T/pgassay.conf"
        rm -f "$T/begun"
        $FIRST pgassay-backup shop --repo "$REPO" 2>"$T/said" 3>&- &
        tool=$!
        soon test -e "$T/begun"
        child=$(pgrep -P "$tool")
        kill "-${signal%:*}" "$child"
        wait "$tool" && return 1 || expect_equal "$?" "${signal#*:}"
        grep -q "interrupted by SIG${signal%:*}" "$T/said"
    done
    expect_status 0 first pgassay storage list --repo "$REPO"
    expect_status 2 first pgassay storage list --reop "$REPO"
    # SIGUSR1 is answered, not obeyed.
    echo 'before-backup = kill -USR1 1; sleep 0.1' >"$T/pgassay.conf"
    expect_status 0 first pgassay-backup shop --repo "$REPO"
    # A worker that is killed is no success.
    # shellcheck disable=SC2016
    echo 'before-backup = kill -KILL $PPID; sleep 60' >"$T/pgassay.conf"
    expect_status 137 first pgassay-backup shop --repo "$REPO"
}

@test "as the first process it reaps orphans" {
    first true 2>/dev/null || skip "no right to make a PID namespace"
    printf '%s\n' "before-backup = for i in 1 2 3 4; do (setsid sleep 0.02 >/dev/null 2>&1 &); done" \
        "after-backup = sleep 0.1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l >$T/zombies" >"$T/pgassay.conf"
    expect_status 0 first pgassay-backup shop --repo "$REPO"
    expect_equal "$(cat "$T/zombies")" 0
}

@test "the CronJob has fields that there are, variables and options that mean something, and what the page says of its user" {
    /usr/bin/python3 -c '
import sys, yaml
SECURITY = "runAsNonRoot runAsUser runAsGroup fsGroup seccompProfile allowPrivilegeEscalation readOnlyRootFilesystem capabilities"
# Of each field the fields that it may have (Kubernetes 1.27: batch/v1, v1); those without an entry are values.
FIELDS = {k: v.split() for k, v in {
    "CronJob": "apiVersion kind metadata spec", "metadata": "name labels namespace",
    "spec": "schedule timeZone concurrencyPolicy startingDeadlineSeconds successfulJobsHistoryLimit failedJobsHistoryLimit suspend jobTemplate",
    "jobTemplate": "metadata job", "job": "backoffLimit activeDeadlineSeconds ttlSecondsAfterFinished template",
    "template": "metadata pod", "securityContext": SECURITY, "seccompProfile": "type", "capabilities": "drop",
    "pod": "restartPolicy enableServiceLinks automountServiceAccountToken terminationGracePeriodSeconds securityContext containers volumes",
    "containers": "name image command args env securityContext resources volumeMounts", "env": "name value",
    "resources": "requests limits", "requests": "cpu memory storage", "limits": "cpu memory",
    "volumeMounts": "name mountPath readOnly", "volumes": "name persistentVolumeClaim secret emptyDir",
    "persistentVolumeClaim": "claimName", "secret": "secretName defaultMode", "emptyDir": "sizeLimit",
    "PersistentVolumeClaim": "apiVersion kind metadata claim", "claim": "accessModes resources"}.items()}
SPEC = {"CronJob": "spec", "PersistentVolumeClaim": "claim", "jobTemplate": "job", "template": "pod"}
def check(kind, value, path):
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            assert kind not in FIELDS, f"{path}: fields are wanted"
            continue
        for key, below in item.items():
            inner = SPEC.get(kind, key) if key == "spec" else key
            assert inner in FIELDS.get(kind, []), f"{path}: no field {key}"
            check(inner, below, f"{path}.{key}")
parts = list(yaml.safe_load_all(open(sys.argv[1])))
for part in parts:
    check(part["kind"], part, part["kind"])
claim, job = parts
assert (job["apiVersion"], claim["apiVersion"]) == ("batch/v1", "v1") and len(job["metadata"]["name"]) <= 52
pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
box, user = pod["containers"][0], pod["securityContext"]
assert pod["restartPolicy"] in ("Never", "OnFailure") and job["spec"]["concurrencyPolicy"] == "Forbid"
assert {m["name"] for m in box["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
secret = pod["volumes"][1]["secret"]
assert secret["defaultMode"] == 0o440 and secret["secretName"] == "pgassay"
assert user["runAsUser"] == user["fsGroup"] == 10001
print(*box["command"], *box["args"])
for v in box["env"]:
    assert isinstance(v["value"], str), v
    print(v["name"])
' "$TOP/scripts/pgassay-cronjob.yaml" >"$T/job"
    local command name
    command=$(head -n 1 "$T/job")
    # shellcheck disable=SC2086  # a command and its arguments
    pgassay ${command#pgassay } --help >/dev/null
    mapfile -t set < <(sed 1d "$T/job" | grep PGASSAY_ | grep -v -e STATE_DIR -e 'REPO$' | sed 's/$/=/')
    [ "${#set[@]}" -gt 1 ]
    expect_equal "$(env "${set[@]}" pgassay-storage list --repo "$REPO" 2>&1 >/dev/null)" ''
    # The other names are the manual's.
    for name in $(sed 1d "$T/job" | grep _FILE); do grep -qw -- "$name" "$TOP/docs/man/pgassay.1"; done
    grep -q 'uid 10001' "$TOP/docs/containers.md"
}
