# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Objects go to build/ (build-asan/ with SANITIZE=1).

V ?= 0
SANITIZE ?= 0
PREFIX ?= /usr/local
CC = gcc
CLANG ?= clang
BPFTOOL ?= /usr/sbin/bpftool

ifeq ($(SANITIZE),1)
B := build-asan
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
B := build
endif

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$(2));)

PKGS := libbpf yaml-0.1 jansson libevent libmnl
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
INCLUDES := -I. -Iinclude -I$(B)/skel
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(WARN) $(INCLUDES) $(CFLAGS) $(SAN) \
	$(shell pkg-config --cflags $(PKGS))
LIBS = $(shell pkg-config --libs $(PKGS)) -lelf -lz

BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
	-Iinclude -I. -I$(B)/bpf -fno-stack-protector

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:%.bpf.c=$(B)/%.bpf.o)
SKEL := $(BPF_SRC:bpf/%.bpf.c=$(B)/skel/%.skel.h)
USER_SRC := $(sort $(shell find user -name '*.c'))
LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out user/lbctl.c,$(USER_SRC)))
TEST_SRC := $(wildcard tests/unit/*/test_*.c tests/unit/test_*.c tests/packet/test_*.c)
TESTS := $(TEST_SRC:%.c=$(B)/%)
TOOL_SRC := $(wildcard tests/net/tools/*.c)
TOOLS := $(TOOL_SRC:%.c=$(B)/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRC:%.c=build-fuzz/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all check test bench fuzz lint format install demo clean help unit packet net

all: $(B)/lbctl ## build lbctl

# ------------------------------------------------------------------- BPF --

$(B)/bpf/vmlinux.h: scripts/vmlinux-h
	@mkdir -p $(@D)
	$(call say,GEN,$@)scripts/vmlinux-h $(BPFTOOL) >$@

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(B)/bpf/vmlinux.h
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
	$(Q)llvm-strip -g $@

$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $* >$@

# ------------------------------------------------------------------ user --

$(B)/%.o: %.c | $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -DLBCTL_VERSION='"$(VERSION)"' -MMD -MP -c $< -o $@

$(B)/liblbctl.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(B)/lbctl: $(B)/user/lbctl.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -o $@

# ----------------------------------------------------------------- tests --

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lcmocka -o $@

$(B)/tests/packet/%: $(B)/tests/packet/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lcmocka -o $@

$(B)/tests/net/tools/%: $(B)/tests/net/tools/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -o $@

-include $(BPF_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(B)/user/lbctl.d $(TESTS:=.d) $(TOOLS:=.d)
