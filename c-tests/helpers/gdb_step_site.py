"""The command `step-site`: `stepi` from own_begin of helpers/gdb_threads.c to own_end, in one thread. One line says
whether it came there, in the same thread and frame, and with its number for the result."""

import gdb


class StepSite(gdb.Command):
    def __init__(self):
        super().__init__("step-site", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        begin, end = (int(gdb.parse_and_eval("(long)&own_" + name)) for name in ("begin", "end"))
        thread = gdb.selected_thread()
        frame = gdb.newest_frame()
        start, stack, number = frame.pc(), int(frame.read_register("rsp")), thread.ptid[1]
        for _ in range(20000):
            gdb.execute("stepi", to_string=True)
            if gdb.selected_thread() != thread or gdb.newest_frame().pc() == end:
                break
        frame = gdb.newest_frame()
        print(
            "stepped %s" % [
                start == begin,
                frame.pc() == end,
                gdb.selected_thread() == thread,
                int(frame.read_register("rsp")) == stack,
                int(frame.read_register("rax")) == number,
                gdb.selected_thread().name,
            ]
        )


StepSite()
