// A C++ program: static objects, streams, exceptions through frames of the standard library, threads
// with thread-local objects, containers.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Noisy {
    std::string name;
    explicit Noisy(const char *name) : name(name) { std::cout << "made " << name << "\n"; }
    ~Noisy() { std::cout << "gone " << name << std::endl; }
};
static Noisy global("global");
static thread_local std::vector<int> of_thread(3, 7);

static int deep(int level) {
    Noisy local("local");
    if (level == 0) throw std::out_of_range("deep");
    return deep(level - 1) + 1;
}

int main(int argc, char **argv) {
    try {
        deep(3);
    } catch (const std::exception &error) {
        std::cout << "caught " << error.what() << "\n";
    }
    try {
        std::vector<int> four{1, 2, 3, 4};
        std::sort(four.begin(), four.end(), [](int one, int two) -> bool {
            if (one + two == 5) throw std::runtime_error("in a comparison");
            return one > two;
        });
    } catch (const std::runtime_error &error) {
        std::cout << "caught " << error.what() << "\n";
    }
    std::vector<std::thread> threads;
    std::vector<int> sums(4);
    for (int n = 0; n < 4; n++)
        threads.emplace_back([n, &sums] {
            of_thread.push_back(n);
            for (int value : of_thread) sums[n] += value;
        });
    for (auto &thread : threads) thread.join();
    for (int sum : sums) std::cout << sum << " ";
    std::cout << std::string("a1b22").substr(1, 3) << "\n";
    std::map<std::string, int> words;
    std::istringstream text("one two one");
    for (std::string word; text >> word;) words[word]++;
    for (auto &[word, count] : words) std::cout << word << " " << count << "\n";
    for (int n = 1; n < argc; n++) std::cout << argv[n] << "\n";
    return words.size() == 2 ? 5 : 1;
}
