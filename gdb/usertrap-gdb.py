"""gdb and processes under usertrap.

Load it once, by hand or in ~/.gdbinit:  source .../usertrap-gdb.py

Our code lies at a fixed address that no link map knows of. This script finds the
library that it was copied from (by its build ID) and adds its symbols there; and it
unwinds from where only GS leads to the thread's area, which DWARF cannot say: a
thread that waits in a system call is one of these. SIGSYS, by which calls arrive
that were not rewritten yet, goes to the program unseen.

A function that gdb calls while the thread waits in a system call makes calls of its
own, so what belongs to the first is kept meanwhile. And breakpoints go with an exec:
what the kernel executes is our loader, so they wait until it has mapped the program.
"""

import os
import re
import struct

import gdb
from gdb.unwinder import Unwinder

# `image::BASE` of the library, and the mark in the ELF header of a core that is up.
BASE = 0x580000000000
MARK, MARK_AT = b"usrtrap", 9
# Where thread areas lie, above the image (`area::allocate`).
AREAS = range(BASE + (4 << 30), BASE + (1 << 40))

# The first instruction of the gate, `mov %rcx,%gs:disp32`.
STORE_RCX = b"\x65\x48\x89\x0c\x25"
# `trampoline::SIZE`; a trampoline ends in `movabs $return_address,%rcx`, `jmp entry`, behind the
# instructions that the site's jump has taken the place of; `int3` fills its room.
TRAMPOLINE_SIZE = 32
MOVABS = b"\x48\xb9"
ENDING = 15
INT3 = 0xCC
# The jumps that lead to one.
LONG_JUMP, NEAR_JUMP = b"\xff\x24\x25", b"\xe9"


class LibraryParameter(gdb.Parameter):
    """The library, or the object with a hook, that processes run under.

    Needed only where it is neither installed beside this script nor preloaded."""

    set_doc = "Set the object that processes run under usertrap with."
    show_doc = "Show the object that processes run under usertrap with."

    def __init__(self):
        super().__init__("usertrap-library", gdb.COMMAND_FILES, gdb.PARAM_OPTIONAL_FILENAME)
        self.value = ""

    def get_set_string(self):
        refresh()
        return ""

    def get_show_string(self, value):
        return value or "the one whose build ID fits"


