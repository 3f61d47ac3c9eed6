# SPDX-License-Identifier: MIT
#
# make            build/skillbox and build/init
# make run        set up this machine, build, run a real action
# make test       set up this machine, build, run all tests
# make help       the other targets

VERSION := 0.1.0
BUILD ?= build

CC ?= cc
MUSL_CC ?= musl-gcc
PKG_CONFIG ?= pkg-config
LIBRARIES := jansson libarchive yaml-0.1 libsodium libpcre2-8 libmicrohttpd

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla \
	-Wformat=2 -Wimplicit-fallthrough -Wundef
ifeq ($(DEVELOPER),1)
WARNINGS += -Werror
endif
HARDENING := -fstack-protector-strong -fstack-clash-protection \
	-fno-strict-overflow -fPIE
FORTIFY := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPTIMIZE ?= -O2 -g

CPPFLAGS += -D_GNU_SOURCE -Irunner -I$(BUILD)/gen \
	-DSBX_VERSION='"$(VERSION)"'
CFLAGS += -std=gnu11 $(OPTIMIZE) $(WARNINGS) $(HARDENING) $(SANITIZE)
ifeq ($(SANITIZE),)
CPPFLAGS += $(FORTIFY)
endif
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE)
# libarchive, PCRE2 and libmicrohttpd are loaded when they are needed, see
# runner/codec/library.h.
LDFLAGS += -Wl,--as-needed

# One short line for each step; the commands themselves with V=1.
ifeq ($(V),1)
say = @:
else
Q := @
say = @printf '  %-5s %s\n'
endif

# Lazily, so that "make run" can install pkg-config first.
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES))
LIB_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) -lm

LAYERS := base codec engine secret skill sandbox mcp serve cli
SOURCES := $(wildcard $(LAYERS:%=runner/%/*.c))
OBJECTS := $(SOURCES:runner/%.c=$(BUILD)/obj/%.o)
MODULES := $(filter-out $(BUILD)/obj/cli/main.o,$(OBJECTS))
INIT_SOURCES := $(wildcard runner/init/*.c)
INIT_HEADERS := $(wildcard runner/init/*.h)

.PHONY: all
all: $(BUILD)/skillbox $(BUILD)/init
	@:

# --- init: static, on musl; its own sources name its build ------------------

INIT_BUILD_ID := $(BUILD)/gen/init/build_id.h
INIT_CFLAGS := -std=gnu11 -Os -g0 $(WARNINGS) -fstack-protector-strong \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables

$(INIT_BUILD_ID): $(INIT_SOURCES) $(INIT_HEADERS) Makefile
	@mkdir -p $(@D)
	@printf '/* generated */\n#define SBX_INIT_BUILD_ID "%s"\n' \
		"$$(cat $(sort $^) | sha256sum | cut -c1-32)" > $@

# The kernel's headers, which musl-gcc does not look for.
$(BUILD)/gen/kernel: 
	@mkdir -p $@
	@ln -sfn /usr/include/linux $@/linux
	@ln -sfn /usr/include/asm-generic $@/asm-generic
	@ln -sfn /usr/include/$$($(CC) -print-multiarch)/asm $@/asm

$(BUILD)/init: $(INIT_SOURCES) $(INIT_HEADERS) $(INIT_BUILD_ID) \
		| $(BUILD)/gen/kernel
	@mkdir -p $(@D)
	$(say) INIT $@
	$(Q)$(MUSL_CC) $(INIT_CFLAGS) -D_GNU_SOURCE -Irunner -I$(BUILD)/gen \
		-isystem $(BUILD)/gen/kernel -static -s -Wl,--gc-sections \
		-Wl,-z,noexecstack,-z,relro -o $@ $(INIT_SOURCES)

# --- the program ------------------------------------------------------------

$(BUILD)/obj/%.o: runner/%.c | $(INIT_BUILD_ID)
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# init travels inside the program.
$(BUILD)/obj/sandbox/init_blob.o: $(BUILD)/init
$(BUILD)/obj/sandbox/init_blob.o: CPPFLAGS += \
	-DSBX_INIT_PATH='"$(abspath $(BUILD)/init)"'

# So does the policy that applies where the host has none.
$(BUILD)/obj/skill/policy_builtin.o: manifests/policy.yaml
$(BUILD)/obj/skill/policy_builtin.o: CPPFLAGS += \
	-DSBX_POLICY_PATH='"$(abspath manifests/policy.yaml)"'

# And what the tools of sessions are.
$(BUILD)/obj/mcp/session_tools.o: manifests/session-tools.json
$(BUILD)/obj/mcp/session_tools.o: CPPFLAGS += \
	-DSBX_SESSION_TOOLS_PATH='"$(abspath manifests/session-tools.json)"'

$(BUILD)/libskillbox.a: $(MODULES)
	@rm -f $@
	$(say) AR $@
	$(Q)ar rcs $@ $^

$(BUILD)/skillbox: $(BUILD)/obj/cli/main.o $(BUILD)/libskillbox.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)

# --- unit tests -------------------------------------------------------------

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(say) TEST $@
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ \
		$< $(BUILD)/libskillbox.a $(LIB_LIBS) -lcmocka

.PHONY: unit
unit: $(UNIT_TESTS)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)

