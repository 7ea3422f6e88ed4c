# `make run` and `make test` are the two main commands; the rest are their parts.

PREFIX ?= /usr
export CARGO_TERM_COLOR ?= auto
# Overrides the machine's own settings of cargo.
export CARGO_TARGET_DIR := $(CURDIR)/target

# Goes before a command that needs Rust or Node.js.
tools := PATH=$$(scripts/tools) && export PATH &&
# Overrides the machine's own settings of npm.
npm_ci := npm ci --no-audit --no-fund --include=dev --include=optional

web_sources := $(shell find gallery/web -type f -not -path '*/node_modules/*' -not -path '*/dist/*')

.DEFAULT_GOAL := build
.PHONY: run build test brokers clean-room bench soak growth screenshots chaos power lint advisories install clean

# Passes ARGS to the program.
run: build
	./target/release/vitrina $(ARGS)

build: gallery/web/dist
	$(tools) cargo build --release --locked

# The page. Cargo embeds it, so it comes before every build.
gallery/web/dist: $(web_sources)
	$(tools) cd gallery/web && $(npm_ci) && npm run --silent build
	touch $@

test: gallery/web/dist
	scripts/test

# Everything on other brokers: Mosquitto, aedes, and RabbitMQ of two releases of Debian, each in a folder of its own; half an hour.
brokers: gallery/web/dist
	scripts/need util-linux:setpriv mosquitto:mosquitto mosquitto-clients:mosquitto_sub openssl:openssl mmdebstrap:mmdebstrap debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg
	$(tools) cargo build --locked && cd tests && $(npm_ci) --silent && node --test --test-reporter=spec brokers/*.test.mjs

# Follows the README on fresh machines, Debian 12 and 13; an hour or more.
clean-room:
	scripts/need mmdebstrap:mmdebstrap debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg slirp4netns:slirp4netns iproute2:ip git:git
	$(tools) cd tests && CI=true ROOMS=. ROOMS_PROFILE=release node --test --test-reporter=spec clean-room/*.test.mjs

lint: gallery/web/dist
	$(tools) scripts/lint

# Known faults of the crates that the program is made of; it fetches RustSec's list from GitHub.
advisories: lint
	$(tools) target/tools/bin/cargo-deny check advisories

# Measures beside other programs and writes docs/performance.md; some minutes.
bench: build
	$(tools) cargo build --release --locked --package gallery --example fill
	scripts/need mosquitto:mosquitto mosquitto-clients:mosquitto_sub chromium:chromium ustreamer:ustreamer python3-websockets:websockets
	$(tools) cd tests && $(npm_ci) --silent && VITRINA=../target/release/vitrina UV_THREADPOOL_SIZE=8 node bench/run.mjs

# Watches memory for an hour with viewers that are slow or stall; writes docs/soak.md. SOAK_SECONDS makes it shorter;
# on a machine that does other work, give it priority: nice -n -15 make soak.
soak: build
	$(tools) cd tests && $(npm_ci) --silent && VITRINA=../target/release/vitrina node bench/soak.mjs

# Five minutes instead of the tests' one: a page watches eight cameras, and neither page nor gallery grows.
growth: build
	scripts/need util-linux:setpriv chromium:chromium
	$(tools) cd tests && $(npm_ci) --silent && GROWTH_SECONDS=300 VITRINA=../target/release/vitrina node --test --test-reporter=spec browser/growth.test.mjs

# Pictures of each room and state of the page at three sizes, in target/screenshots; LOCALE sets the language.
screenshots: gallery/web/dist
	scripts/need util-linux:setpriv chromium:chromium
	$(tools) cargo build --locked && cd tests && $(npm_ci) --silent && node screenshots.mjs ../target/screenshots

# Ten minutes instead of the tests' one: it kills every part and cuts the link, and no photo is lost.
chaos: build
	scripts/need util-linux:setpriv
	$(tools) cd tests && CHAOS_SECONDS=600 VITRINA=../target/release/vitrina node --test --test-reporter=spec chaos/*.test.mjs

# The same for the gallery's machine, a virtual one whose power it cuts ten times.
power: build
	scripts/need util-linux:setpriv qemu-system-x86:qemu-system-x86_64 python3:python3 binutils:objcopy
	$(tools) cd tests && POWER_CUTS=10 VITRINA=../target/release/vitrina node --test --test-reporter=spec power/*.test.mjs

# Installs the program, its units and its configuration; DESTDIR and PREFIX as usual.
# It builds nothing, because the build may belong to another user.
install:
	@test -x target/release/vitrina || { echo 'there is nothing to install yet: make comes first' >&2; exit 1; }
	install -D -m 755 target/release/vitrina $(DESTDIR)$(PREFIX)/bin/vitrina
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system systemd/*.service
	install -D -m 644 systemd/vitrina.sysusers $(DESTDIR)/usr/lib/sysusers.d/vitrina.conf
	target/release/vitrina manual $(DESTDIR)$(PREFIX)/share
	test -e $(DESTDIR)/etc/vitrina/vitrina.toml || install -D -m 644 vitrina.toml $(DESTDIR)/etc/vitrina/vitrina.toml

clean:
	cargo clean
	rm -rf gallery/web/dist gallery/web/node_modules tests/node_modules
