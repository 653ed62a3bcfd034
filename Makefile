# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Objects go to build/ (build-asan/ with SANITIZE=1).

V ?= 0
SANITIZE ?= 0
FUZZ_SECONDS ?= 20
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
SKEL_DIR := build/skel
FUZZ := build-fuzz

Q := $(if $(filter 1,$(V)),,@)
SILENT := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(filter 1,$(V)),,@$(if $(SILENT),,printf '  %-8s %s\n' $(1) $(2);))
NPROC := $(shell nproc)
ifeq ($(filter 1,$(V)),)
MAKEFLAGS += --no-print-directory
endif

PKGS := libbpf yaml-0.1 jansson libevent libmnl libcurl libknot libssl libcrypto libpcre2-8
VERSION := $(shell git -c safe.directory='*' describe --always --dirty 2>/dev/null || echo unknown)
DATE := $(shell git -c safe.directory='*' log -1 --format=%cs 2>/dev/null)
version_flags = -DLBCTL_VERSION='"$(1)"' -DLBCTL_DATE='"$(DATE)"'
INCLUDES := -I. -Iinclude -I$(SKEL_DIR)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS ?= -O2 -g
# Asked once, and only when something is compiled: before scripts/setup ran there is no pkg-config.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
C_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(WARN) $(INCLUDES) $(PKG_CFLAGS)
ALL_CFLAGS = $(C_CFLAGS) -Werror $(CFLAGS) $(SAN)
LIBS = $(PKG_LIBS) -lelf -lz
FUZZ_CFLAGS = $(C_CFLAGS) -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer

BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
	-Iinclude -I. -Ibuild/bpf -fno-stack-protector -fno-strict-aliasing

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:%.bpf.c=build/%.bpf.o)
SKEL := $(BPF_SRC:bpf/%.bpf.c=$(SKEL_DIR)/%.skel.h)
USER_SRC := $(sort $(shell find user -name '*.c'))
LIB_SRC := $(filter-out user/lbctl.c,$(USER_SRC))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)

