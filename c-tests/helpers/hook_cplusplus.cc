// A hook in C++: containers, streams, exceptions, thread-local objects, locks, and a destructor at the end of a library.
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>

#include "usertrap.h"

namespace {
std::mutex lock;
std::map<std::uint64_t, std::string> seen;

struct Local {
	std::string text = std::string(100, 'x');
};
thread_local Local local;

void check(std::uint64_t number)
{
	if (number == 501)
		throw std::runtime_error("not 501");
}

int enter(usertrap_call *call)
{
	std::ostringstream text;
	text << call->number << ' ' << local.text.size() << ' ' << 1.5 * static_cast<double>(call->args[0]);
	{
		std::lock_guard<std::mutex> guard(lock);
		seen[call->number] = text.str();
	}
	try {
		check(call->number);
		call->result = static_cast<std::int64_t>(call->args[0]) + 100;
	} catch (const std::exception &error) {
		call->result = static_cast<std::int64_t>(std::string(error.what()).size());
	}
	return USERTRAP_ANSWER;
}

void fini()
{
	for (const auto &[number, text] : seen)
		std::cerr << number << ": " << text << '\n';
}

const std::uint16_t numbers[] = {500, 501};
} // namespace

USERTRAP_HOOK(.name = "plus", .numbers = numbers, .count = 2, .enter = enter, .fini = fini);