class Elf:
    """What we need of an object's file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:5] != b"\x7fELF\x02":
            raise ValueError("no 64-bit ELF file")
        self.path = path
        self.build_id = build_id(data[:4096])
        offset, count = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<H", data, 60)[0]
        sections = [struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * n) for n in range(count)]
        self.end = max(section[3] + section[5] for section in sections)
        self.symbols = {}
        for _, kind, _, _, start, size, link, _, _, _ in sections:
            if kind != 2:  # SHT_SYMTAB
                continue
            names = sections[link][4]
            for at in range(start, start + size, 24):
                name, _, _, _, value, length = struct.unpack_from("<IBBHQQ", data, at)
                name = data[names + name : data.index(b"\0", names + name)].decode()
                if name.startswith("usertrap_") or re.match("_ZN8usertrap7rewrite5table5ARENA17h", name):
                    self.symbols[name.split("17h")[0]] = (value, length)


def build_id(page):
    """The build ID in the first page of an image."""
    note = re.search(rb"\x04\0\0\0(....)\x03\0\0\0GNU\0", page, re.DOTALL)
    return note and page[note.end() : note.end() + struct.unpack("<I", note[1])[0]].hex()


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except (gdb.MemoryError, gdb.error, OverflowError):
        return b""


def read_word(address):
    data = read(address, 8)
    return struct.unpack("<Q", data)[0] if data else None


class Image:
    """The core in the processes that we look at: one library for all of them."""

    def __init__(self, elf):
        symbols = elf.symbols
        self.elf = elf
        self.end = BASE + elf.end
        self.gate = BASE + symbols["usertrap_gate_start"][0]
        self.fresh = {BASE + symbols[name][0] for name in ("usertrap_entry_pass", "usertrap_entry_any", "usertrap_entry_full")}
        self.code = [
            (BASE + symbols[start][0], BASE + symbols[end][0])
            for start, end in (("usertrap_gate_start", "usertrap_gate_end"), ("usertrap_entry_any", "usertrap_entry_end"))
        ]
        arena, size = symbols["_ZN8usertrap7rewrite5table5ARENA"]
        # Here the CFI knows: rbx leads to the area, or the application's handler is about to start.
        self.described = [
            (BASE + symbols[start][0], BASE + symbols[end][0])
            for start, end in (
                ("usertrap_gate_taken", "usertrap_gate_return"),
                ("usertrap_gate_clone", "usertrap_gate_last"),
                ("usertrap_gate_begin", "usertrap_gate_restorer"),
                ("usertrap_clone", "usertrap_thread_exit"),
                ("usertrap_begun", "usertrap_entry_end"),
            )
        ]
        self.arena = range(BASE + arena, BASE + arena + size)
        first = read(self.gate, 9)
        # Its prefix may have become a jump (src/rewrite/reroute.rs).
        if first[:5] not in (STORE_RCX, b"\xeb" + STORE_RCX[1:]):
            raise ValueError("unknown gate")
        self.bias, self.in_flight = symbols["usertrap_area_bias"][0], symbols["usertrap_area_in_flight"][0]
        self.enter = BASE + symbols["usertrap_enter"][0]
        self.return_address = struct.unpack_from("<i", first, 5)[0]

    def trampoline_return(self, pc):
        """The return address in the trampoline around pc."""
        code = read(pc - pc % TRAMPOLINE_SIZE, TRAMPOLINE_SIZE)
        for at in range(TRAMPOLINE_SIZE - ENDING + 1):
            filled = all(byte == INT3 for byte in code[at + ENDING :])
            if code[at : at + 2] == MOVABS and code[at + 10 : at + 11] == NEAR_JUMP and filled:
                return struct.unpack_from("<Q", code, at + 2)[0]
        return None

    def padding_return(self, pc):
        """The return address of the site whose jump to its trampoline lies at pc, in padding."""
        code, target = read(pc, 7), None
        if code[:3] == LONG_JUMP:
            target = read_word(struct.unpack_from("<I", code, 3)[0])
        elif code[:1] == NEAR_JUMP:
            target = pc + 5 + struct.unpack_from("<i", code, 1)[0]
        if target is None or target not in self.arena:
            return None
        after = self.trampoline_return(target)
        # At the site itself the application's own CFI holds.
        return None if after is None or after - 7 == pc else after


# gdb knows this name only while it reads the script.
HERE = os.path.dirname(os.path.realpath(__file__))
IMAGE = None


def candidates():
    """Paths of objects that the image may be a copy of."""
    if PARAMETER.value:
        yield PARAMETER.value
    yield os.path.join(HERE, "../../lib/usertrap/libusertrap.so")
    yield os.path.join(HERE, "../target/release/libusertrap.so")
    for objfile in gdb.objfiles():
        if objfile.filename:
            yield objfile.filename


def find_image(page):
    """The core whose first page that is, or None; says so if its library is not found."""
    global IMAGE
    wanted, space = build_id(page), gdb.current_progspace()
    if IMAGE is not None and IMAGE.elf.build_id == wanted:
        return IMAGE
    IMAGE = None
    for path in candidates():
        try:
            elf = Elf(path)
            if elf.build_id == wanted:
                IMAGE = Image(elf)
                return IMAGE
        except (OSError, ValueError, KeyError, struct.error):
            continue
    if not getattr(space, "usertrap_said", None):
        space.usertrap_said = True
        gdb.write(
            "usertrap: the library with build ID %s is not found; name it by: set usertrap-library FILE\n" % wanted,
            gdb.STDERR,
        )
    return None


def refresh():
    """Adds our symbols to a program space that has a core and no symbols of it."""
    inferior, space = gdb.selected_inferior(), gdb.current_progspace()
    if inferior.pid == 0 or getattr(space, "usertrap_done", None) == (inferior.pid, space.filename):
        return
    page = read(BASE, 4096)
    if page[MARK_AT : MARK_AT + len(MARK)] != MARK or find_image(page) is None:
        return
    # An exec has thrown them away.
    if "usertrap" not in gdb.execute("info symbol %#x" % IMAGE.gate, to_string=True):
        add_symbols(os.path.realpath(IMAGE.elf.path), BASE)
    if not (space.filename and os.path.exists(space.filename)):
        add_program(space)
    else:
        space.usertrap_done = (inferior.pid, space.filename)


def add_symbols(path, offset):
    confirm = gdb.parameter("confirm")
    gdb.execute("set confirm off")
    try:
        gdb.execute('add-symbol-file "%s" -o %#x' % (path, offset), to_string=True)
    finally:
        gdb.execute("set confirm " + ("on" if confirm else "off"))


AT_PHDR = 3


def program():
    """Where the program's file is mapped, the file, and whether it has to be there."""
    try:
        auxiliary = gdb.execute("info auxv", to_string=True)
        mappings = gdb.execute("info proc mappings", to_string=True)
    except gdb.error:
        return None
    headers = re.search(r"AT_PHDR\s.*(0x[0-9a-f]+)$", auxiliary, re.MULTILINE)
    headers = int(headers[1], 16) if headers else 0
    try:
        # gdb's is that of the time of the exec.
        with open("/proc/%d/auxv" % gdb.selected_inferior().pid, "rb") as file:
            headers = dict(struct.iter_unpack("<QQ", file.read())).get(AT_PHDR, headers)
    except OSError:
        pass
    for start, end, path in re.findall(r"(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s.*\s(/.*)$", mappings, re.MULTILINE):
        if not int(start, 16) <= headers < int(end, 16):
            continue
        page = read(int(start, 16), 64)
        if page[:4] != b"\x7fELF" or not os.path.exists(path):
            return None
        return int(start, 16), path, struct.unpack_from("<H", page, 16)[0] == 2  # ET_EXEC
    return None


