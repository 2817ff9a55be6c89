# DOG's build. SwiftPM compiles the Swift; this file knows what a release looks like and how it is tested.
#
#   make          build/lib/libdog.so, build/include/dog.h, build/lib/pkgconfig/dog.pc, build/bin/*
#   make help     every target

BUILD   ?= build
SCRATCH ?= .build
PREFIX  ?= /usr/local
DESTDIR ?=
SWIFT   ?= swift
CC      ?= cc
PYTHON  ?= /usr/bin/python3
CFLAGS  ?= -O2
export BUILD SCRATCH SWIFT PYTHON

version_part = $(shell sed -n 's/^\#define DOG_VERSION_$(1) //p' include/dog.h)
MAJOR   := $(call version_part,MAJOR)
VERSION := $(MAJOR).$(call version_part,MINOR).$(call version_part,PATCH)
SONAME  := libdog.so.$(MAJOR)
LIBRARY := libdog.so.$(VERSION)

EXAMPLES := $(patsubst examples/c/%.c,%,$(wildcard examples/c/*.c))
# For find_package(dog): their paths are relative, so the build folder and a prefix have the same.
CMAKE_FILES := $(patsubst cmake/%.in,lib/cmake/dog/%,$(wildcard cmake/*.cmake.in))
STEP     := scripts/step.sh
ABSOLUTE := $(abspath $(BUILD))

# Library and host get the same flags, those of the linker too: SwiftPM compiles everything again when one differs.
# The version script and the SONAME mean nothing to an executable. lld, which comes with Swift, keeps what is not
# exported out of the dynamic symbol table; gold leaves traces of it there.
SWIFT_FLAGS = -c release --scratch-path $(SCRATCH) --disable-local-rpath -Xswiftc -static-stdlib -Xswiftc -use-ld=lld \
  -Xlinker --version-script=$(ABSOLUTE)/exports.map -Xlinker --gc-sections -Xlinker -soname=$(SONAME)
RELEASE = $(SCRATCH)/release
# Warnings are errors where nobody would read them.
EXAMPLE_FLAGS = -std=c11 $(CFLAGS) -Wall -Wextra -pedantic $(if $(CI),-Werror) -pthread

.PHONY: build all setup setup-test demo test quick test-asan test-tsan fuzz soak storm random bench fresh abi fmt lint
.PHONY: install uninstall clean help swift-lib swift-host swift-example bindings tables python node conformance-host
.PHONY: test-build
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
# SwiftPM uses every core by itself, and two of it in one folder wait for one another.
.NOTPARALLEL:

all: build
build: setup lib bin
.PHONY: lib bin
lib: $(BUILD)/lib/libdog.so $(BUILD)/include/dog.h $(BUILD)/lib/pkgconfig/dog.pc $(CMAKE_FILES:%=$(BUILD)/%)
bin: $(BUILD)/bin/dog-host $(EXAMPLES:%=$(BUILD)/bin/%)

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test

# ---- build ---------------------------------------------------------------------------------------------------------

# SwiftPM knows best what is out of date, so it is always asked; replace.sh keeps what did not change as old as it is.
# It would compile with a CC that is not its own.
SWIFT_BUILD = env -u CC -u CXX $(SWIFT) build $(SWIFT_FLAGS)
swift-lib: $(BUILD)/exports.map | setup
	@$(STEP) 'libdog.so (Swift, release)' $(BUILD)/log/libdog.log $(SWIFT_BUILD) --product dog
	@scripts/replace.sh $(RELEASE)/libdog.so $(BUILD)/lib/$(LIBRARY)

swift-host: swift-lib
	@$(STEP) 'dog-host (Swift, release)' $(BUILD)/log/dog-host.log $(SWIFT_BUILD) --product dog-host
	@scripts/replace.sh $(RELEASE)/dog-host $(BUILD)/bin/dog-host

$(BUILD)/exports.map: include/dog.h scripts/exports.sh | setup
	@mkdir -p $(@D)
	@CC='$(CC)' scripts/exports.sh $< > $@

$(BUILD)/lib/$(LIBRARY): swift-lib ;
$(BUILD)/bin/dog-host: swift-host ;

$(BUILD)/lib/libdog.so: $(BUILD)/lib/$(LIBRARY)
	@ln -sf $(LIBRARY) $(BUILD)/lib/$(SONAME)
	@ln -sf $(SONAME) $@

$(BUILD)/include/dog.h: include/dog.h
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/lib/pkgconfig/dog.pc: dog.pc.in include/dog.h
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(ABSOLUTE)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(BUILD)/lib/cmake/dog/%: cmake/%.in include/dog.h
	@mkdir -p $(@D)
	@sed -e 's|@VERSION@|$(VERSION)|' -e 's|@MAJOR@|$(MAJOR)|' -e 's|@LIB_TO_INCLUDE@|../include|' $< > $@

$(BUILD)/bin/%: examples/c/%.c $(wildcard examples/c/*.h) $(BUILD)/include/dog.h $(BUILD)/lib/libdog.so
	@mkdir -p $(@D)
	@$(STEP) 'bin/$* (C example)' $(BUILD)/log/$*.log $(CC) $(EXAMPLE_FLAGS) -I$(BUILD)/include $< -o $@ \
	  -L$(BUILD)/lib -ldog -Wl,-rpath,'$$ORIGIN/../lib'

# The language's own package, laid out in $(BUILD)/bindings, against the library built here. Lua has nothing to build.
bindings: python node
# What they say of dog.h, from dog.h; nothing is written where that has not changed.
tables: setup-test
	@$(PYTHON) scripts/tables.py
python: setup-test build tables
	@$(STEP) 'bindings/python' $(BUILD)/log/python.log $(PYTHON) bindings/python/build.py
node: setup-test build tables
	@$(STEP) 'bindings/node' $(BUILD)/log/node.log node bindings/node/build.js

demo: build
	@exec $(BUILD)/bin/dog-host demo $(ARGS)

# ---- test ----------------------------------------------------------------------------------------------------------

# What the suites want.
test-build: build bindings conformance-host swift-example

# The host of Tests/conformance that is written in Swift.
conformance-host: build
	@$(STEP) 'conformance-host (Swift, release)' $(BUILD)/log/conformance-host.log \
	  $(SWIFT_BUILD) --product conformance-host
	@scripts/replace.sh $(RELEASE)/conformance-host $(BUILD)/bin/conformance-host

# The program of the package in examples/swift.
swift-example: build
	@$(STEP) 'swift-chat (Swift example)' $(BUILD)/log/swift-chat.log $(SWIFT_BUILD) --product swift-chat
	@scripts/replace.sh $(RELEASE)/swift-chat $(BUILD)/bin/swift-chat

# Builds, and runs every suite, or those of SUITE, as scripts/test.py says. It asks for the build itself, so that what
# needs none is compiled meanwhile.
test: setup-test
	@$(PYTHON) scripts/test.py --build $(SUITE)

# In less than two minutes where all is built: for between two edits.
quick:
	@$(PYTHON) scripts/test.py --build quick

test-asan: setup-test
	@scripts/sanitized.sh address
	@BUILD=$(BUILD)/address SCRATCH=$(SCRATCH)/address $(PYTHON) scripts/test.py --sanitize address

test-tsan: setup-test
	@scripts/sanitized.sh thread
	@BUILD=$(BUILD)/thread SCRATCH=$(SCRATCH)/thread $(PYTHON) scripts/test.py --sanitize thread

fuzz: setup-test
	@$(PYTHON) Tests/fuzz/fuzz.py $(FUZZERS)

soak: setup-test build
	@$(PYTHON) Tests/soak/soak.py

storm: setup-test build
	@$(PYTHON) Tests/random/run.py $@

random: setup-test build
	@$(PYTHON) Tests/random/run.py $@

# What each binding costs, beside the usual servers of its language, in one table.
bench: build bindings
	@$(PYTHON) bench/run.py $(ARGS)

# The README's two commands on a really fresh Debian, as scripts/fresh.sh says.
fresh:
	@scripts/fresh.sh

# Takes what was added to dog.h into the baseline that Tests/abi compares with.
abi: setup-test
	@$(PYTHON) Tests/abi/abi.py --update

fmt:
	@$(SWIFT) format format --in-place --recursive --parallel Package.swift Sources Tests examples

lint:
	@$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests examples

# ---- install -------------------------------------------------------------------------------------------------------

INSTALLED = lib/$(LIBRARY) lib/$(SONAME) lib/libdog.so lib/pkgconfig/dog.pc $(CMAKE_FILES) \
  include/dog.h bin/dog-host
# For the shell, since there may be spaces in it.
INTO = '$(DESTDIR)$(PREFIX)'

install: build
	@install -d $(INTO)/lib/pkgconfig $(INTO)/lib/cmake/dog
	@install -d $(INTO)/include $(INTO)/bin
	@install -s -m 644 $(BUILD)/lib/$(LIBRARY) $(INTO)/lib/$(LIBRARY)
	@ln -sf $(LIBRARY) $(INTO)/lib/$(SONAME)
	@ln -sf $(SONAME) $(INTO)/lib/libdog.so
	@install -m 644 $(CMAKE_FILES:%=$(BUILD)/%) $(INTO)/lib/cmake/dog
	@install -m 644 include/dog.h $(INTO)/include/dog.h
	@install -s -m 755 $(BUILD)/bin/dog-host $(INTO)/bin/dog-host
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' dog.pc.in > $(INTO)/lib/pkgconfig/dog.pc
	@echo "Installed in $(DESTDIR)$(PREFIX): $(INSTALLED)"

uninstall:
	@rm -f $(INSTALLED:%=$(INTO)/%)
	@echo "Removed from $(DESTDIR)$(PREFIX): $(INSTALLED)"

clean:
	@rm -rf $(BUILD) $(SCRATCH)

help:
	@echo 'make             set up what is missing and build: $(BUILD)/lib, $(BUILD)/include, $(BUILD)/bin'
	@echo 'make demo        build, then serve the chat room on http://127.0.0.1:8787   (ARGS="--port 9000 --workers 2")'
	@echo 'make test        build, and run every suite   (SUITE="wire capi", SUITE=Tests/wire/test_rules.py for some)'
	@echo 'make quick       the suites that find most, in less than two minutes where all is built'
	@echo 'make test-asan   the tests under the address sanitizer; make test-tsan: under the thread sanitizer'
	@echo 'make fuzz        each fuzzer for FUZZ_SECONDS (600); FUZZERS="frame close" for some of them'
	@echo 'make bindings    the packages for Python and Node, in $(BUILD)/bindings'
	@echo 'make bench       what each binding costs, in one table   (ARGS="--only Python --rounds 5")'
	@echo 'make abi         takes additions to dog.h into the ABI baseline, on purpose'
	@echo 'make soak        mixed traffic for SOAK_SECONDS (600), after which everything is as it was'
	@echo 'make storm       order and completeness of every message for STORM_SECONDS (600), from STORM_SEED'
	@echo 'make random      anything dog.h has, among clients of all kinds, for RANDOM_SECONDS (600), from RANDOM_SEED'
	@echo 'make fresh       demo and test on a really fresh Debian; as root   (DEBIAN=trixie FIRST=test)'
	@echo 'make setup       check what the build needs and install the Debian packages that are missing'
	@echo 'make install     into PREFIX=$(PREFIX), below DESTDIR if that is set; make uninstall takes it out again'
	@echo 'make fmt         format the Swift sources; make lint: say what is not formatted'
	@echo 'make clean       remove $(BUILD) and $(SCRATCH)'
