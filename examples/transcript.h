// SPDX-License-Identifier: Apache-2.0
//
// How the examples show that they print what the tutorials' Python programs print.
//
//   Coro<> Greet() {
//     Print("hello");
//     co_await Sleep(kSecond);
//     Print("world");
//   }
//
//   LOOP_TEST(GreetingTest, GreetsThenSleepsThenGreets) {
//     co_await ExpectTranscript([] { return Greet(); }, R"(
//   hello
//   world
//   )");
//   }
//
// In asyncio's order (on the real loop, and in the first schedule on the simulated one) the output must be
// the text, line by line. In another schedule the tasks' steps come in another order, so there it need only
// have the same lines, or, with Elsewhere::kAnyLines, whatever the test itself then asserts of the Transcript
// that comes back.
#ifndef DETENT_EXAMPLES_TRANSCRIPT_H_
#define DETENT_EXAMPLES_TRANSCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <source_location>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "detent/runtime/coro.h"
#include "detent/runtime/event_loop.h"

namespace detent_examples {

// The tutorials' second. It is a short one, because every example runs on the real clock too.
inline constexpr absl::Duration kSecond = absl::Milliseconds(100);

// What a program printed.
class Transcript {
 public:
  Transcript() {}
  explicit Transcript(std::vector<std::string> lines) : lines_(std::move(lines)) {}

  const std::vector<std::string>& lines() const& { return lines_; }
  std::vector<std::string> lines() && { return std::move(lines_); }
  // How many lines begin with `start`.
  size_t Count(std::string_view start) const;
  // Whether both lines were printed, `first` above `then`. Of lines that repeat the topmost counts.
  bool Before(std::string_view first, std::string_view then) const;

 private:
  std::vector<std::string> lines_;
};

// Prints one line: the pieces, one after the other, in Python's spelling: True, None, ['a', 'b'], ('a', 1).
// On a thread without a Recorder it goes nowhere.
template <typename... P>
void Print(const P&... pieces);

// While one lives, what its thread prints goes into it.
class Recorder {
 public:
  Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder();

  void Add(std::string line) { lines_.push_back(std::move(line)); }
  Transcript Take() { return Transcript(std::move(lines_)); }

 private:
  std::vector<std::string> lines_;
  Recorder* const outer_;
};

// Whether the running loop is a simulated one.
bool IsSimulated();

// Runs program(), a function that returns a Coro, in the running task, then cancels the tasks that it left
// behind and waits for them, as asyncio.run() does; gives what they printed.
template <typename F>
detent::Coro<Transcript> Record(F program);

// What may differ from the text in a schedule that is not asyncio's.
enum class Elsewhere : bool { kSameLines, kAnyLines };

// The same, and compares what was printed with `text`. On the real loop a busy machine may wake the program
// so late that two of its timers are due at once; so there it has several tries.
template <Elsewhere kElsewhere = Elsewhere::kSameLines, typename F>
detent::Coro<Transcript> ExpectTranscript(F program, std::string_view text,
                                          std::source_location where = std::source_location::current());

// The same for a program that runs a loop itself: calls it with a fresh real loop, then with simulated ones.
template <Elsewhere kElsewhere = Elsewhere::kSameLines>
void ExpectTranscriptOfLoop(const std::function<void(detent::EventLoop&)>& program, std::string_view text,
                            std::source_location where = std::source_location::current());

// -----------------------------------------------------------------------------------------------------------

namespace internal {

void PrintLine(std::string line);

template <typename T>
void Write(std::ostream& out, const T& value) {
  out << value;
}
inline void Write(std::ostream& out, bool value) { out << (value ? "True" : "False"); }
inline void Write(std::ostream& out, std::monostate) { out << "None"; }

// Python quotes strings inside containers.
template <typename T>
void WriteElement(std::ostream& out, const T& value) {
  if constexpr (std::is_convertible_v<T, std::string_view>) {
    out << '\'' << value << '\'';
  } else {
    Write(out, value);
  }
}
template <typename T>
void Write(std::ostream& out, const std::vector<T>& values) {
  out << '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out << ", ";
    WriteElement(out, values[i]);
  }
  out << ']';
}
template <typename A, typename B>
void Write(std::ostream& out, const std::tuple<A, B>& pair) {
  out << '(';
  WriteElement(out, std::get<0>(pair));
  out << ", ";
  WriteElement(out, std::get<1>(pair));
  out << ')';
}

detent::Coro<> EndOtherTasks();

enum class Order : uint8_t { kReal, kFifo, kOther };

// The order in which `loop` has run things so far.
Order OrderOf(const detent::EventLoop& loop);

// Compares, and reports what is wrong; false if the program should have another try.
bool Compare(const Transcript& printed, std::string_view text, Elsewhere elsewhere, Order order, int attempt,
             std::source_location where);

void CompareOnBothLoops(const std::function<void(detent::EventLoop&)>& program, std::string_view text,
                        Elsewhere elsewhere, std::source_location where);

}  // namespace internal

template <typename... P>
void Print(const P&... pieces) {
  std::ostringstream line;
  (internal::Write(line, pieces), ...);
  internal::PrintLine(std::move(line).str());
}

template <typename F>
detent::Coro<Transcript> Record(F program) {
  Recorder recorder;
  co_await program();
  co_await internal::EndOtherTasks();
  co_return recorder.Take();
}

template <Elsewhere kElsewhere, typename F>
detent::Coro<Transcript> ExpectTranscript(F program, std::string_view text, std::source_location where) {
  for (int attempt = 1;; ++attempt) {
    Transcript printed = co_await Record(program);
    const internal::Order order = internal::OrderOf(detent::EventLoop::Current());
    if (internal::Compare(printed, text, kElsewhere, order, attempt, where)) co_return printed;
  }
}

template <Elsewhere kElsewhere>
void ExpectTranscriptOfLoop(const std::function<void(detent::EventLoop&)>& program, std::string_view text,
                            std::source_location where) {
  internal::CompareOnBothLoops(program, text, kElsewhere, where);
}

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_TRANSCRIPT_H_
