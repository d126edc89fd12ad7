"""Python starts programs while it has a queue, an epoll and a registration for the next message.

Prints "passed NAME" or "failure NAME" for each claim, as parent.h does.
"""

import asyncio
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time

import posix_ipc

TRUE = "/bin/true"
# Seconds; longer than anything here takes.
PATIENCE = 5
NOTIFICATION = signal.SIGRTMIN + 3


def run(_):
    return subprocess.run([TRUE]).returncode == 0


def popen(_):
    pipe = subprocess.PIPE
    with subprocess.Popen([TRUE], close_fds=True, stdout=pipe, stderr=pipe) as process:
        process.communicate()
    return process.returncode == 0


def popen_session(_):
    return subprocess.Popen([TRUE], start_new_session=True, restore_signals=True).wait() == 0


def popen_shell(_):
    return subprocess.check_output("true; echo done", shell=True) == b"done\n"


def popen_pass_fds(queue):
    return subprocess.Popen([TRUE], pass_fds=[queue.mqd]).wait() == 0


def popen_preexec(queue):
    return subprocess.Popen([TRUE], preexec_fn=lambda: os.close(queue.mqd)).wait() == 0


def posix_spawn(queue):
    close = [(os.POSIX_SPAWN_CLOSE, queue.mqd)]
    return os.waitpid(os.posix_spawn(TRUE, [TRUE], os.environ, file_actions=close), 0)[1] == 0


def system(_):
    return os.system(TRUE) == 0


def spawned_process(_):
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join(PATIENCE * 4)
    return process.exitcode == 0


def asyncio_exec(_):
    async def start():
        return await (await asyncio.create_subprocess_exec(TRUE)).wait()

    return asyncio.run(start()) == 0


WAYS = [
    run,
    popen,
    popen_session,
    popen_shell,
    popen_pass_fds,
    popen_preexec,
    posix_spawn,
    system,
    spawned_process,
    asyncio_exec,
]


def attempt(claim, *arguments):
    try:
        return bool(claim(*arguments))
    except Exception as error:
        print(f"{error!r}", file=sys.stderr)
        return False


def soon(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    return condition()


def try_way(start, number):
    def say(claim, holds):
        print("passed" if holds else "failure", f"python.{start.__name__}.{claim}", flush=True)

    name = f"/rsipc-spawn.{os.getpid()}.{number}"
    queue = posix_ipc.MessageQueue(name, posix_ipc.O_CREX, max_messages=4)
    queue.unlink()
    queue.block = False
    epoll = select.epoll()
    epoll.register(queue.mqd, select.EPOLLIN)
    notified = []
    signal.signal(NOTIFICATION, lambda *_: notified.append(1))
    queue.request_notification(NOTIFICATION)

    say("starts", attempt(start, queue))
    say("stays_quiet", attempt(lambda: not epoll.poll(0)))
    say("sends", attempt(lambda: queue.send(b"hello") is None))
    say("is_notified", soon(lambda: bool(notified)))
    say("polls", attempt(epoll.poll, PATIENCE))
    say("receives", attempt(lambda: queue.receive()[0] == b"hello"))
    say("is_quiet_again", attempt(lambda: not epoll.poll(0)))
    say("closes", attempt(lambda: queue.close() is None))
    epoll.close()


if __name__ == "__main__":
    for number, way in enumerate(WAYS):
        try_way(way, number)
