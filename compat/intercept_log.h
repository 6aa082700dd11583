/* INTERCEPT_LOG: a file with a line for each call. */
#ifndef INTERCEPT_LOG_H
#define INTERCEPT_LOG_H

#include <stdbool.h>

#include "usertrap.h"

/* Opens the file that the environment names, if it names one. */
void intercept_log_open(const struct usertrap_services *services);

bool intercept_log_is_open(void);

/* The call has this result, or none. */
void intercept_log_call(const struct usertrap_call *call, const int64_t *result);

#endif
