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

# on_librsipc COMMAND...
on_librsipc() { env LD_PRELOAD="$library" RSIPC_VERBOSE=1 "$@"; }

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
	LD_DEBUG=bindings LD_DEBUG_OUTPUT=$scratch/bindings LD_BIND_NOW=1 LD_PRELOAD="$library" "$@" >/dev/null ||
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