def add_program(space):
    """The program's own symbols, where gdb takes our image for the program: in a process that it was
    attached to without a file, or that has executed a program."""
    found = program()
    if found and getattr(space, "usertrap_program", None) != (gdb.selected_inferior().pid, found):
        space.usertrap_program = (gdb.selected_inferior().pid, found)
        start, path, fixed = found
        add_symbols(path, 0 if fixed else start)
        gdb.execute("sharedlibrary", to_string=True)


def loading(pid):
    """Whether the process has executed our image, which has mapped no program yet."""
    try:
        with open("/proc/%d/maps" % pid) as maps:
            files = {words[5] for words in (line.split(None, 5) for line in maps) if len(words) == 6 and "/" in words[5]}
    except OSError:
        return False
    return len(files) == 1 and files.pop().startswith("/memfd:usertrap")


# Breakpoints that are bytes in the program.
PLACED = [getattr(gdb, name) for name in ("BP_BREAKPOINT", "BP_HARDWARE_BREAKPOINT") if hasattr(gdb, name)]


class Entered(gdb.Breakpoint):
    """Where our loader has mapped the program that was executed: gdb gets the program, and the breakpoints
    that were set before hold again."""

    waiting = {}  # by process

    def __init__(self, pid, address):
        # Addresses of the program before: they can not be inserted.
        self.disabled = [point for point in gdb.breakpoints() if point.enabled and point.type in PLACED]
        for point in self.disabled:
            point.enabled = False
        super().__init__("*%#x" % address, internal=True)
        self.pid = pid
        Entered.waiting[pid] = self

    def stop(self):
        if gdb.selected_inferior().pid != self.pid:
            return False
        confirm = gdb.parameter("confirm")
        gdb.execute("set confirm off")
        try:
            found = program()
            if found:
                gdb.execute('file "%s"' % found[1].replace('"', '\\"'), to_string=True)
        finally:
            gdb.execute("set confirm " + ("on" if confirm else "off"))
        self.finish()
        return False

    def finish(self):
        Entered.waiting.pop(self.pid, None)
        self.enabled = False
        for point in self.disabled:
            if point.is_valid():
                point.enabled = True
        gdb.post_event(lambda: self.is_valid() and self.delete())


