// A hook library that answers getpid and number 500 with 4242, as examples/hook_answer*.rs do.
#include "../include/usertrap.h"

static int enter(struct usertrap_call *call)
{
    call->result = 4242;
    return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {39, 500};

USERTRAP_HOOK(.name = "answer", .numbers = numbers, .count = 2, .enter = enter);
