"""Two Python processes over the objects of the package posix_ipc. Prints the same on glibc and on librsipc.

usage: two_processes.py FAMILY...    the parent, which starts the child
       two_processes.py child FAMILY NAME
"""

import hashlib
import mmap
import os
import random
import subprocess
import sys

import posix_ipc

# Longer than anything here takes; a hang becomes an error.
PATIENCE = 30
TURNS = 5000
BYTES = 1 << 20
# Within what the kernel's queues allow without privileges.
ROOM, LARGEST = 10, 1024
MESSAGES = 2000


def semaphores(name):
    """The two take turns; each turn of the child gives one token back."""
    ping = posix_ipc.Semaphore(name + "-ping", posix_ipc.O_CREX)
    pong = posix_ipc.Semaphore(name + "-pong", posix_ipc.O_CREX)
    try:
        with child("semaphores", name):
            for _ in range(TURNS):
                ping.release()
                pong.acquire(PATIENCE)
        print(f"semaphores: {TURNS} turns, tokens left {ping.value} {pong.value}")
        try:
            ping.acquire(0.01)
        except posix_ipc.BusyError:
            print("semaphores: an acquire without a token gives up in the end")
        try:
            posix_ipc.Semaphore(name + "-ping", posix_ipc.O_CREX)
        except posix_ipc.ExistentialError:
            print("semaphores: a name is given once")
    finally:
        for semaphore in (ping, pong):
            semaphore.unlink()
            semaphore.close()


def semaphores_child(name):
    ping, pong = posix_ipc.Semaphore(name + "-ping"), posix_ipc.Semaphore(name + "-pong")
    for _ in range(TURNS):
        ping.acquire(PATIENCE)
        pong.release()


def memory(name):
    """The child turns all bytes over; the parent finds the result."""
    block = posix_ipc.SharedMemory(name, posix_ipc.O_CREX, size=BYTES)
    try:
        with mmap.mmap(block.fd, block.size) as view:
            data = random.Random(1).randbytes(BYTES)
            view[:] = data
            with child("memory", name):
                pass
            same = view[:] == bytes(byte ^ 0xFF for byte in data)
            digest = hashlib.sha256(view).hexdigest()[:16]
        print(f"memory: {block.size} bytes, {'as' if same else 'NOT as'} the child left them: {digest}")
    finally:
        block.close_fd()
        block.unlink()


def memory_child(name):
    block = posix_ipc.SharedMemory(name)
    with mmap.mmap(block.fd, block.size) as view:
        view[:] = bytes(byte ^ 0xFF for byte in view[:])
    block.close_fd()


def queues(name):
    """The child sends back what it gets; then the order of priorities, and a receive that gives up."""
    there = posix_ipc.MessageQueue(name + "-there", posix_ipc.O_CREX, max_messages=ROOM, max_message_size=LARGEST)
    back = posix_ipc.MessageQueue(name + "-back", posix_ipc.O_CREX, max_messages=ROOM, max_message_size=LARGEST)
    try:
        numbers = random.Random(2)
        wrong = 0
        with child("queues", name):
            for _ in range(MESSAGES):
                message = numbers.randbytes(numbers.randrange(LARGEST + 1)), numbers.randrange(32768)
                there.send(message[0], PATIENCE, message[1])
                wrong += back.receive(PATIENCE) != message
        print(f"queues: {MESSAGES} messages there and back, {wrong} wrong")
        for number, priority in enumerate([3, 1, 3, 2, 1]):
            there.send(str(number), PATIENCE, priority)
        print("queues: by priority:", *(there.receive(PATIENCE)[0].decode() for _ in range(5)))
        try:
            there.receive(0.01)
        except posix_ipc.BusyError:
            print(f"queues: a receive from an empty queue ({there.current_messages}) gives up in the end")
    finally:
        for queue in (there, back):
            queue.unlink()
            queue.close()


def queues_child(name):
    there, back = posix_ipc.MessageQueue(name + "-there"), posix_ipc.MessageQueue(name + "-back")
    for _ in range(MESSAGES):
        message, priority = there.receive(PATIENCE)
        back.send(message, PATIENCE, priority)


class child:
    """The other process, from `with` to its end; it has to succeed."""

    def __init__(self, family, name):
        self.command = [sys.executable, __file__, "child", family, name]

    def __enter__(self):
        self.process = subprocess.Popen(self.command)

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        if self.process.wait(PATIENCE) != 0 and kind is None:
            sys.exit(f"{self.command[3]}: the child ended with status {self.process.returncode}")


FAMILIES = {
    "semaphores": (semaphores, semaphores_child),
    "memory": (memory, memory_child),
    "queues": (queues, queues_child),
}

if sys.argv[1] == "child":
    FAMILIES[sys.argv[2]][1](sys.argv[3])
else:
    for family in sys.argv[1:]:
        FAMILIES[family][0](f"/posix_ipc-{family}-{os.getpid()}")
