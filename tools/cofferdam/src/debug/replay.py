# What GDB is taught about runs that can be gone through again. Behind `commands.py`, and the lines that say where things are.
#
# Such a run is always the same, instruction by instruction. Where it is has a number: how many instructions were executed. Back is a new beginning,
# and forth to a smaller number.
import os
import re
import time


gdb.execute("set print inferior-events off")


# The machines so far. Each has a socket of its own, so that nobody comes to one that is about to end.
MACHINES = 0


def connect():
    """To a machine before its first instruction: `cargo cofferdam replay` starts one whenever there is none."""
    global MACHINES
    for attempt in range(400):
        try:
            gdb.execute("target remote %s%d" % (SOCKET, MACHINES), to_string=True)
            MACHINES += 1
            return
        except gdb.error:
            time.sleep(0.05)
    raise gdb.GdbError("there is no machine")


def begin_again():
    try:
        gdb.execute("kill", to_string=True)
    except gdb.error:
        # It has ended by itself.
        pass
    connect()


# The furthest that anybody has come.
FURTHEST = 0


def count():
    """How many instructions were executed."""
    global FURTHEST
    try:
        text = gdb.execute("monitor info replay", to_string=True)
    except gdb.error:
        text = ""
    found = re.search(r"instruction count = (\d+)", text)
    if not found:
        where = ", %d instructions or more behind its beginning" % FURTHEST if FURTHEST else ""
        raise gdb.GdbError("the recording has ended%s; `go 0` begins again" % where)
    executed = int(found.group(1))
    FURTHEST = max(FURTHEST, executed)
    return executed


class Alone:
    """Meanwhile no breakpoint stops the machine that was there before, and GDB does not tell where it stops."""

    def __enter__(self):
        # GDB has no setting for that before version 14.
        gdb.flush()
        self.output = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
        self.others = [one for one in gdb.breakpoints() or () if one.enabled]
        for one in self.others:
            one.enabled = False

    def __exit__(self, *_):
        gdb.flush()
        os.dup2(self.output, 1)
        os.close(self.output)
        for one in self.others:
            if one.is_valid():
                one.enabled = True


def forth(to):
    """On to this count, or to what stops the machine before."""
    gdb.execute("monitor replay_break %d" % to, to_string=True)
    try:
        gdb.execute("continue", to_string=True)
    except gdb.error:
        pass
    now = count()
    if now != to:
        gdb.execute("monitor replay_delete_break", to_string=True)
    return now


def go(to):
    with Alone():
        try:
            is_back = to < count()
        except gdb.GdbError:
            is_back = True
        if is_back:
            begin_again()
        if to > count():
            forth(to)


def number(argument):
    try:
        value = int(argument.replace(",", "").replace("_", ""))
    except ValueError:
        value = -1
    if value < 0:
        raise gdb.GdbError("a count of instructions is expected, such as 1000000")
    return value


def show():
    print("%d instructions from the start, in:" % count())
    gdb.execute("who")
    gdb.execute("frame")


def physical(address, size):
    """Memory as it is there, whoever has the processor."""
    gdb.execute("maint packet Qqemu.PhyMemMode:1", to_string=True)
    gdb.execute("maint flush dcache", to_string=True)
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    finally:
        gdb.execute("maint packet Qqemu.PhyMemMode:0", to_string=True)
        gdb.execute("maint flush dcache", to_string=True)


def word(data, at, size=4):
    return int.from_bytes(data[at:at + size], "big")


def name_of(partition):
    names = [name for name, _, _ in EVERYBODY if not name.startswith("the guest of ")]
    return names[partition] if partition < len(names) else "the module"


def in_c(make):
    """An expression is read as one of C here, whatever the program is written in."""
    language = gdb.parameter("language")
    gdb.execute("set language c", to_string=True)
    try:
        return make()
    finally:
        gdb.execute("set language " + language, to_string=True)


