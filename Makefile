# pgassay: one Makefile for everything.  "make help" lists the targets.

PREFIX  ?= /usr/local
BUILD   ?= build
CC      ?= cc
VERSION := 0.1.0

USED     := libpq libzstd zlib libsodium libcrypto jansson inih libcurl expat libarchive
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wformat=2 -Wvla -Wundef -Werror
DEBUG_INFO ?= -g
OPT      ?= -O2 $(DEBUG_INFO) -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CPPFLAGS += -D_GNU_SOURCE -DPGASSAY_VERSION='"$(VERSION)"' -I. $(shell pkg-config --cflags $(USED))
CFLAGS   += -std=c17 -fPIE -pthread $(WARN) $(OPT) $(SAN)
LDFLAGS  += -pie -pthread -Wl,-z,relro,-z,now $(SAN)
LDLIBS   += $(shell pkg-config --libs $(USED)) -lm

# One library for each of these; docs/architecture.md says what each room is for.
ROOMS_core    := core core/host core/crypto core/cli core/config core/report core/hooks core/notify
ROOMS_pg      := $(addprefix pg/,conn archive snapshot rows scratch target)
ROOMS_storage := $(addprefix storage/,contract drivers drivers/aws drivers/file drivers/s3 format keys repo read write \
                 retention heal exchange)