# --- the two commands -------------------------------------------------------

HARNESS := tests/harness
RUN_ENGINE := $(BUILD)/engine
TEST_ENGINE := $(BUILD)/test-engine
ASAN_BUILD := $(BUILD)/asan
E2E_TESTS := $(wildcard tests/e2e/*.bats)
OTHER_TESTS := $(wildcard tests/lint/*.bats tests/unit/*.bats) $(UNIT_TESTS) \
	$(UNIT_TESTS:$(BUILD)/%=$(ASAN_BUILD)/%) tests/fuzz/run

# All cores, unless whoever called us said how many.
SUBMAKE = $(MAKE) --no-print-directory \
	$(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# Begins a command that has the engine that answers, or one of its own.
WITH_ENGINE = url=$$($(HARNESS)/engine find) || { \
		$(HARNESS)/engine start $(RUN_ENGINE) && \
		url=$$($(HARNESS)/engine url $(RUN_ENGINE)); } && \
	DOCKER_HOST=$$url

.PHONY: run
run: ## set up this machine, build, run a real action
	@$(HARNESS)/setup run
	+@$(SUBMAKE) all
	@$(WITH_ENGINE) $(BUILD)/skillbox --skills skills \
		run text word_count '{"text": "How many words are in here?"}'

.PHONY: test
test: ## set up this machine, build, run lint and all tests
	@$(HARNESS)/setup test
	+@$(SUBMAKE) DEVELOPER=1 all unit asan fuzz-build bench-programs
	+@$(SUBMAKE) lint
	@SKILLBOX=$(abspath $(ASAN_BUILD)/skillbox) $(HARNESS)/run-tests \
		--engine $(TEST_ENGINE) $(E2E_TESTS) $(OTHER_TESTS)

.PHONY: engine-start engine-stop
engine-start: ## start the private engine of make run
	@$(HARNESS)/engine start $(RUN_ENGINE)
	@echo DOCKER_HOST=$$($(HARNESS)/engine url $(RUN_ENGINE))

engine-stop: ## end the private engines and remove all they had
	@for engine in $(RUN_ENGINE) $(TEST_ENGINE) $(BUILD)/engines/*/; do \
		$(HARNESS)/engine stop $$engine || exit; \
	done

# --- parts of make test -----------------------------------------------------

# Static runtimes: gcc's shared UBSan (12.2) knows no log_path, see
# tests/harness/tap.
.PHONY: asan check-faults
asan: ## build the program and the unit tests with ASan and UBSan
	+@$(SUBMAKE) BUILD=$(ASAN_BUILD) OPTIMIZE='-O1 -g' all unit SANITIZE='\
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-static-libasan -static-libubsan'

# --- threads ----------------------------------------------------------------

# What has threads: the daemon.  The unit tests have some that play an engine
# and take turns with the program by what they send, which TSan cannot know.
TSAN_BUILD := $(BUILD)/tsan
TSAN_TESTS := $(wildcard tests/e2e/serve*.bats tests/e2e/daemon*.bats \
	tests/e2e/pool*.bats)

.PHONY: tsan tsan-build
tsan-build:
	+@$(SUBMAKE) BUILD=$(TSAN_BUILD) OPTIMIZE='-O1 -g' all \
		SANITIZE=-fsanitize=thread

tsan: ## the tests of the daemon, and a short soak, with ThreadSanitizer
	@$(HARNESS)/setup test
	+@$(SUBMAKE) all bench-programs tsan-build
	@SKILLBOX=$(abspath $(TSAN_BUILD)/skillbox) SBX_SLOWER=$${SBX_SLOWER:-3} \
		$(HARNESS)/run-tests --engine $(TEST_ENGINE) $(TSAN_TESTS)
	@$(WITH_ENGINE) SKILLBOX=$(abspath $(TSAN_BUILD)/skillbox) \
		TSAN_OPTIONS=history_size=4 bench/soak $(BUILD) $(or $(SECONDS),60)

# --- fuzzing ----------------------------------------------------------------

# Coverage-guided, so it takes clang, whatever CC is.
FUZZ_CC ?= clang
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_TARGETS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/targets/%)