UNIT_SRC := $(wildcard tests/unit/test_*.c tests/unit/*/test_*.c)
UNIT := $(UNIT_SRC:%.c=$(B)/%)
PACKET_SRC := $(wildcard tests/packet/test_*.c)
PACKET := $(PACKET_SRC:%.c=$(B)/%)
PACKET_HELP := $(patsubst %.c,$(B)/%.o,$(filter-out $(PACKET_SRC),$(wildcard tests/packet/*.c)))
MODEL_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/model/*.c))
NET_SRC := $(wildcard tests/net/*/test_*.c)
NET_BIN := $(NET_SRC:%.c=$(B)/%)
NET := $(wildcard tests/net/test_*.sh tests/net/*/test_*.sh)
TOOL_SRC := $(filter-out %.bpf.c,$(wildcard tests/net/tools/*.c))
TOOL_BPF := $(patsubst %.c,$(B)/%.o,$(wildcard tests/net/tools/*.bpf.c))
TOOLS := $(TOOL_SRC:%.c=$(B)/%) $(TOOL_BPF)
KUBE := $(sort $(wildcard tests/kube/test_*.sh))
KUBE_TOOL := $(patsubst %.c,$(B)/%,$(wildcard tests/kube/*.c))
BENCH := $(B)/tests/bench/bench
BENCH_HELP := $(addprefix $(B)/tests/bench/bench_,case.o names.o plot.o programs.o report.o run.o stage.o)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS := $(FUZZ_SRC:%.c=$(FUZZ)/%)

C_FILES = $(sort $(wildcard include/lb/*.h bpf/*.[ch]) $(shell find user tests -name '*.[ch]'))
SH_FILES = $(sort $(shell grep -lE '^#!/bin/(ba)?sh' scripts/* .ci/* tests/net/*.sh tests/net/*/*.sh tests/kernels/* \
	tests/bench/* tests/kube/* 2>/dev/null) $(wildcard tests/net/*.sh tests/bench/*.sh tests/kube/*.sh))
TIDY := $(patsubst %.c,build/tidy/%,$(USER_SRC) $(TOOL_SRC))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all man pictures check test test-kube bench bench-short bench-compare bench-veth bench-connect bench-ingress bench-pktgen \
	bench-control kernels benchapi benchdns benchprobe unit packet \
	property net programs demo fuzz lint format install clean \
	help root setup FORCE

all: $(B)/lbctl ## build lbctl into build/

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 15
	@echo
	@echo 'V=1 shows the commands, SANITIZE=1 builds with ASan and UBSan into build-asan/,'
	@echo 'FUZZ_SECONDS=N sets the time of each fuzz target, KEEP=1 leaves the stage of the demo up.'

# ------------------------------------------------------------------- BPF --

build/bpf/vmlinux.h: scripts/vmlinux-h
	@mkdir -p $(@D)
	$(call say,GEN,$@)scripts/vmlinux-h $(BPFTOOL) >$@

build/bpf/%.bpf.o: bpf/%.bpf.c build/bpf/vmlinux.h
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
	$(Q)llvm-strip -g $@

$(B)/tests/%.bpf.o: tests/%.bpf.c build/bpf/vmlinux.h
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(SKEL_DIR)/%.skel.h: build/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $* >$@

$(SKEL_DIR)/bench.skel.h: build/tests/bench/bench.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name bench >$@

$(SKEL_DIR)/veth.skel.h: build/tests/bench/veth.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name veth >$@

# ------------------------------------------------------------------ user --

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Before their .d files exist, nothing else says that these need the skeletons.
$(filter $(B)/user/datapath/%,$(LIB_OBJ)) $(PACKET:%=%.o) $(PACKET_HELP) $(MODEL_OBJ) $(NET_BIN:%=%.o): | $(SKEL)

# The version is compiled into one file, which alone is built again when it changes.
$(B)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
$(B)/user/util/version.o: $(B)/version
$(B)/user/util/version.o: CFLAGS += $(call version_flags,$(VERSION))

$(B)/liblbctl.a: $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(B)/lbctl: $(B)/user/lbctl.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -o $@

# Both are what the binary says of itself.
man: build/man/lbctl.1 ## the manual's pages, into build/man/

build/man/lbctl.1: $(B)/lbctl
	@rm -rf build/man && mkdir -p build/man
	$(call say,MAN,build/man)$< completion candidates -- '' | cut -f 1 | while read -r command; do \
		$< manual $$command >build/man/lbctl-$$command.1 || exit 1; done
	$(Q)$< manual >$@

COMPLETIONS := build/completion/bash build/completion/zsh build/completion/fish
$(COMPLETIONS): build/completion/%: $(B)/lbctl
	@mkdir -p $(@D)
	$(call say,GEN,$@)$< completion $* >$@

install: all man $(COMPLETIONS) ## install to PREFIX (/usr/local), below DESTDIR
	install -D -m 755 build/lbctl $(DESTDIR)$(PREFIX)/bin/lbctl
	install -D -m 644 scripts/lbctl.service $(DESTDIR)$(PREFIX)/lib/systemd/system/lbctl.service
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 build/man/*.1
	install -D -m 644 build/completion/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lbctl
	install -D -m 644 build/completion/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lbctl
	install -D -m 644 build/completion/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lbctl.fish
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/lbctl deploy/grafana/lbctl.json deploy/prometheus/lbctl.rules.yaml

# ----------------------------------------------------------------- tests --

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lcmocka -lm -o $@

$(B)/tests/packet/%: $(B)/tests/packet/%.o $(PACKET_HELP) $(MODEL_OBJ) $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lcmocka -lm -o $@

$(B)/tests/net/tools/%: $(B)/tests/net/tools/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lm -o $@

$(B)/tests/net/%: $(B)/tests/net/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lcmocka -lm -o $@

$(B)/tests/kube/%: $(B)/tests/kube/%.o $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -o $@

$(B)/tests/bench/veth.o: | $(SKEL_DIR)/veth.skel.h
TRAFFIC := $(addprefix $(B)/tests/bench/,connect veth)
TRAFFIC_HELP := $(addprefix $(B)/tests/bench/,goal.o netns.o sample.o)
$(TRAFFIC): $(B)/tests/bench/%: $(B)/tests/bench/%.o $(TRAFFIC_HELP) $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $^ $(LIBS) -lm -o $@

$(B)/tests/bench/bench_control: $(addprefix $(B)/tests/bench/,control.o control_nft.o goal.o sample.o netns.o)

$(BENCH).o $(BENCH_HELP): | $(SKEL) $(SKEL_DIR)/bench.skel.h
$(BENCH): $(BENCH_HELP)
$(B)/tests/bench/bench_dns: $(B)/tests/bench/bench_names.o
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(PACKET_HELP) $(B)/liblbctl.a
	$(call say,LD,$@)$(CC) $(SAN) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lcmocka -lm -o $@

programs: all $(UNIT) $(PACKET) $(NET_BIN) $(TOOLS)

unit: $(UNIT)
	$(Q)scripts/run-tests $(UNIT)

packet: root $(PACKET)
	$(Q)scripts/run-tests $(PACKET)

property: root $(B)/tests/packet/test_property ## a million packets in clusters by lot, against an independent model
	$(Q)PROPERTY=$${PROPERTY:-1000000} $(B)/tests/packet/test_property

net: root all $(NET_BIN) $(TOOLS)
	$(Q)scripts/run-tests $(NET_BIN) $(NET)

check: ## unit tests, with AddressSanitizer and UndefinedBehaviorSanitizer; needs no root
	$(Q)$(MAKE) SANITIZE=1 unit

test: root setup ## all tests: unit, packet (BPF test runs), net (end to end); needs root
	$(Q)$(MAKE) -j$(NPROC) programs
	$(Q)scripts/run-tests $(UNIT) $(PACKET) $(NET_BIN) $(NET)

test-kube: root setup ## tests against a real API server, which the first time is built for some minutes
	$(Q)$(MAKE) -j$(NPROC) all $(TOOLS) $(KUBE_TOOL)
	$(Q)scripts/kube-build >/dev/null
	$(Q)scripts/run-tests $(KUBE)

BENCH_OUT ?= docs/bench

bench: root setup ## nanoseconds a packet, by BPF test runs: 4 minutes; needs root and a quiet machine
	$(Q)$(MAKE) -j$(NPROC) $(BENCH)
	$(Q)mkdir -p $(BENCH_OUT)
	$(Q)$(BENCH) --json $(BENCH_OUT)/packet.json --svg $(BENCH_OUT)/packet.svg >$(BENCH_OUT)/packet.txt
	$(Q)cat $(BENCH_OUT)/packet.txt

bench-short: root ## the same in short; fails when a program has grown since docs/bench was written
	$(Q)$(MAKE) -j$(NPROC) $(BENCH) $(B)/tests/bench/bench_compare
	$(Q)$(BENCH) --short --rounds 3 --json build/bench-short.json
	$(Q)$(B)/tests/bench/bench_compare --sizes docs/bench/packet.json -- build/bench-short.json

bench-compare: root ## this tree beside another revision: BASE=REVISION; fails when something got worse
	$(Q)$(MAKE) -j$(NPROC) $(BENCH) $(B)/tests/bench/bench_compare
	$(Q)tests/bench/compare.sh

bench-ingress: root all $(TOOLS) ## requests a second through the Ingress, beside HAProxy by hand, and changes under load: 8 minutes
	$(Q)tests/bench/ingress.sh

benchdns: root setup ## questions to DNS a second, beside unbound and knotd; needs root and a quiet machine
	$(Q)$(MAKE) all $(B)/tests/bench/bench_dns
	$(Q)tests/bench/dns.sh

bench-veth: root all $(B)/tests/bench/veth ## packets a second through a node, beside kube-proxy's rules: 3 minutes
	$(Q)tests/bench/veth.sh --json build/bench-veth.json

bench-connect: root all $(B)/tests/bench/connect ## connections a second by cluster IP, beside kube-proxy's rules: 1 minute
	$(Q)tests/bench/connect.sh --json build/bench-connect.json

bench-pktgen: root all $(B)/tests/bench/veth.bpf.o ## packets a second by the kernel's pktgen, in QEMU where the host has none: 3 minutes
	$(Q)tests/bench/pktgen/run --json build/bench-pktgen.json

benchapi: root all $(B)/tests/bench/bench_api ## what the objects of a big cluster cost, and how soon maps follow
	$(Q)$(B)/tests/bench/bench_api $(B)/lbctl

bench-control: root all $(B)/tests/bench/bench_control ## what changes cost the agent, beside nft; CPU time and memory: 2 minutes
	@command -v nft >/dev/null || { echo 'this needs nft: apt-get install nftables' >&2; exit 1; }
	$(Q)$(B)/tests/bench/bench_control --json build/bench-control.json

benchprobe: root all $(B)/tests/bench/bench_probe ## what 10,000 probes cost, and how soon maps follow
	$(Q)$(B)/tests/bench/bench_probe $(B)/lbctl

demo: root setup ## stage a cluster in network namespaces and tell the story; KEEP=1 leaves it up
	$(Q)$(MAKE) -j$(NPROC) all $(TOOLS)
	$(Q)scripts/demo

pictures: root setup ## the README's pictures, docs/pictures/, from the demo's stage
	$(Q)$(MAKE) -j$(NPROC) all $(TOOLS)
	$(Q)scripts/pictures

KERNELS ?= linux-image-cloud-amd64

kernels: root all $(PACKET) $(TOOLS) ## packet tests under other kernels, in QEMU: KERNELS="PACKAGE..."
	$(Q)tests/kernels/run $(KERNELS)

root:
	@[ "$$(id -u)" = 0 ] || { echo 'this needs root: sudo make $(MAKECMDGOALS)' >&2; exit 1; }

setup:
	$(Q)scripts/setup

# ------------------------------------------------------------------ fuzz --

$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZ)/user/util/version.o: FUZZ_CFLAGS += $(call version_flags,fuzz)
$(patsubst %.c,$(FUZZ)/%.o,$(filter user/datapath/%,$(LIB_SRC))): | $(SKEL)

$(FUZZ)/liblbctl.a: $(LIB_SRC:%.c=$(FUZZ)/%.o)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(FUZZ)/tests/fuzz/%: $(FUZZ)/tests/fuzz/%.o $(FUZZ)/liblbctl.a
	$(call say,LD,$@)$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(LIBS) -o $@

fuzz: $(FUZZERS) ## run each fuzz target for FUZZ_SECONDS
	$(Q)scripts/fuzz $(FUZZ_SECONDS) $(FUZZERS)

# ------------------------------------------------------------------ lint --

build/tidy/%: %.c .clang-tidy | $(SKEL)
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- $(C_CFLAGS) $(call version_flags,tidy) \
		2>$@.log || { cat $@.log; exit 1; }
	@touch $@

lint: $(TIDY) ## formatting, clang-tidy, shellcheck, layers, sizes, licences
	$(call say,FORMAT,C)clang-format --dry-run -Werror $(C_FILES)
	$(call say,SHELL,scripts)shellcheck -x -S warning $(SH_FILES)
	$(call say,CHECK,layers)scripts/check-layers
	$(call say,CHECK,sizes)scripts/check-size $(C_FILES) $(SH_FILES)
	$(call say,CHECK,licences)scripts/check-spdx

format: ## format all C files
	$(Q)clang-format -i $(C_FILES)

clean: ## remove everything that was built
	$(Q)rm -rf build build-asan build-fuzz

-include $(shell find $(B)/user $(B)/tests build/bpf build/tests $(FUZZ) -type f -name "*.d" 2>/dev/null)
