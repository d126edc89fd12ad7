"""What is measured, and how it is shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Side:
    """A library, doing one thing. In `command`, {x} is the point of the figure."""

    name: str
    command: str
    # Whether librsipc is preloaded; whose function was measured is checked.
    ours: bool = False
    # Where the two ends of a hand-over run.
    places: tuple = ("two", "one")


@dataclass(frozen=True)
class Figure:
    """Lines over `points`. Without points: one row for each side of each group."""

    key: str
    title: str
    text: str
    axis: str = ""
    time: str = ""
    points: dict = field(default_factory=dict)
    sides: tuple = ()
    groups: dict = field(default_factory=dict)

    def runs(self):
        """All that is measured: (name of the value, side, command)."""
        for point in self.points:
            for side in self.sides:
                yield name_of(self, side, point), side, side.command.format(x=point)
        for group, sides in self.groups.items():
            for side in sides:
                for place in side.places:
                    yield name_of(self, side, place, group), side, side.command.format(x=place)


def name_of(figure, side, point, group=""):
    return "/".join(part for part in (figure.key, group, side.name, str(point)) if part)


PLACES = {"two": "two processors", "one": "one processor"}

OURS, KERNEL, GLIBC, BOOST = "librsipc", "kernel", "glibc", "Boost"
ICEORYX, ICEORYX_POLLING = "iceoryx2", "iceoryx2, polling"
OURS_LOAN, OURS_LOAN_POLLING = "librsipc, by loan", "librsipc, by loan, polling"


def size_name(size):
    for unit, bytes_of in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_of:
            return f"{size // bytes_of} {unit}"
    return f"{size} B"




def by_loan(size):
    """Messages of this size, copied and not."""
    handed = f"handover {size}"
    return (
        Side(KERNEL, handed + " copy {x} sleep"),
        Side(ICEORYX, f"iceoryx2 {handed} " + "{x} event"),
        Side(ICEORYX_POLLING, f"iceoryx2 {handed} " + "{x} poll", places=("two",)),
        Side(OURS, handed + " copy {x} sleep", ours=True),
        Side(OURS_LOAN, handed + " loan {x} sleep", ours=True),
        Side(OURS_LOAN_POLLING, handed + " loan {x} spin", ours=True, places=("two",)),
    )


SIZES = [8**power for power in range(1, 9)]
LOANS = [64, 1 << 16, 1 << 20, 1 << 24]
DEPTHS = [0, 10, 100, 1000, 10000, 60000]
CROWDS = [1, 2, 4, 8]

FIGURES = (
    Figure(
        key="hand-over",
        title="Hand-over, there and back",
        text="Two processes wake each other in turn: A hands over to B and waits, B hands back. "
        "They run on two processors, or share one. iceoryx2 publishes a sample; its receiver "
        'sleeps until it is notified, or looks again and again ("polling"), '
        "which takes a whole processor.",
        groups={
            "POSIX semaphore": (
                Side(GLIBC, "semaphore {x}"),
                Side(OURS, "semaphore {x}", ours=True),
            ),
            "message of 64 B": (
                Side(KERNEL, "queue pingpong {x}"),
                Side(BOOST, "boost pingpong {x}"),
                Side(ICEORYX, "iceoryx2 pingpong {x} event"),
                Side(ICEORYX_POLLING, "iceoryx2 pingpong {x} poll", places=("two",)),
                Side(OURS, "queue pingpong {x}", ours=True),
            ),
            "System V semaphore": (
                Side(KERNEL, "sysv_semaphore {x}"),
                Side(OURS, "sysv_semaphore {x}", ours=True),
            ),
            "System V message": (
                Side(KERNEL, "sysv_queue pingpong {x}"),
                Side(OURS, "sysv_queue pingpong {x}", ours=True),
            ),
        },
    ),
    Figure(
        key="loan",
        title="Hand-over by loan",
        text="A message is handed over to the other process, and one handed back; the time is for "
        "one of the two. The kernel's queue and mq_send copy it. By loan (rsipc_mq_loan to "
        "rsipc_mq_release), and with iceoryx2, the sender writes it where the receiver reads it; "
        "both touch the first byte alone. Before it sleeps, librsipc looks for up to 20 µs whether "
        "the message comes, if such looks have paid lately.",
        groups={f"message of {size_name(size)}": by_loan(size) for size in LOANS},
    ),
    Figure(
        key="pairs-by-size",
        title="Send and receive, by message size",
        text="One thread sends a message and receives it, so that nobody waits: "
        "what a message costs by itself. All copy it in and out, iceoryx2 too, which could do "
        "without.",
        axis="size of the message",
        time="send + receive",
        points={size: size_name(size) for size in SIZES},
        sides=(
            Side(KERNEL, "queue pair {x} 0"),
            Side(BOOST, "boost pair {x} 0"),
            Side(ICEORYX, "iceoryx2 pair {x}"),
            Side(OURS, "queue pair {x} 0", ours=True),
        ),
    ),
    Figure(
        key="pairs-by-depth",
        title="Send and receive, by depth of the queue",
        text="The same with 64 B, while other messages stay in the queue, all of random "
        "priorities.",
        axis="messages that stay in the queue",
        time="send + receive",
        points={depth: f"{depth:,}" for depth in DEPTHS},
        sides=(
            Side(KERNEL, "queue pair 64 {x}"),
            Side(BOOST, "boost pair 64 {x}"),
            Side(OURS, "queue pair 64 {x}", ours=True),
        ),
    ),
    Figure(
        key="crowd",
        title="Many senders and receivers",
        text="Processes on two processors that send to one queue, and as many that receive from "
        "it, all as fast as they can: the time from one message to the next.",
        axis="senders × receivers",
        time="from message to message",
        points={each: f"{each} × {each}" for each in CROWDS},
        sides=(
            Side(KERNEL, "queue crowd {x}"),
            Side(BOOST, "boost crowd {x}"),
            Side(OURS, "queue crowd {x}", ours=True),
        ),
    ),
)
