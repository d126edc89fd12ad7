"""Judges what messages.c has counted: did every receiver live to the end, and get what was sent?

usage: messages.py FILE PAIRS ROOM END

A queue of ROOM messages lies between the sender and the receiver of each of the PAIRS, so that many
may be left over. A receiver that lives has received something in the last second before END
(nanoseconds, CLOCK_REALTIME) or later.
"""

import errno
import struct
import sys

SLOT = struct.Struct("=5q")
SECOND = 1_000_000_000

with open(sys.argv[1], "rb") as file:
    slots = [slot for slot in SLOT.iter_unpack(file.read()) if slot[0]]
pairs, room, end = map(int, sys.argv[2:])
receivers = [slot for slot in slots if slot[2]]
sent, received = (sum(slot[column] for slot in slots) for column in (1, 2))

failures = []
if len(receivers) != pairs:
    failures.append(f"{len(receivers)} of {pairs} receivers got anything")
for pid, _, count, last, error in receivers:
    if end - last > SECOND:
        name = errno.errorcode.get(error, "no error")
        early = f"{(end - last) / SECOND:.1f} s before the end"
        failures.append(f"receiver {pid}: {count} messages, the last one {early} ({name})")
# The end of a process may come between a message and its count.
if not -pairs <= sent - received <= pairs * (room + 1):
    failures.append(f"{sent} sent, {received} received, room for {pairs * room}")

alive = sum(end - slot[3] <= SECOND for slot in receivers)
print(f"  messages: {sent} sent, {received} received by {len(receivers)} receivers")
print(f"  receivers to the end: {alive} passed, {pairs - alive} failed")
for failure in failures:
    print(f"  FAILED: {failure}", file=sys.stderr)
sys.exit(bool(failures))
