// As answer.c, by code that does not show what it changes: it calls by a pointer.
#include "../include/usertrap.h"

static void work(struct usertrap_call *call)
{
    call->result = 4242;
}

static void (*volatile by_pointer)(struct usertrap_call *) = work;

static int enter(struct usertrap_call *call)
{
    by_pointer(call);
    return USERTRAP_ANSWER;
}

static const uint16_t numbers[] = {39, 500};

#ifndef FLAGS
#define FLAGS 0
#endif

USERTRAP_HOOK(.name = "answer-pointer", .flags = FLAGS, .numbers = numbers, .count = 2, .enter = enter);
