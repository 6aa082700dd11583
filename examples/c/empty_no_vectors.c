/* The same without vector registers: none of them is saved. */
#pragma GCC target("general-regs-only")
#include "usertrap.h"

static int enter(struct usertrap_call *call)
{
	(void)call;
	return USERTRAP_PASS;
}

USERTRAP_HOOK(.name = "empty-no-vectors", .flags = USERTRAP_NO_VECTORS, .enter = enter);