def on_free(_):
    pid = gdb.selected_inferior().pid
    if pid == 0 or pid in Entered.waiting or not loading(pid):
        return
    image = find_image(read(BASE, 4096))
    if image is not None:
        Entered(pid, image.enter)


def on_exit(event):
    for pid, point in list(Entered.waiting.items()):
        if pid == event.inferior.pid or event.inferior.pid == 0:
            point.finish()


class Calls:
    """What belongs to the call in flight of threads for which gdb calls functions, which may nest (malloc, for a
    string)."""

    kept = {}  # by thread: how many functions, the area's address, the bytes

    @classmethod
    def begin(cls, ptid):
        frame = gdb.newest_frame()
        pc, gs = (int(frame.read_register(name)) & 0xFFFFFFFFFFFFFFFF for name in ("rip", "gs_base"))
        if ptid in cls.kept:
            count, area, data = cls.kept[ptid]
            cls.kept[ptid] = (count + 1, area, data)
        elif IMAGE is not None and BASE <= pc < IMAGE.end:
            area = gs + IMAGE.bias & 0xFFFFFFFFFFFFFFFF
            if area in AREAS:
                cls.kept[ptid] = (1, area, read(area, IMAGE.in_flight))

    @classmethod
    def end(cls, ptid):
        count, area, data = cls.kept[ptid]
        gdb.selected_inferior().write_memory(area, data)
        if count > 1:
            cls.kept[ptid] = (count - 1, area, data)
        else:
            del cls.kept[ptid]


def on_call(event):
    try:
        if isinstance(event, gdb.InferiorCallPreEvent):
            Calls.begin(event.ptid)
        elif event.ptid in Calls.kept:
            Calls.end(event.ptid)
    except gdb.error:
        Calls.kept.pop(event.ptid, None)


class FrameId:
    def __init__(self, sp, pc):
        self.sp = gdb.Value(sp)
        self.pc = gdb.Value(pc)


class GateUnwinder(Unwinder):
    """Unwinds what CFI cannot: gate, entry before the switch of stacks, trampolines, padding."""

    def __init__(self):
        super().__init__("usertrap")

    def __call__(self, frame):
        image = IMAGE
        if image is None:
            return None
        pc, sp = (int(frame.read_register(name)) & 0xFFFFFFFFFFFFFFFF for name in ("rip", "rsp"))
        if BASE <= pc < image.end:
            if pc in image.arena:
                start, after = pc - pc % TRAMPOLINE_SIZE, image.trampoline_return(pc)
            else:
                start, after = self.from_area(image, frame, pc, sp)
        else:
            start, after = pc, image.padding_return(pc)
        if after is None:
            return None
        info = frame.create_unwind_info(FrameId(sp, start))
        info.add_saved_register("rip", gdb.Value(after))
        for name in ("rsp", "rbx", "rbp", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15"):
            info.add_saved_register(name, frame.read_register(name))
        return info

    def from_area(self, image, frame, pc, sp):
        start = next((start for start, end in image.code if start <= pc < end), None)
        if start is None or any(start <= pc < end for start, end in image.described):
            return pc, None
        if pc in image.fresh:
            return pc, int(frame.read_register("rcx")) & 0xFFFFFFFFFFFFFFFF
        # On the area's own stacks the CFI is complete.
        if sp in AREAS:
            return pc, None
        return start, read_word(int(frame.read_register("gs_base")) + image.return_address & 0xFFFFFFFFFFFFFFFF)


def on_stop(_):
    refresh()


def on_objfile(_):
    # A process that starts or forks is not ready for new symbols while its own are read; it will stop.
    connection = gdb.selected_inferior().connection
    if connection is not None and connection.type == "core":
        refresh()


PARAMETER = LibraryParameter()
gdb.unwinder.register_unwinder(None, GateUnwinder(), replace=True)
gdb.execute("handle SIGSYS nostop noprint pass", to_string=True)
gdb.events.stop.connect(on_stop)
gdb.events.new_objfile.connect(on_objfile)
gdb.events.inferior_call.connect(on_call)
gdb.events.exited.connect(on_exit)
if hasattr(gdb.events, "free_objfile"):
    gdb.events.free_objfile.connect(on_free)
refresh()
