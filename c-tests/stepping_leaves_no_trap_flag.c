// cflags: -mno-red-zone
// The trap flag by which a tracing parent steps through a call is not taken for the
// application's own: its handlers do not see it, and it is not set behind the call.
#define TRAP_FLAG 0x100
#include "signal_at_every_instruction.c"
