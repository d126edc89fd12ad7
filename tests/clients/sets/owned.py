"""How many sets of semaphores belong to a user: of the kernel, or of what is preloaded."""

import ctypes
import pwd
import sys

SEM_INFO, SEM_STAT_ANY = 19, 20

libc = ctypes.CDLL(None, use_errno=True)


class Permissions(ctypes.Structure):
    _fields_ = [("key", ctypes.c_int), ("uid", ctypes.c_uint), ("rest", ctypes.c_char * 40)]


class Status(ctypes.Structure):
    _fields_ = [("permissions", Permissions), ("rest", ctypes.c_char * 56)]


def owner(index):
    """The user id, or None where there is no set."""
    status = Status()
    if libc.semctl(index, 0, SEM_STAT_ANY, ctypes.byref(status)) == -1:
        return None
    return status.permissions.uid


user = pwd.getpwnam(sys.argv[1]).pw_uid
last = libc.semctl(0, 0, SEM_INFO, ctypes.create_string_buffer(40))
if last == -1:
    sys.exit("SEM_INFO failed")
print(sum(owner(index) == user for index in range(last + 1)))
