# What GDB is taught about partitions. Behind the lines that name the partition: its name, its PIDs, those of its guest.
#
# A partition's addresses mean something under its PIDs in address space 1 alone (MSR[IS]), and every partition has the same addresses. So
# each breakpoint gets a condition on both, and binds to that partition: whoever else comes by goes on.
import os

import gdb

ADDRESS_SPACE_1 = 0x20
# `b .`: an instruction that goes on to itself.
STAND = (0x48000000).to_bytes(4, "big")


def condition(pids):
    return "$pid >= %d && $pid <= %d && ($msr & %d)" % (pids[0], pids[1], ADDRESS_SPACE_1)


def of_guest(breakpoint):
    """Whether a breakpoint is in the guest's kernel, whose symbols lie in its upper half of addresses, or says so."""
    for location in getattr(breakpoint, "locations", None) or []:
        if location.address is not None and GUEST_KERNEL is not None and location.address >= GUEST_KERNEL:
            return True
    where = breakpoint.location or ""
    if GUEST_KERNEL is None:
        return False
    try:
        found = gdb.decode_line(where)[1]
    except gdb.error:
        return False
    return bool(found) and found[0].pc >= GUEST_KERNEL


def bind(breakpoint):
    kinds = (gdb.BP_BREAKPOINT, getattr(gdb, "BP_HARDWARE_BREAKPOINT", gdb.BP_BREAKPOINT))
    if not breakpoint.is_valid() or breakpoint.type not in kinds or not breakpoint.visible:
        return
    own = condition(GUEST_PIDS if of_guest(breakpoint) else PIDS)
    if breakpoint.condition is None:
        breakpoint.condition = own
    elif "$pid" not in breakpoint.condition:
        breakpoint.condition = "(%s) && %s" % (breakpoint.condition, own)


gdb.events.breakpoint_created.connect(bind)


def register(name):
    return int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFF


def inside():
    """Whether the processor is in the partition, or in its guest."""
    pid = register("pid")
    ranges = [PIDS] + ([GUEST_PIDS] if GUEST_PIDS else [])
    return any(low <= pid <= high for low, high in ranges) and register("msr") & ADDRESS_SPACE_1


def need_inside():
    if not inside():
        raise gdb.GdbError("the processor is not in %s: set a breakpoint there and continue first" % PARTITION)


class Park(gdb.Command):
    """Has the partition stand where it is, while the rest of the system goes on. `unpark` ends it.

The instruction is replaced by one that goes on to itself: the partition takes its own windows and does nothing in them, as the configuration lets
it. Nobody else can tell it from a partition that loops; its deadlines are missed."""

    def __init__(self):
        super().__init__("park", gdb.COMMAND_RUNNING)
        self.parked = None

    def invoke(self, argument, from_tty):
        need_inside()
        if self.parked:
            raise gdb.GdbError("it is parked at %#x already" % self.parked[0])
        address = register("pc")
        memory = gdb.selected_inferior()
        self.parked = (address, bytes(memory.read_memory(address, 4)))
        memory.write_memory(address, STAND)
        print("%s stands at %#x; the rest goes on. Ctrl-C, then `unpark`" % (PARTITION, address))
        gdb.execute("continue")


class Unpark(gdb.Command):
    """Has a partition that stands go on from there."""

    def __init__(self, park):
        super().__init__("unpark", gdb.COMMAND_RUNNING)
        self.park = park

    def invoke(self, argument, from_tty):
        if not self.park.parked:
            raise gdb.GdbError("it is not parked")
        address, instruction = self.park.parked
        # Its memory is seen only while it runs.
        stop = gdb.Breakpoint("*%#x" % address, internal=True, temporary=True)
        stop.condition = condition(PIDS)
        gdb.execute("continue")
        if register("pc") != address or not inside():
            raise gdb.GdbError("something else stopped the machine: `unpark` again")
        gdb.selected_inferior().write_memory(address, instruction)
        self.park.parked = None
        print("%s goes on from %#x" % (PARTITION, address))


class GuestBreak(gdb.Command):
    """A breakpoint in a program of the guest's: `guest-break *ADDRESS`, or a place in what `guest-program` or `add-symbol-file` has loaded.

Addresses of the guest's programs can be the monitor's as well; a plain `break` there is in the monitor. Whoever else comes by there is looked at and
goes on, which takes the host's time: where the monitor comes by often, it takes long."""

    def __init__(self):
        super().__init__("guest-break", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument, from_tty):
        if not GUEST_PIDS:
            raise gdb.GdbError("%s has no guest" % PARTITION)
        if not argument:
            raise gdb.GdbError("a place is expected, as for `break`")
        # What GDB says of an address alone is what the monitor has there.
        gdb.execute("break " + argument, to_string=True)
        breakpoint = gdb.breakpoints()[-1]
        breakpoint.condition = condition(GUEST_PIDS)
        print("Breakpoint %d at %s, in the guest of %s" % (breakpoint.number, argument, PARTITION))


class GuestProgram(gdb.Command):
    """Functions and lines of a program of the guest's: `guest-program NAME`, without a name: which there are.

They are the cofferdam's own ones in the first file system that the build makes. All have the same addresses, so that one is known at a time, and a
breakpoint stops each of them that comes by."""

    def __init__(self):
        super().__init__("guest-program", gdb.COMMAND_FILES)
        self.known = None

    def invoke(self, argument, from_tty):
        programs = {os.path.basename(path): path for path in GUEST_PROGRAMS}
        if argument not in programs:
            raise gdb.GdbError("there are: %s" % (", ".join(programs) or "none"))
        if self.known:
            gdb.execute('remove-symbol-file "%s"' % self.known, to_string=True)
        self.known = programs[argument]
        gdb.execute('add-symbol-file "%s"' % self.known, to_string=True)
        print("%s is known" % argument)


def say_whose(event):
    """Where the monitor has something at an address of a guest's program, GDB names that."""
    if not GUEST_PIDS or gdb.selected_thread() is None or not GUEST_PIDS[0] <= register("pid") <= GUEST_PIDS[1]:
        return
    table = gdb.find_pc_line(register("pc")).symtab
    if table and table.objfile.filename == gdb.current_progspace().filename:
        print("this is the guest of %s: what is named here is its monitor's, which has the same addresses" % PARTITION)


gdb.events.stop.connect(say_whose)


class Where(gdb.Command):
    """Says who has the processor: a partition by its name, or the kernel."""

    def __init__(self):
        super().__init__("who", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        if not register("msr") & ADDRESS_SPACE_1:
            print("the kernel")
            return
        pid = register("pid")
        for name, low, high in EVERYBODY:
            if low <= pid <= high:
                print(name)
                return
        print("nobody that the plan knows: PID %d" % pid)


Unpark(Park())
GuestBreak()
GuestProgram()
Where()
