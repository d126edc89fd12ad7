# A small package: files of root and of others, a device, a program with the set-user-ID bit. Many
# processes at once ask the daemon of fakeroot for owners, and set them.
tree := tree
numbers := $(shell seq 1 60)

small.deb: $(numbers:%=$(tree)/usr/share/small/%) $(tree)/dev/small-null $(tree)/usr/bin/small-setuid \
		$(tree)/DEBIAN/control
	test "$$(id -u)" = 0
	test "$$(find $(tree) -user daemon -group games | wc -l)" = 60
	dpkg-deb --build $(tree) $@

$(tree)/usr/share/small/%:
	mkdir -p $(@D)
	echo $* >$@
	chown daemon:games $@
	chmod 640 $@
	test "$$(stat -c %U:%G:%a $@)" = daemon:games:640

$(tree)/dev/small-null:
	mkdir -p $(@D)
	mknod -m 666 $@ c 1 3

$(tree)/usr/bin/small-setuid:
	mkdir -p $(@D)
	echo '#!/bin/sh' >$@
	chown root:root $@
	chmod 4755 $@

$(tree)/DEBIAN/control:
	mkdir -p $(@D)
	printf '%s\n' 'Package: small' 'Version: 1' 'Architecture: all' \
		'Maintainer: Nobody <nobody@example.org>' 'Description: owners' >$@