ROOMS_facts   := facts
ROOMS_backup  := backup
ROOMS_restore := restore restore/job restore/load restore/part restore/preflight restore/file
ROOMS_verify  := verify $(addprefix verify/,job checks compare stored drill baseline health history status report)
ROOMS_tool    := storage/commands storage/doctor
ROOMS_notify  := notify
sources = $(sort $(wildcard $(addsuffix /*.c,$(1))))

CORE_SRC    := $(call sources,$(ROOMS_core))
PG_SRC      := $(call sources,$(ROOMS_pg))
STORAGE_SRC := $(call sources,$(ROOMS_storage))
STORAGE_TOOL:= $(call sources,$(ROOMS_tool))
SUPPORT_SRC := $(call sources,tests/support)
FACTS_SRC   := $(call sources,$(ROOMS_facts))
DELTA_SRC   := $(call sources,backup/delta)
BACKUP_SRC  := $(call sources,$(ROOMS_backup))
RESTORE_SRC := $(call sources,$(ROOMS_restore))
VERIFY_SRC  := $(call sources,$(ROOMS_verify))
NOTIFY_SRC  := $(call sources,$(ROOMS_notify))
TEST_SRC    := $(sort $(wildcard tests/unit/test_*.c tests/conformance/test_*.c tests/fault/test_*.c tests/model/test_*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

LIBCORE    := $(BUILD)/libcore.a
LIBPG      := $(BUILD)/libpg.a
LIBSTORAGE := $(BUILD)/libstorage.a
LIBSUPPORT := $(BUILD)/libsupport.a
LIBFACTS   := $(BUILD)/libfacts.a
LIBDELTA   := $(BUILD)/libdelta.a
LIBS       := $(LIBSTORAGE) $(LIBPG) $(LIBCORE)

TOOLS := $(if $(wildcard backup/main.c),pgassay-backup) $(if $(wildcard restore/main.c),pgassay-restore) \
         $(if $(wildcard verify/main.c),pgassay-verify) $(if $(wildcard storage/commands/main.c),pgassay-storage) \
         $(if $(wildcard notify/main.c),pgassay-notify)
SCRIPTS := $(notdir $(wildcard scripts/pgassay scripts/pgassay-setup))
BIN   := $(addprefix $(BUILD)/bin/,$(TOOLS) $(SCRIPTS))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))

all: $(BIN)                     ## build the tools into build/bin
.DEFAULT_GOAL := all

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/core/report/page.o: core/report/page.html
$(LIBCORE): $(call obj,$(CORE_SRC))
$(LIBPG): $(call obj,$(PG_SRC))
$(LIBSTORAGE): $(call obj,$(STORAGE_SRC))
$(LIBFACTS): $(call obj,$(FACTS_SRC))
$(LIBDELTA): $(call obj,$(DELTA_SRC))
$(LIBCORE) $(LIBPG) $(LIBSTORAGE) $(LIBFACTS) $(LIBDELTA) $(LIBSUPPORT):
	@mkdir -p $(@D)
	@rm -f $@
	ar qcs $@ $^

$(BUILD)/bin/pgassay-backup: $(call obj,$(BACKUP_SRC)) $(LIBFACTS) $(LIBDELTA) $(LIBS)
$(BUILD)/bin/pgassay-restore: $(call obj,$(RESTORE_SRC)) $(LIBS)
$(BUILD)/bin/pgassay-verify: $(call obj,$(VERIFY_SRC)) $(LIBFACTS) $(LIBS)
$(BUILD)/bin/pgassay-storage: $(call obj,$(STORAGE_TOOL)) $(LIBSTORAGE) $(LIBCORE)
$(BUILD)/bin/pgassay-notify: $(call obj,$(NOTIFY_SRC)) $(LIBSTORAGE) $(LIBCORE)
$(BUILD)/bin/pgassay-%:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(addprefix $(BUILD)/bin/,$(SCRIPTS)): $(BUILD)/bin/%: scripts/%
	@mkdir -p $(@D)
	install -m 755 $< $@

$(LIBSUPPORT): $(call obj,$(SUPPORT_SRC))
$(BUILD)/tests/unit/test_tolerance: $(call obj,verify/compare/tolerance.c)
$(BUILD)/tests/unit/test_tolerance: LDLIBS := $(LIBPG) $(LIBCORE) $(LDLIBS)
# Among them $(BUILD)/tests/e2e/plant, which end-to-end tests make backups with.
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIBSUPPORT) $(LIBDELTA) $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) $(shell pkg-config --libs cmocka)

# Tests of a tool's own code.
$(BUILD)/tests/unit/test_verify_expect: $(call obj,verify/checks/expect.c)
$(BUILD)/tests/unit/test_verify_column: $(call obj,verify/checks/column.c verify/compare/rowkey.c)
$(BUILD)/tests/fault/test_packer: $(call obj,backup/packer.c)

unit: $(TESTS)                  ## build and run the C tests (unit, conformance, fault), one more at a time than there are processors
	@tests/in-memory 2048 tests/run-c $(TESTS)

test:                           ## everything that CI runs: C tests, then end to end on real clusters
	@! command -v dpkg-query >/dev/null || scripts/deps --matrix 13 18
	$(MAKE) all $(TESTS) $(BUILD)/tests/e2e/plant
	@rc=0; $(MAKE) -s unit || rc=1; tests/e2e/run || rc=1; exit $$rc

matrix: all                     ## end to end on other versions: [VERSIONS="13 18"] [FILES="types drill"]
	scripts/matrix $(VERSIONS) -- $(FILES:%=tests/e2e/%.bats)

clean:                          ## remove build/
	rm -rf $(BUILD)

help:                           ## this list
	@awk -F':.*## ' '/^[a-z0-9_-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all unit test matrix clean help
.SECONDARY:

# --- bench: demo and measurements
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIBCORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
bench: all $(BUILD)/bench/ciphers $(BUILD)/tests/e2e/plant ## measure against pg_dump, pg_restore and restic; writes docs/benchmarks.md
	scripts/bench $(BENCH)
demo:                           ## install what is missing, build, and show a backup's whole life
	@scripts/deps --demo
	@$(MAKE) -s -j$(shell nproc) all
	@scripts/demo
.PHONY: bench demo

# --- checks: lint, sanitizers, fuzzing
ALL_SRC  := $(CORE_SRC) $(PG_SRC) $(STORAGE_SRC) $(STORAGE_TOOL) $(FACTS_SRC) $(DELTA_SRC) $(BACKUP_SRC) $(RESTORE_SRC) $(VERIFY_SRC) $(NOTIFY_SRC)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
FUZZ_SECONDS ?= 10
fuzzed = -fsanitize=$(1),address,undefined -fno-sanitize-recover=all

lint: lint-quick lint-circles lint-clang $(patsubst %.c,$(BUILD)/tidy/%.ok,$(ALL_SRC)) ## include arrows, shellcheck, cppcheck, gcc and clang warnings, clang-tidy
lint-quick:
	scripts/lint-includes
	scripts/lint-headers
	scripts/lint-shell
	scripts/lint-print
	scripts/lint-layout
	scripts/lint-format
	scripts/lint-cppcheck $(BUILD)/cppcheck $(ALL_SRC)
lint-gcc lint-clang: lint-%:
	$(MAKE) BUILD=$(BUILD)/$* CC=$* objects
lint-circles: lint-gcc
	scripts/lint-circles $(BUILD)/gcc/obj
objects: $(call obj,$(ALL_SRC) $(TEST_SRC) $(SUPPORT_SRC) $(FUZZ_SRC) $(wildcard tests/e2e/*.c))
$(BUILD)/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	clang-tidy --quiet $< -- $(CPPFLAGS) -std=c17 -Wno-unknown-warning-option
	@touch $@

format: ## lay out C code as lint wants it
	git ls-files '*.[ch]' | xargs clang-format -i
.PHONY: format

asan: SAN := -fsanitize=address -fno-omit-frame-pointer
ubsan: SAN := -fsanitize=undefined -fno-sanitize-recover=all
tsan: SAN := -fsanitize=thread
asan: ## the C tests under AddressSanitizer, leaks too
ubsan: ## the C tests under UndefinedBehaviorSanitizer
tsan: ## the C tests under ThreadSanitizer
asan ubsan tsan:
	$(MAKE) BUILD=$(BUILD)/$@ OPT="-O1 -g -w" SAN="$(SAN)" unit # -w: sanitizers confuse gcc's warnings

# A tool's report is in a file, so that none is lost in a tool that is expected to fail, or killed.
asan-e2e: ## end to end with tools under AddressSanitizer and UndefinedBehaviorSanitizer: [FILES="scrub cli"]
	$(MAKE) BUILD=$(BUILD)/$@ OPT="-O1 -g -w" SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" all
	E2E_BIN=$(abspath $(BUILD)/$@/bin) E2E_SANITIZED=1 tests/e2e/run $(FILES:%=tests/e2e/%.bats)
.PHONY: asan-e2e

fuzz: ## each fuzz target for FUZZ_SECONDS (10), from its seeds
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang OPT="-O1 -g -w" SAN="$(call fuzzed,fuzzer-no-link)" fuzz-run
fuzz-run: $(FUZZ)
	@for t in $(FUZZ); do scripts/fuzz-one $$t $(FUZZ_SECONDS) || exit 1; done
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(LIBSUPPORT) $(LIBS)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(call fuzzed,fuzzer) -o $@ $^ $(LDLIBS)
.PHONY: lint lint-quick lint-gcc lint-clang lint-circles objects asan ubsan tsan fuzz fuzz-run

# --- install: PREFIX (/usr/local), DESTDIR for packagers, who may also set these two
ZSH_DIR  ?= $(PREFIX)/share/zsh/site-functions
UNIT_DIR ?= $(PREFIX)/lib/systemd/system
MAN1 := $(sort $(wildcard docs/man/*.1))
MAN5 := $(sort $(wildcard docs/man/*.5))
EXAMPLES := $(addprefix scripts/,nightly-backup emergency-restore dr-drill verify-all connection-recovery)
INST  = $(DESTDIR)$(PREFIX)
BASH  = $(INST)/share/bash-completion/completions
ZSH   = $(DESTDIR)$(ZSH_DIR)
FISH  = $(INST)/share/fish/vendor_completions.d
DOC   = $(INST)/share/doc/pgassay
UNITS := $(sort $(wildcard scripts/systemd/*.service scripts/systemd/*.timer))
install: $(if $(PREBUILT),,all)  ## into PREFIX (/usr/local), below DESTDIR
	install -d $(INST)/bin $(INST)/share/man/man1 $(INST)/share/man/man5 $(DOC)/schema $(BASH) $(ZSH) $(FISH) \
	    $(DESTDIR)$(UNIT_DIR) $(INST)/lib/sysusers.d $(INST)/lib/tmpfiles.d
	install -m 755 $(BIN) $(INST)/bin
	install -m 644 $(MAN1) $(INST)/share/man/man1
	install -m 644 $(MAN5) $(INST)/share/man/man5
	install -m 644 README.md CHANGELOG.md $(wildcard docs/*.md) $(DOC)
	install -m 644 $(wildcard docs/schema/*.json) $(DOC)/schema
	install -m 644 scripts/pgassay-completion.bash $(BASH)/pgassay
	install -m 644 scripts/pgassay-completion.zsh $(ZSH)/_pgassay
	install -m 644 scripts/pgassay-completion.fish $(FISH)/pgassay.fish
	install -m 644 scripts/pgassay.cron scripts/pgassay.conf $(DOC)
	install -d $(DOC)/examples && install -m 755 $(EXAMPLES) $(DOC)/examples
	install -m 644 scripts/pgassay-cronjob.yaml $(DOC)/examples
	install -m 644 scripts/pgassay.sysusers $(INST)/lib/sysusers.d/pgassay.conf
	install -m 644 scripts/pgassay.tmpfiles $(INST)/lib/tmpfiles.d/pgassay.conf
	for u in $(UNITS); do sed 's|/usr/local|$(PREFIX)|' $$u >$(DESTDIR)$(UNIT_DIR)/$${u##*/} || exit 1; done
	for t in $(TOOLS); do \
	    $(BUILD)/bin/$$t --completion bash >$(BASH)/$$t && $(BUILD)/bin/$$t --completion zsh >$(ZSH)/_$$t && \
	    $(BUILD)/bin/$$t --completion fish >$(FISH)/$$t.fish || exit 1; \
	done
# What installing puts somewhere is taken away there, with the folders that are empty then, but those of every PREFIX.
uninstall: all                  ## takes away what install has put there; configuration, state and repositories stay
	@set -e; all=$$(mktemp -d); trap 'rm -rf "$$all"' EXIT; \
	$(MAKE) -s install DESTDIR="$$all" >/dev/null; \
	cd "$$all"; find . ! -type d | sed 's|^\.|$(abspath $(DESTDIR))|' | tr '\n' '\0' | xargs -0 rm -f --; \
	find ".$(PREFIX)" -mindepth 2 -depth -type d | sed 's|^\.|$(abspath $(DESTDIR))|' | tr '\n' '\0' | \
	    xargs -0 rmdir --ignore-fail-on-non-empty -- 2>/dev/null || true
.PHONY: install uninstall

# --- packages: a tarball that is the same wherever it is made, and Debian packages of it
DIST = $(BUILD)/pgassay-$(VERSION).tar.gz
dist:                           ## the source as build/pgassay-VERSION.tar.gz
	scripts/dist pgassay-$(VERSION) $(DIST)
deb: dist                       ## Debian packages into build/deb, seen by lintian
	@scripts/deps --deb
	scripts/deb $(DIST) $(BUILD)/deb
deb-test: dist                  ## install, upgrade, remove and purge these in clean roots of Debian 12 and 13: [SUITES=trixie]
	scripts/deb-test $(DIST) $(SUITES)
.PHONY: dist deb deb-test
