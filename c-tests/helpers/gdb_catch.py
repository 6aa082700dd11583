"""The command `catches`: goes on to the end, from catchpoint to catchpoint; one line for each stop: at entry the number
and its arguments, at return the result, and the application's functions. The two stops of a call that traps, which
the kernel has then not made, are counted instead."""

import gdb

BASE = 0x580000000000
READ = 0


def functions():
    frame, said = gdb.newest_frame(), []
    while frame is not None and len(said) < 20:
        if not BASE <= frame.pc() < BASE + (1 << 32):
            said.append(frame.name() or "?")
        frame = frame.older()
    return " ".join(said)


def register(name):
    return int(gdb.parse_and_eval("(long)$" + name))


class Catches(gdb.Command):
    def __init__(self):
        super().__init__("catches", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        entered, trapped = None, 0
        while True:
            gdb.execute("continue", to_string=True)
            if gdb.selected_inferior().pid == 0:
                break
            names, result = functions(), register("rax")
            if register("rip") == 0:
                print("no rip")
            if entered is None:
                number = register("orig_rax")
                arguments = [register(name) for name in ("rdi", "rdx")] if number == READ else []
                entered = "entry %d %s result %d: %s" % (number, arguments, result, names)
            elif result == register("orig_rax"):
                trapped, entered = trapped + 1, None
            else:
                print(entered)
                print("return %d: %s" % (result if result < 2 else 2, names))
                entered = None
        print("trapped: %d" % trapped)


Catches()