$(BUILD)/targets/%: tests/fuzz/%.c $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(say) FUZZ $@
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) \
		-fsanitize=fuzzer -MMD -MP -o $@ $< $(BUILD)/libskillbox.a \
		$(LIB_LIBS)

-include $(FUZZ_TARGETS:=.d)

.PHONY: fuzz-targets fuzz-build fuzz
fuzz-targets: $(FUZZ_TARGETS)

fuzz-build:
	+@$(SUBMAKE) BUILD=$(FUZZ_BUILD) CC=$(FUZZ_CC) OPTIMIZE='-O1 -g' \
	fuzz-targets SANITIZE='-fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer'

TARGET ?=
fuzz: fuzz-build ## look for inputs that break it: SECONDS=60 [TARGET=yaml]
	@tests/fuzz/run --seconds $(or $(SECONDS),60) --jobs $(shell nproc) \
		--keep $(TARGET)

.PHONY: check-unit check-e2e check-e2e-asan check-e2e-valgrind valgrind-init
check-unit: all unit asan fuzz-build bench-programs ## unit tests, sanitized too; fuzzing
	@$(HARNESS)/run-tests $(OTHER_TESTS)

valgrind-init: $(BUILD)/init ## the tests of init, once under valgrind
	@SBX_INIT=$(abspath $(BUILD)/init) bats tests/unit/init.bats

check-e2e: all ## run the end-to-end tests
	@$(HARNESS)/run-tests --engine $(TEST_ENGINE) $(E2E_TESTS)

check-e2e-asan: all asan ## the same with ASan and UBSan
	@SKILLBOX=$(abspath $(ASAN_BUILD)/skillbox) \
		$(HARNESS)/run-tests --engine $(TEST_ENGINE) $(E2E_TESTS)

check-e2e-valgrind: all ## the same under valgrind: an hour, fewer faults
	@$(HARNESS)/setup test
	@$(HARNESS)/check-valgrind $(TEST_ENGINE) $(E2E_TESTS)

check-faults: all ## the longer form of the tests of faults, half an hour
	@SBX_FAULTS=full timeout 3600 $(HARNESS)/run-tests \
		tests/e2e/faults.bats tests/e2e/dying.bats

# Downloads a root file system of Debian for each release that is not this
# machine's, once, into build/roots.
.PHONY: test-engines
test-engines: ## the end-to-end tests on other engines too: ENGINES="podman ..."
	@$(HARNESS)/setup test
	+@$(SUBMAKE) all
	@$(HARNESS)/test-engines $(ENGINES)

$(BUILD)/schema/suite: tests/schema/suite.c $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(say) TEST $@
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< \
		$(BUILD)/libskillbox.a $(LIB_LIBS)

# https://github.com/json-schema-org/JSON-Schema-Test-Suite
.PHONY: schema-suite
schema-suite: $(BUILD)/schema/suite ## a checkout of the public JSON Schema tests: SUITE=DIR
	@[ -d '$(SUITE)/tests/draft2020-12' ] || { \
		echo 'SUITE=DIR: where is JSON-Schema-Test-Suite?' >&2; exit 1; }
	@$< '$(SUITE)'/tests/draft2020-12/*.json

# schema/ of https://github.com/modelcontextprotocol/modelcontextprotocol
.PHONY: mcp-schemas
mcp-schemas: all ## MCP clients, what is said held against a checkout of its schemas: SCHEMAS=DIR
	@[ -f '$(SCHEMAS)/2025-11-25/schema.json' ] || { \
		echo 'SCHEMAS=DIR: where is the schema directory?' >&2; exit 1; }
	@$(HARNESS)/setup test
	@MCP_SCHEMAS='$(abspath $(SCHEMAS))' $(HARNESS)/run-tests \
		--engine $(TEST_ENGINE) tests/e2e/mcp.bats \
		tests/e2e/mcp-sessions.bats

C_SOURCES := $(wildcard runner/*/*.c tests/*/*.c tests/fixtures/*/*.c bench/*.c \
	bench/*/*.c bench/skills/*/*.c)
C_FILES := $(C_SOURCES) \
	$(wildcard runner/*/*.h tests/*/*.h tests/*/*/*.h bench/*/*.h)
TIDY_SOURCES := $(SOURCES) $(INIT_SOURCES)
SCRIPTS = $(shell tests/lint/list-scripts)

.PHONY: lint check-layers check-style check-format check-tidy check-cppcheck \
	check-scripts
lint: ## all static checks
lint: check-layers check-style check-format check-tidy check-cppcheck \
	check-scripts

check-layers: ## no upward include, no include cycle
	$(say) LINT check-layers
	@tests/lint/check-layers

check-style: $(BUILD)/libskillbox.a
	$(say) LINT check-style
	@tests/lint/check-style $<