class Go(gdb.Command):
    """Goes to where so many instructions were executed: `go COUNT`. Without a count it says where that is."""

    def __init__(self):
        super().__init__("go", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        if argument:
            go(number(argument))
        show()


class Back(gdb.Command):
    """Goes back by so many instructions, whoever executed them: `back COUNT`, or one without a count."""

    def __init__(self):
        super().__init__("back", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        go(max(0, count() - number(argument or "1")))
        show()


class Seen(gdb.Breakpoint):
    """Stops nobody, and knows how many instructions had been executed when the partition came by last."""

    last = None

    def __init__(self, place, pids, is_one=lambda: True, **kind):
        super().__init__(place, internal=True, **kind)
        self.pids = pids or (GUEST_PIDS if of_guest(self) else PIDS)
        self.is_one = is_one
        self.watches = self.type != gdb.BP_BREAKPOINT

    def stop(self):
        low, high = self.pids
        if low <= register("pid") <= high and register("msr") & ADDRESS_SPACE_1 and self.is_one():
            # At a watchpoint QEMU is behind the instruction, and GDB, which takes it to be before, has it execute one more.
            self.last = count() - self.watches
        return False


def back(here, seen):
    """Back to where `seen` came by last before `here`, if it did."""
    forth(here)
    seen.delete()
    if seen.last is None or seen.last >= here:
        return False
    if seen.watches or seen.last == 0:
        go(seen.last)
    else:
        # If the instruction fails, which counts for nothing, the machine may be in the vector by that count. One before it is not; and behind a step GDB
        # shows the innermost of the functions that are inlined there.
        go(seen.last - 1)
        gdb.execute("stepi", to_string=True)
    return True


class BackTo(gdb.Command):
    """Goes back to where the partition came by a place last: `back-to FUNCTION`, `back-to FILE:LINE`, `back-to *ADDRESS`."""

    def __init__(self):
        super().__init__("back-to", gdb.COMMAND_RUNNING, gdb.COMPLETE_LOCATION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("a place is expected, as for `break`")
        here = count()
        with Alone():
            begin_again()
            found = back(here, Seen(argument, None))
        if not found:
            raise gdb.GdbError("%s has not come by there before" % PARTITION)
        show()


class BackWrite(gdb.Command):
    """Goes back to behind the instruction by which the partition changed something last: `back-write VARIABLE`, `back-write *ADDRESS` for a word.

What the kernel writes for a partition, such as a message that it receives, is not seen, nor what a device writes."""

    def __init__(self):
        super().__init__("back-write", gdb.COMMAND_RUNNING, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        need_inside()
        if argument.startswith("*"):
            address, size = int(gdb.parse_and_eval(argument[1:])) & 0xFFFFFFFF, 4
        else:
            value = gdb.parse_and_eval(argument)
            if value.address is None:
                raise gdb.GdbError("this has no address: name a variable, or a word in memory by `*ADDRESS`")
            address, size = int(value.address), value.type.sizeof
        here = count()
        read = lambda: bytes(gdb.selected_inferior().read_memory(address, size))
        held = [None]

        def changed():
            now = read()
            was, held[0] = held[0], now
            return was != now

        with Alone():
            begin_again()
            place = "*(char (*)[%d])%#x" % (size, address)
            kind = {"type": gdb.BP_WATCHPOINT, "wp_class": gdb.WP_ACCESS}
            found = back(here, in_c(lambda: Seen(place, PIDS, changed, **kind)))
        if not found:
            raise gdb.GdbError("%s has not changed that before" % PARTITION)
        show()


class Logged(gdb.Breakpoint):
    """Stops behind the instruction by which the kernel has logged an entry of this partition, or of anybody."""

    entry = None

    def __init__(self, wanted):
        super().__init__("*(unsigned int *)%#x" % HEALTH_WRITTEN, gdb.BP_WATCHPOINT, gdb.WP_ACCESS, internal=True)
        self.wanted = wanted
        self.written = word(physical(HEALTH_WRITTEN, 4), 0)

    def stop(self):
        now = word(physical(HEALTH_WRITTEN, 4), 0)
        was, self.written = self.written, now
        if now == was:
            return False
        entry = physical(HEALTH + (now - 1) % HEALTH_ENTRIES * HEALTH_ENTRY, HEALTH_ENTRY)
        if self.wanted and self.wanted != name_of(word(entry, OF_PARTITION, 2)):
            return False
        self.entry = entry
        return True


class NextHealth(gdb.Command):
    """Goes on to the next entry of the health log: `next-health`, `next-health PARTITION`. The instruction that logged it is the last one executed."""

    def __init__(self):
        super().__init__("next-health", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        with Alone():
            logged = in_c(lambda: Logged(wanted))
            try:
                gdb.execute("continue", to_string=True)
            except gdb.error:
                pass
            entry = logged.entry
            logged.delete()
        if entry is None:
            raise gdb.GdbError("the recording ends before there is one; `go 0` begins again")
        error = entry[OF_ERROR]
        said = ERRORS[error] if error < len(ERRORS) else "error %d" % error
        print(
            "health: %s of %s at tick %d, instruction %#x, address %#x"
            % (said, name_of(word(entry, OF_PARTITION, 2)), word(entry, OF_TICK, 8), word(entry, OF_PC), word(entry, OF_ADDRESS))
        )
        print("`back-to *%#x` goes to that instruction" % word(entry, OF_PC))
        show()


Go()
Back()
BackTo()
BackWrite()
NextHealth()
