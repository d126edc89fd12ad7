# What the scripts of the clients share. Sourced by bash, in the root of the project.
set -euo pipefail

library=${RSIPC_LIBDIR:-$PWD/target/release}/librsipc.so
scratch=${CLIENTS_DIR:-$PWD/target/clients}
mkdir -p "$scratch"
unset LD_PRELOAD "${!RSIPC_@}"

say() { printf '  %s\n' "$*"; }
fail() {
	printf '  FAILED: %s\n' "$*" >&2
	exit 1
}

# What a client has to preload behind the library.
behind=

# on_librsipc COMMAND...
on_librsipc() { env LD_PRELOAD="$library $behind" RSIPC_VERBOSE=1 "$@"; }

# library_for_all DIRECTORY: a copy of the library there, where all users may look.
library_for_all() {
	chmod 755 "$1"
	cp "$library" "$1/librsipc.so"
	library=$1/librsipc.so
}

# soon COMMAND...: whether it succeeds within ten seconds or so.
soon() {
	local left=1000
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.01
	done
}

# Does the library have this function?
exports() { nm -D --defined-only "$library" | grep -q " $1\$"; }

# packages COMMAND_OR_FILE:PACKAGE...: those that are missing come from the distribution.
packages() {
	local wanted missing=()
	for wanted; do
		[ -e "${wanted%%:*}" ] || missing+=("${wanted#*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		fail "needs ${missing[*]} (names of Debian's packages), and there is no apt-get here to install them"
	elif [ "$(id -u)" -ne 0 ]; then
		fail "needs ${missing[*]}; install them as root with: apt-get install ${missing[*]}"
	fi
	say "installs ${missing[*]}"
	{
		apt-get update -qq
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
	} >"$scratch/apt.log" 2>&1 || fail "apt-get could not install ${missing[*]}; see $scratch/apt.log"
}

# bound COMMAND...: asks the loader where a program, and what it loads, gets our functions from. All have to come from
# the library.
bound() {
	rm -f "$scratch"/bindings.*
	LD_DEBUG=bindings LD_DEBUG_OUTPUT=$scratch/bindings LD_BIND_NOW=1 LD_PRELOAD="$library $behind" "$@" >/dev/null ||
		fail "$* does not start under the library"
	nm -D --defined-only "$library" | awk '{ print $NF }' >"$scratch/exports"
	# binding file PROGRAM [0] to LIBRARY [0]: normal symbol `NAME' [VERSION]
	sed -nE "s/.*binding file (.*) \[0\] to (.*) \[0\]: normal symbol \`(.*)'.*/\3 \2 \1/p" "$scratch"/bindings.* |
		awk -v library="$library" 'NR == FNR { ours[$1]; next } $1 in ours && $3 != library' "$scratch/exports" - |
		sort -u >"$scratch/bound"
	rm -f "$scratch"/bindings.*
	if [ ! -s "$scratch/bound" ]; then
		fail "$1 takes nothing that the library has"
	elif grep -v " $library " "$scratch/bound" >&2; then
		fail "$1 takes these from elsewhere"
	fi
	say "from librsipc: $(awk '{ print $1 }' "$scratch/bound" | sort -u | tr '\n' ' ')"
}

# takes FUNCTION...: the program that bound() has asked about gets these, among others, from the library.
takes() {
	local function
	for function; do
		grep -q "^$function " "$scratch/bound" || fail "$function does not come from the library"
	done
}

python=/usr/bin/python3.11
environment=$scratch/python

# python_packages PACKAGE...: a Python of our own with pytest and these packages, from PyPI.
python_packages() {
	packages $python:python3.11 /usr/lib/python3.11/ensurepip:python3.11-venv
	[ -x "$environment/bin/pip" ] || $python -m venv --clear "$environment"
	"$environment/bin/pip" install --quiet pytest "$@" >"$scratch/pip.log" 2>&1 ||
		fail "pip could not install pytest $*; see $scratch/pip.log"
}

# sdist NAME VERSION: the source of a package, with its tests, from PyPI, in $scratch/NAME-VERSION.
sdist() {
	local source=$scratch/$1-$2
	[ ! -e "$source/PKG-INFO" ] || return 0
	say "downloads the source of $1 $2 from PyPI"
	"$environment/bin/pip" download --quiet --no-binary :all: --no-deps --dest "$scratch" "$1==$2" \
		>"$scratch/pip.log" 2>&1 || fail "pip could not download $1; see $scratch/pip.log"
	tar -xzf "$source.tar.gz" -C "$scratch"
}

# count OUTCOME FILE: how many lines of outcomes.py begin with it. Prints 0 for none.
count() { awk -v outcome="$1" '$1 == outcome { n++ } END { print n + 0 }' "$2"; }

# tally NAME FILE: "NAME: N passed, N failed", of what outcomes.py has written.
tally() {
	local failed
	failed=$(($(count failure "$2") + $(count error "$2")))
	say "$1: $(count passed "$2") passed, $failed failed, $(count skipped "$2") skipped"
}

# built_package NAME VERSION: a package with C in it, built from its source, in our own Python.
built_package() {
	packages /usr/bin/gcc:gcc /usr/include/python3.11/Python.h:python3.11-dev
	python_packages
	sdist "$1" "$2"
	"$environment/bin/pip" install --quiet "$scratch/$1-$2" >"$scratch/pip.log" 2>&1 ||
		fail "pip could not build $1; see $scratch/pip.log"
}

posix_ipc_version=1.3.2
posix_ipc_package() { built_package posix_ipc $posix_ipc_version; }

# suite NAME TESTS DIRECTORY: a package's own tests by pytest, on glibc and preloaded. So many, and no fewer, have to
# pass on both. Standard input is not captured: a test of posix_ipc wants its number.
suite() {
	local name=$1 tests=$2 directory=$3 side outcomes good=yes
	for side in glibc librsipc; do
		outcomes=$scratch/$name-$side
		rm -f "$outcomes".{xml,txt}
		local run=(env)
		[ $side = glibc ] || run=(on_librsipc)
		(cd "$directory" && "${run[@]}" timeout --kill-after=10 300 "$environment/bin/python" -m pytest \
			-p no:cacheprovider --capture=no --junit-xml "$outcomes.xml" tests) >"$outcomes.log" 2>&1 || true
		[ -s "$outcomes.xml" ] || fail "the tests of $name have left no results; see $outcomes.log"
		$python tests/clients/outcomes.py "$outcomes.xml" >"$outcomes.txt"
		[ "$(count passed "$outcomes.txt")" -eq "$tests" ] || good=no
		tally "$name, $side" "$outcomes.txt"
	done
	grep -q '^rsipc .*: active:' "$scratch/$name-librsipc.log" || fail "the library was not active"
	if [ $good = no ]; then
		# < on glibc, > on librsipc
		diff "$scratch/$name-glibc.txt" "$scratch/$name-librsipc.txt" >&2 || true
		fail "$tests tests of $name have to pass; see $scratch/$name-*.log"
	fi
	say "$name: $tests passed, 0 failed"
}

# compared NAME COMMAND...: a program that prints "passed NAME" for each of its tests, on glibc and preloaded. All have
# to pass, and on both the same ones.
compared() {
	local name=$1 side
	shift
	for side in glibc librsipc; do
		# What stands behind the library may be for the program alone.
		local run=(env)
		[ $side = glibc ] || run+=(LD_PRELOAD="$library $behind" RSIPC_VERBOSE=1)
		timeout --kill-after=10 120 "${run[@]}" "$@" >"$scratch/$name-$side.txt" 2>"$scratch/$name-$side.err" ||
			fail "$name, $side: ended with status $?; see $scratch/$name-$side.*"
		tally "$name, $side" "$scratch/$name-$side.txt"
	done
	grep -q '^rsipc .*: active:' "$scratch/$name-librsipc.err" || fail "the library was not active"
	# < on glibc, > on librsipc
	diff "$scratch/$name-glibc.txt" "$scratch/$name-librsipc.txt" >&2 || fail "the results of $name differ"
	if [ ! -s "$scratch/$name-librsipc.txt" ] || grep -v '^passed ' "$scratch/$name-librsipc.txt" >&2; then
		fail "not all tests of $name pass"
	fi
}
