// Threads of C++: exceptions through many frames, in all threads at once, out of signal handlers, across joins and
// futures; thread_local destructors, condition variables, call_once, a stop token.
#include <atomic>
#include <condition_variable>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

static std::atomic<long> destroyed;
struct Counted {
    ~Counted() { destroyed += syscall(SYS_getpid) > 0; } // a call while unwinding
};

[[gnu::noinline]] static int dive(int depth)
{
    Counted counted;
    if (depth == 0) throw std::runtime_error(std::to_string(getppid() > 0));
    return dive(depth - 1) + (depth & 1);
}

static void exceptions_in_all_threads()
{
    std::atomic<int> caught{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 300; i++) try {
                    dive(i % 40);
                } catch (const std::runtime_error &error) {
                    caught += error.what()[0] == '1';
                }
        });
    threads.clear();
    printf("caught %d, destroyed %ld\n", caught.load(), destroyed.exchange(0));
}

static void thrown_by_handlers() // with -fnon-call-exceptions
{
    struct sigaction action = {};
    action.sa_handler = [](int signal) { throw signal; };
    action.sa_flags = SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGFPE, &action, nullptr);
    std::atomic<int> faults{0}, divisions{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; i++) {
                Counted counted;
                try {
                    *static_cast<volatile int *>(nullptr) = i;
                } catch (int signal) {
                    faults += signal == SIGSEGV;
                }
                volatile int zero = 0;
                try {
                    printf("%d\n", i / zero);
                } catch (int signal) {
                    divisions += signal == SIGFPE;
                }
            }
        });
    threads.clear();
    printf("faults %d, divisions %d, destroyed %ld\n", faults.load(), divisions.load(), destroyed.exchange(0));
}

static void signals_while_throwing()
{
    static std::atomic<int> signals;
    struct sigaction action = {};
    action.sa_handler = [](int) {
        try {
            dive(3);
        } catch (const std::exception &) {
            signals++;
        }
    };
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    std::atomic<bool> ready{false};
    std::thread thrower([&] {
        ready = true;
        for (int caught = 0; caught < 1000 || signals < 200;) try {
                dive(5);
            } catch (const std::exception &) {
                caught++;
            }
    });
    while (!ready) std::this_thread::yield();
    for (int sent = 0; signals < 200; sent++) {
        pthread_kill(thrower.native_handle(), SIGUSR1);
        usleep(100);
    }
    thrower.join();
    printf("thrown while thrown: %s\n", signals >= 200 ? "yes" : "no");
}

static void futures()
{
    std::vector<std::future<int>> results;
    for (int i = 0; i < 64; i++)
        results.push_back(std::async(std::launch::async, [i] {
            if (i % 4 == 3) dive(2);
            return i;
        }));
    int sum = 0, failed = 0;
    for (auto &result : results) try {
            sum += result.get();
        } catch (const std::runtime_error &) {
            failed++;
        }
    std::promise<int> promise;
    std::jthread setter([&] { promise.set_exception(std::make_exception_ptr(std::string("by a promise"))); });
    try {
        promise.get_future().get();
    } catch (const std::string &text) {
        printf("futures %d, failed %d, %s\n", sum, failed, text.c_str());
    }
}

static void conditions()
{
    std::mutex mutex;
    std::condition_variable condition;
    int turn = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; i++) {
                std::unique_lock lock(mutex);
                condition.wait(lock, [&] { return turn % 4 == t; });
                turn++;
                condition.notify_all();
            }
        });
    threads.clear();
    std::once_flag once;
    int tries = 0;
    for (int i = 0; i < 3; i++) try {
            std::call_once(once, [&] { if (++tries < 3) throw 1; });
        } catch (int) {
        }
    std::jthread stopping([](std::stop_token token) { while (!token.stop_requested()) usleep(100); });
    printf("turns %d, tries %d\n", turn, tries);
}

int main(int, char **arguments)
{
    setvbuf(stdout, nullptr, _IOLBF, 0);
    exceptions_in_all_threads();
    thrown_by_handlers();
    signals_while_throwing();
    futures();
    conditions();
    if (arguments[1]) {
        struct sigaction action = {};
        action.sa_handler = [](int) { fputs("aborted\n", stdout), _exit(6); };
        sigaction(SIGABRT, &action, nullptr);
        std::thread([] { dive(1); }).join(); // nobody catches: terminate
    }
    return 4;
}
