/* One hook of several, whose options say what it does, word by word:
 *   wants=N     it sees number N only (one of 500..507; or all)
 *   answer=N    it answers
 *   add=N       exit adds N to the result
 *   arg0=N      enter sets the first argument
 *   log=TEXT    enter logs it
 *   fini=TEXT   it says so on stderr at the end
 *   fork=TEXT   fork_child says so
 *   crash, overflow, abort, exit, quick, end, exec, fork, sigaction, setuid: what hooks cannot do, at call 500
 *   thread=end  a thread of its own does so, which it may; thread=crash: it crashes, thread=abort: it aborts
 *   refuse      init fails
 *   veto        exec is answered EPERM */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "usertrap.h"

static const struct usertrap_services *services;
static char options[512];
static volatile int *volatile nowhere;

/* The value of a word of the options; null if it is not there. */
static const char *option(const char *name)
{
	static _Thread_local char value[512];
	size_t len = strlen(name);

	for (const char *at = options; at != NULL; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strncmp(at, name, len) == 0 && (at[len] == '=' || at[len] == ' ' || at[len] == 0)) {
			snprintf(value, sizeof value, "%.*s", (int)strcspn(at + len, " "), at + len);
			return value + (value[0] == '=');
		}
	}
	return NULL;
}

static int init(const struct usertrap_services *given, const char *text)
{
	services = given;
	snprintf(options, sizeof options, "%s", text);
	if (given->abi != USERTRAP_ABI_VERSION || given->size < sizeof *given)
		return 2;
	return option("refuse") != NULL ? 7 : 0;
}

static void say_result(const char *what, int result)
{
	fprintf(stderr, "%s: %d %s\n", what, result, strerror(errno));
}

static int overflow(int depth)
{
	volatile char room[1000];

	room[0] = (char)depth;
	return depth == 0 ? 0 : overflow(depth - 1) + room[0];
}

static void *run(void *how)
{
	if (strcmp(how, "end") == 0)
		pthread_exit(&options[1]);
	if (strcmp(how, "crash") == 0)
		*nowhere = 1;
	if (strcmp(how, "abort") == 0)
		abort();
	return NULL;
}

static void forbidden(void)
{
	if (option("crash"))
		*nowhere = 1;
	if (option("overflow"))
		overflow(1000);
	if (option("quick"))
		quick_exit(9);
	if (option("end"))
		pthread_exit(NULL);
	if (option("thread")) {
		pthread_t thread;
		void *value = NULL;

		if (pthread_create(&thread, NULL, run, (void *)option("thread")) == 0)
			pthread_join(thread, &value);
		fprintf(stderr, "thread: %d\n", value == &options[1]);
	}
	if (option("abort"))
		abort();
	if (option("exit"))
		exit(9);
	if (option("exec"))
		say_result("exec", execl("/bin/true", "true", (char *)NULL));
	if (option("fork"))
		say_result("fork", fork());
	if (option("setuid"))
		say_result("setuid", setuid(getuid()));
	if (option("sigaction"))
		fprintf(stderr, "sigaction: %s\n", signal(SIGUSR1, SIG_IGN) == SIG_ERR ? strerror(errno) : "set");
}

static int enter(struct usertrap_call *call)
{
	const char *wants = option("wants"), *value;

	if (call->number < 500 || call->number > 507 || (wants != NULL && strtoul(wants, NULL, 0) != call->number))
		return USERTRAP_PASS;
	if (call->number == 500)
		forbidden();
	if ((value = option("log")) != NULL)
		services->log(value);
	if ((value = option("arg0")) != NULL)
		call->args[0] = strtoul(value, NULL, 0);
	if ((value = option("answer")) != NULL) {
		call->result = strtol(value, NULL, 0) + (long)call->args[0];
		return USERTRAP_ANSWER;
	}
	call->word = call->number * 3;
	return option("add") != NULL ? USERTRAP_PASS_THEN_EXIT : USERTRAP_PASS;
}

static void leave(struct usertrap_call *call)
{
	if (call->word != call->number * 3)
		abort();
	call->result += strtol(option("add"), NULL, 0);
}

static int exec(struct usertrap_call *call)
{
	char path[256] = "";

	if (option("veto") == NULL)
		return USERTRAP_PASS;
	if (services->read(path, call->args[0], 10) != 0)
		return USERTRAP_PASS;
	fprintf(stderr, "exec of %s is not allowed\n", path);
	call->result = -EPERM;
	return USERTRAP_ANSWER;
}

static void say(const char *name)
{
	const char *value = option(name);

	if (value != NULL)
		fprintf(stderr, "%s: %s\n", name, value);
}

static void fork_child(void)
{
	say("child");
}

static void fini(void)
{
	say("fini");
}

USERTRAP_HOOK(.name = "parts", .init = init, .enter = enter, .exit = leave, .exec = exec, .fork_child = fork_child,
	      .fini = fini);
