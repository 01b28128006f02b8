// SPDX-License-Identifier: Apache-2.0
//
// Runs the corpus: programs whose traces CPython 3.13 wrote. No python is needed.
#include "detent/testing/conformance/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/testing/conformance/interpreter.h"
#include "detent/testing/conformance/program.h"

namespace detent_testing::conformance {
namespace {

constexpr const char* kFiles[] = {"handmade.txt", "regressions.txt", "outcomes.txt", "random.txt", "streams.txt"};

std::string PathTo(std::string_view file) { return std::string("testing/conformance/corpus/").append(file); }

std::string LineAt(const std::string& text, size_t offset) {
  const size_t begin = text.rfind('\n', offset == 0 ? 0 : offset - 1);
  const size_t start = offset == 0 || begin == std::string::npos ? 0 : begin + 1;
  return text.substr(start, text.find('\n', start) - start);
}

// Empty if the traces are the same; else the first line that differs.
std::string Difference(const std::string& want, const std::string& got) {
  const auto [a, b] = std::mismatch(want.begin(), want.end(), got.begin(), got.end());
  if (a == want.end() && b == got.end()) return "";
  return absl::StrCat("\n  CPython: ", LineAt(want, static_cast<size_t>(a - want.begin())),
                      "\n  detent:  ", LineAt(got, static_cast<size_t>(b - got.begin())));
}

void ExpectSameTrace(const CorpusEntry& entry) {
  const std::string got = RunSimulated(ParseProgram(entry.program));
  EXPECT_EQ(Difference(entry.trace, got), "") << "program " << entry.name;
}

void ExpectSameTraces(std::string_view file) {
  for (const CorpusEntry& entry : ReadCorpus(PathTo(file))) ExpectSameTrace(entry);
}

// One test for each program that once showed a bug, under the program's name.
class RegressionTest : public ::testing::Test {
 public:
  explicit RegressionTest(CorpusEntry entry) : entry_(std::move(entry)) {}
  void TestBody() override { ExpectSameTrace(entry_); }

 private:
  CorpusEntry entry_;
};

[[maybe_unused]] const bool kRegistered = [] {
  for (const CorpusEntry& entry : ReadCorpus(PathTo("regressions.txt"))) {
    ::testing::RegisterTest("RegressionTest", entry.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [entry]() -> RegressionTest* { return new RegressionTest(entry); });
  }
  return true;
}();

TEST(CorpusTest, HandmadeProgramsDoWhatTheyDoOnCPython) { ExpectSameTraces("handmade.txt"); }

TEST(CorpusTest, ProgramsChosenForTheirOutcomesDoWhatTheyDoOnCPython) { ExpectSameTraces("outcomes.txt"); }

TEST(CorpusTest, RandomProgramsDoWhatTheyDoOnCPython) { ExpectSameTraces("random.txt"); }

TEST(CorpusTest, ProgramsThatReadAndWriteStreamsDoWhatTheyDoOnCPython) { ExpectSameTraces("streams.txt"); }

TEST(CorpusTest, HoldsFourHundredPrograms) {
  size_t programs = 0;
  for (const char* file : kFiles) programs += ReadCorpus(PathTo(file)).size();
  EXPECT_GE(programs, 400u);
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}
bool IsName(std::string_view word) {
  return word.size() > 1 && std::isupper(static_cast<unsigned char>(word[0])) && IsDigits(word.substr(1));
}
bool IsNumber(std::string_view word) { return IsDigits(word) || (word[0] == 'm' && IsDigits(word.substr(1))); }

// Replaces what stands between the first `open` and the last `close` behind it.
void ReplaceBetween(std::string& text, std::string_view open, char close, std::string_view with) {
  const size_t begin = text.find(open);
  const size_t end = text.rfind(close);
  if (begin != std::string::npos && end != std::string::npos && end > begin) {
    text.replace(begin, end + 1 - begin, with);
  }
}

// A trace line without time, names and numbers: `task put_nowait X n ok`. As outcome() in make_corpus.
std::string OutcomeOf(std::string_view line) {
  const size_t who_at = line.find(" task=") + 6;
  const size_t rest_at = line.find(' ', who_at) + 1;
  const std::string_view who = line.substr(who_at, rest_at - 1 - who_at);
  std::string rest(line.substr(rest_at));
  if (rest.starts_with("#")) rest.erase(0, rest.find(' ') + 1);
  ReplaceBetween(rest, "Group(", ')', "Group");
  ReplaceBetween(rest, "[", ']', "[]");

  std::string outcome = who.starts_with("T") ? "task " : who.starts_with("cb#") ? "cb " : std::string(who) + " ";
  bool after_name = false;  // A list of names becomes one X.
  for (size_t i = 0; i < rest.size();) {
    size_t end = i;
    while (end < rest.size() && IsWord(rest[end])) ++end;
    if (end == i) {
      outcome += rest[i++];
      continue;
    }
    const std::string_view word = std::string_view(rest).substr(i, end - i);
    const bool is_name = IsName(word);
    if (is_name && after_name && outcome.back() == ',') {
      outcome.pop_back();
    } else {
      outcome += is_name ? "X" : IsNumber(word) ? "n" : std::string(word);
    }
    after_name = is_name;
    i = end;
  }
  return outcome;
}

TEST(CorpusTest, EveryOutcomeOfTheFormatOccurs) {
  std::set<std::string> seen;
  for (const char* file : kFiles) {
    for (const CorpusEntry& entry : ReadCorpus(PathTo(file))) {
      const std::string_view trace = entry.trace;
      for (size_t begin = 0; begin < trace.size();) {
        const size_t end = trace.find('\n', begin);
        seen.insert(OutcomeOf(trace.substr(begin, end - begin)));
        begin = end + 1;
      }
    }
  }
  std::ifstream listed(PathTo("format-outcomes.list"));
  ASSERT_TRUE(listed);
  size_t count = 0;
  for (std::string line; std::getline(listed, line);) {
    if (line.starts_with("#")) continue;
    ++count;
    EXPECT_TRUE(seen.contains(line)) << "no program of the corpus shows: " << line;
  }
  EXPECT_GE(count, 200u);
}

TEST(CorpusTest, EveryOperationOccurs) {
  std::string programs;
  for (const char* file : kFiles) {
    for (const CorpusEntry& entry : ReadCorpus(PathTo(file))) programs += entry.program;
  }
  for (int kind = 0; kind <= static_cast<int>(kLastOpKind); ++kind) {
    const std::string name(NameOf(static_cast<OpKind>(kind)));
    EXPECT_NE(programs.find(absl::StrCat("\"op\":\"", name, "\"")), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace detent_testing::conformance
