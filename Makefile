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
LIBRARIES := libcurl jansson libarchive yaml-0.1 libsodium

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

# Lazily, so that "make run" can install pkg-config first.
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES))
LIB_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES))

LAYERS := base codec engine skill sandbox cli
SOURCES := $(wildcard $(LAYERS:%=runner/%/*.c))
OBJECTS := $(SOURCES:runner/%.c=$(BUILD)/obj/%.o)
MODULES := $(filter-out $(BUILD)/obj/cli/main.o,$(OBJECTS))
INIT_SOURCES := $(wildcard runner/init/*.c)
INIT_HEADERS := $(wildcard runner/init/*.h)

.PHONY: all
all: $(BUILD)/skillbox $(BUILD)/init

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
	$(MUSL_CC) $(INIT_CFLAGS) -D_GNU_SOURCE -Irunner -I$(BUILD)/gen \
		-isystem $(BUILD)/gen/kernel -static -s -Wl,--gc-sections \
		-Wl,-z,noexecstack,-z,relro -o $@ $(INIT_SOURCES)

# --- the program ------------------------------------------------------------

$(BUILD)/obj/%.o: runner/%.c | $(INIT_BUILD_ID)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# init travels inside the program.
$(BUILD)/obj/sandbox/init_blob.o: $(BUILD)/init
$(BUILD)/obj/sandbox/init_blob.o: CPPFLAGS += \
	-DSBX_INIT_PATH='"$(abspath $(BUILD)/init)"'

$(BUILD)/libskillbox.a: $(MODULES)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/skillbox: $(BUILD)/obj/cli/main.o $(BUILD)/libskillbox.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS)

# --- unit tests -------------------------------------------------------------

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libskillbox.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -o $@ \
		$< $(BUILD)/libskillbox.a $(LIB_LIBS) -lcmocka

.PHONY: unit
unit: $(UNIT_TESTS)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)
