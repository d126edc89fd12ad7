# How a place is made and entered. Sourced by bash, in the root of the project.

cache=$(realpath -m "${PLACES_DIR:-$PWD/target/places}")
archive=http://deb.debian.org/debian
mkdir -p "$cache"

stop() {
	printf 'places: %s\n' "$*" >&2
	exit 2
}

install_debootstrap() {
	# Elsewhere than on Debian debootstrap comes without Debian's keys.
	command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] && return
	tests/support/apt-install debootstrap debian-archive-keyring >"$cache/apt.log" ||
		stop "debootstrap is missing; see $cache/apt.log"
}

# make_place RELEASE [NAME] [PACKAGES]: a Debian, by default with a C compiler and make, which is what the README
# names beside Rust. Fails with 77 when the archive has no such release (any more).
make_place() {
	local name=${2:-$1} packages=${3:-gcc,libc6-dev,make}
	local root=$cache/$name log=$cache/$name.log
	[ ! -e "$root/made" ] || return 0
	printf '  is being made\n'
	rm -rf --one-file-system "$root"
	if ! timeout 900 debootstrap --variant=minbase --include="$packages" \
		"$1" "$root" $archive >"$log" 2>&1; then
		tail -n 3 "$log" >&2
		grep -qE 'Failed getting release file|No such script' "$log" && return 77
		return 1
	fi
	touch "$root/made"
}

# enter RELEASE COMMAND...: in the place, with the project under /src, where nothing can be written,
# this machine's Rust, and a /dev/shm of its own. All mounts are in a namespace that ends with the
# command. The place is its root, as a process that chroot(2) confines may make no user namespace.
enter() {
	local root=$cache/$1
	shift
	mkdir -p "$root"/{src,toolchain,cargo,work}
	unshare --mount --propagation private bash -euc '
		root=$1 toolchain=$2 cargo=$3
		shift 3
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/dev/shm"
		mount --bind . "$root/src"
		mount -o remount,bind,ro "$root/src"
		mount --bind "$toolchain" "$root/toolchain"
		mount --bind "$cargo" "$root/cargo"
		cd "$root"
		mkdir -p outside
		pivot_root . outside
		umount --lazy /outside
		exec env -i PATH=/toolchain/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			CARGO_HOME=/cargo CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/work/target CARGO_TERM_COLOR=never \
			PLACES_TEST="${PLACES_TEST:-}" "$@"
	' bash "$root" "$(rustc --print sysroot)" "${CARGO_HOME:-$HOME/.cargo}" "$@"
}
