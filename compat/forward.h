/* Hook functions that make their call themselves, as those of the peers do.
 *
 * Our core makes the application's calls: only it can make a clone, an exec, or a wait that a
 * signal interrupts. So such a function runs on a stack of its own. Where it makes the call that
 * it was called for, it is left standing there; `enter` lets that call pass, the core makes it,
 * and `exit` goes on behind it, with its result. */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdbool.h>

#include "usertrap.h"

/* What runs on the stack of its own. It returns the call's result. */
typedef long (*forward_function)(const struct usertrap_call *call);

/* From init; calls may be made before. */
void forward_init(const struct usertrap_services *services);
const struct usertrap_services *forward_services(void);

/* Runs the function, until it has ended or stands in its call: a verdict, for enter to return. */
int forward_enter(struct usertrap_call *call, forward_function function);

/* In the function: it wants the call to pass, as it is. Returns only if the function has made a
 * call with its number before: with the result of another one. */
long forward_pass(void);

/* The call has been made: goes on behind it. False if nothing stood there. */
bool forward_exit(struct usertrap_call *call);

/* The same in the child of a fork. */
void forward_fork_child(void);

/* A system call: the first one with the number of the application's call is that call, all
 * others are made at once. Those that only the core can make are refused, with a line. */
long forward_call(long number, const long args[6]);

#endif
