"""Who owns the segment with the id that is the argument, and how many have it attached.

Prints "USER COUNT". Ends with status 1 if there is no such segment.
"""

import ctypes
import pwd
import struct
import sys

IPC_STAT = 2
# struct shmid_ds: the owner behind the key, and the number behind size, times and PIDs.
UID_AT, NATTCH_AT = 4, 48 + 8 + 3 * 8 + 2 * 4

libc = ctypes.CDLL(None)
status = ctypes.create_string_buffer(256)
if libc.shmctl(int(sys.argv[1]), IPC_STAT, status) != 0:
    sys.exit(1)
(uid,) = struct.unpack_from("I", status, UID_AT)
(attached,) = struct.unpack_from("L", status, NATTCH_AT)
print(pwd.getpwuid(uid).pw_name, attached)
