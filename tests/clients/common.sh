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

# What is compared. Scripts that use segments of System V add "segments".
sides=(glibc librsipc)

# choose SIDE: sets $side, which a command begins with: on plain glibc, on the library, or on the
# library with all of System V its own, whose segments are the kernel's otherwise.
choose() {
	case $1 in
	glibc) side=(env) ;;
	librsipc) side=(env LD_PRELOAD="$library $behind" RSIPC_VERBOSE=1) ;;
	segments) side=(env LD_PRELOAD="$library $behind" RSIPC_VERBOSE=1 RSIPC_SYSV=sem,msg,shm) ;;
	*) fail "there is no side $1" ;;
	esac
}

# was_active SIDE FILE: what a command on this side has written to standard error tells that it had
# from the library what it was to have.
was_active() {
	local wanted='^rsipc .*: active:' segments=', System V shared memory[,;]'
	[ "$1" != glibc ] || return 0
	grep -q "$wanted" "$2" || fail "the library was not active; see $2"
	if [ "$1" = segments ]; then
		grep -q "$wanted.*$segments" "$2" || fail "the segments were not the library's; see $2"
	fi
}

# library_for_all DIRECTORY: a copy of the library there, where all users may look.
library_for_all() {
	chmod 755 "$1"
	cp "$library" "$1/librsipc.so"
	library=$1/librsipc.so
}

# soon COMMAND...: whether it succeeds within ten seconds.
soon() {
	local end=$((SECONDS + 10))
	until "$@"; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.01
	done
}

# Does the library have this function?
exports() { nm -D --defined-only "$library" | grep " $1\$" >/dev/null; }

# packages COMMAND_OR_FILE:PACKAGE...: those that are missing come from the distribution.
packages() {
	local wanted missing=()
	for wanted; do
		[ -e "${wanted%%:*}" ] || missing+=("${wanted#*:}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installs ${missing[*]}"
	tests/support/apt-install "${missing[@]}" >"$scratch/apt.log" ||
		fail "${missing[*]} could not be installed; see $scratch/apt.log"
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

# suite NAME TESTS DIRECTORY: a package's own tests by pytest, on all sides. So many, and no fewer,
# have to pass on each. Standard input is not captured: a test of posix_ipc wants its number.
suite() {
	local name=$1 tests=$2 directory=$3 one side outcomes good=yes
	for one in "${sides[@]}"; do
		outcomes=$scratch/$name-$one
		rm -f "$outcomes".{xml,txt}
		choose "$one"
		(cd "$directory" && timeout --kill-after=10 300 "${side[@]}" "$environment/bin/python" -m pytest \
			-p no:cacheprovider --capture=no --junit-xml "$outcomes.xml" tests) >"$outcomes.log" 2>&1 || true
		[ -s "$outcomes.xml" ] || fail "the tests of $name have left no results; see $outcomes.log"
		$python tests/clients/outcomes.py "$outcomes.xml" >"$outcomes.txt"
		[ "$(count passed "$outcomes.txt")" -eq "$tests" ] || good=no
		tally "$name, $one" "$outcomes.txt"
		was_active "$one" "$outcomes.log"
		# < on glibc, > on this side
		[ $good = yes ] || diff "$scratch/$name-glibc.txt" "$outcomes.txt" >&2 || true
	done
	[ $good = yes ] || fail "$tests tests of $name have to pass; see $scratch/$name-*.log"
	say "$name: $tests passed, 0 failed"
}

# compared NAME COMMAND...: a program that prints "passed NAME" for each of its tests, on all sides.
# All have to pass, and on all sides the same ones.
compared() {
	local name=$1 one side results
	shift
	for one in "${sides[@]}"; do
		results=$scratch/$name-$one
		# What stands behind the library may be for the program alone.
		choose "$one"
		timeout --kill-after=10 120 "${side[@]}" "$@" >"$results.txt" 2>"$results.err" ||
			fail "$name, $one: ended with status $?; see $results.*"
		tally "$name, $one" "$results.txt"
		was_active "$one" "$results.err"
		# < on glibc, > on this side
		diff "$scratch/$name-glibc.txt" "$results.txt" >&2 || fail "the results of $name differ"
		if [ ! -s "$results.txt" ] || grep -v '^passed ' "$results.txt" >&2; then
			fail "not all tests of $name pass"
		fi
	done
}