# What clang-format makes of a file changes from version to version.
FORMAT_VERSION := 14
check-format:
	$(say) LINT clang-format
	@found=$$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/'); \
	if [ "$$found" = $(FORMAT_VERSION) ]; then \
		clang-format --dry-run -Werror $(C_FILES); \
	else \
		echo "format not checked: clang-format $$found is here," \
			"$(FORMAT_VERSION) decides" >&2; \
	fi

format: ## reformat the C sources
	clang-format -i $(C_FILES)

# How far clang's analyzer follows a function; its own default of 225000 takes
# six times as long and is for once in a while.
TIDY_NODES := 40000
check-tidy: $(TIDY_SOURCES:%.c=$(BUILD)/tidy/%.ok)
$(BUILD)/tidy/%.ok: %.c .clang-tidy $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(say) TIDY $<
	@clang-tidy --quiet $< -- -std=gnu11 $(CPPFLAGS) $(LIB_CFLAGS) \
		-DSBX_INIT_PATH='"$(BUILD)/init"' \
		-DSBX_POLICY_PATH='"manifests/policy.yaml"' \
		-DSBX_SESSION_TOOLS_PATH='"manifests/session-tools.json"' \
		-Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES) \
		>$@.log 2>&1 || { cat $@.log >&2; exit 1; }
	@touch $@

check-cppcheck:
	$(say) LINT cppcheck
	@mkdir -p $(BUILD)/cppcheck
	@ln -sf /usr/include/jansson.h $(BUILD)/cppcheck/
	@cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
		-j $(shell nproc) --enable=warning,portability \
		--suppressions-list=tests/lint/cppcheck-suppressions \
		-D_GNU_SOURCE -D__x86_64__ -DSBX_VERSION='""' -Irunner -I$(BUILD)/cppcheck \
		$(sort $(dir $(C_SOURCES)))

check-scripts:
	$(say) LINT shellcheck
	@shellcheck $(SCRIPTS)
	@for script in $(SCRIPTS); do \
		[ -x $$script ] || { echo "$$script: not executable"; exit 1; }; \
	done

# --- the rest ---------------------------------------------------------------

BENCH := $(BUILD)/bench
BENCH_SKILLS := $(patsubst %,$(BUILD)/%,$(wildcard bench/*skills/*/*)) \
	$(BENCH)/skills/static/program

.PHONY: bench bench-programs soak
bench: ## measure beside docker, podman, bubblewrap, tar: ONLY="paced output"
	@$(HARNESS)/setup bench
	+@$(SUBMAKE) all bench-programs
	@$(WITH_ENGINE) bench/run $(BUILD) $(ONLY)

soak: ## ten minutes of mixed load on one daemon: SECONDS=600
	@$(HARNESS)/setup test
	+@$(SUBMAKE) all bench-programs
	@$(WITH_ENGINE) bench/soak $(BUILD) $(or $(SECONDS),600)

bench-programs: $(BENCH)/pack $(BENCH)/redact $(BENCH)/load $(BENCH)/fetch \
	$(BENCH_SKILLS)

$(BENCH)/%: bench/%.c $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(say) BENCH $@
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< \
		$(BUILD)/libskillbox.a $(LIB_LIBS)

$(BENCH)/load: $(wildcard bench/load/*.[ch])
	@mkdir -p $(@D)
	$(say) BENCH $@
	$(Q)$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) -pthread -o $@ \
		$(filter %.c,$^) $(LIB_LIBS)

# As they are, and the one program that has to be compiled.
$(BENCH)/skills/static/program: bench/skills/static/program.c
	@mkdir -p $(@D)
	$(say) BENCH $@
	$(Q)$(MUSL_CC) -std=gnu11 -O2 $(WARNINGS) -static -s -o $@ $<

$(BENCH)/skills/%: bench/skills/%
	@mkdir -p $(@D)
	@cp $< $@

$(BENCH)/soak-skills/%: bench/soak-skills/%
	@mkdir -p $(@D)
	@cp $< $@

# For a while: two hours the first time, minutes for what has changed since.
.PHONY: mutation
mutation: all unit asan ## take out one check at a time: which test notices?
	@$(HARNESS)/setup test
	@tests/mutation/mutate run

PREFIX ?= /usr/local
.PHONY: install
install: all ## install under $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/skillbox $(DESTDIR)$(PREFIX)/bin/skillbox
	mkdir -p $(DESTDIR)$(PREFIX)/share/skillbox
	cp -R --no-preserve=ownership images manifests skills \
		$(DESTDIR)$(PREFIX)/share/skillbox/

.PHONY: clean
clean: engine-stop ## remove the build, and the private engines
	@$(HARNESS)/root clean
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
