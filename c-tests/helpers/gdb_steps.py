"""Steps through one call of helpers/gdb_call.c, instruction by instruction, and asks for a backtrace at each: it must
come to makes_call, with its registers, and on to outer and main. Says how many instructions it were, and the
functions that were on top."""

import os
import gdb

kind = os.environ["KIND"]
limit = int(os.environ.get("LIMIT", "20000"))
saved = ["rsp", "rbx", "rbp", "r12", "r13", "r14", "r15"]


def registers(frame):
    return [int(frame.read_register(name)) & 0xFFFFFFFFFFFFFFFF for name in saved]


gdb.execute("tbreak warm")
gdb.execute("run")
end = int(gdb.parse_and_eval("(long)&%s_end" % kind))
begin = int(gdb.parse_and_eval("(long)&%s_begin" % kind))
gdb.execute("tbreak *%#x" % begin)
gdb.execute("continue")
want = registers(gdb.newest_frame())
if "START" in os.environ:
    gdb.execute("tbreak " + os.environ["START"])
    gdb.execute("continue")
instructions, wrong, ours, deepest = 0, 0, 0, 0
while instructions < limit:
    gdb.execute("stepi", to_string=True)
    instructions += 1
    frame, frames = gdb.newest_frame(), []
    while frame is not None and len(frames) < 40:
        frames.append(frame)
        frame = frame.older()
    names = [frame.name() for frame in frames]
    deepest = max(deepest, len(names))
    pc = frames[0].pc()
    ours += pc >= 0x580000000000 and pc < 0x580000000000 + (1 << 32)
    if pc == end:
        break
    good = names[-3:] == ["makes_call", "outer", "main"]
    if good:
        frame = frames[-3]
        # In our signal handler this is the context, which may be at the site still.
        good = registers(frame) == want and (len(frames) == 3 or begin <= frame.pc() <= end)
    if not good:
        wrong += 1
        if wrong <= 10:
            here = gdb.execute("x/i $pc", to_string=True).strip()
            more = "" if names[-3:] != ["makes_call", "outer", "main"] else " %#x %s" % (frames[-3].pc(), [hex(r) for r in registers(frames[-3])])
            print("wrong at step %d, %s: %s%s" % (instructions, here, names, more))
print("steps: %d, ours: %d, wrong: %d, finished: %s, deep: %s" % (instructions, ours, wrong, pc == end, deepest > 4))
gdb.execute("kill")
