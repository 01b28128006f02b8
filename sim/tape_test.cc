// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/tape.h"

#include <string>

#include "detent/runtime/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using ::testing::HasSubstr;

Tape SomeTape() {
  Tape tape;
  tape.set_seed(42);
  tape.set_test(7);
  tape.set_fingerprint(0xfedcba9876543210);
  tape.Record(ChoiceKind::kSchedule, 3, 0);
  tape.Record(ChoiceKind::kSchedule, 3, 2);
  tape.Record(ChoiceKind::kFault, 2, 1);
  for (int i = 0; i < 1000; ++i) tape.Record(ChoiceKind::kSchedule, 2, 0);
  tape.Record(ChoiceKind::kProgram, 4'000'000'000u, 3'999'999'999u);
  tape.set_limits(TapeLimits(1'000'000, absl::InfiniteDuration(), absl::Milliseconds(5)));
  tape.AddCheckpoint(64, 0x0123456789abcdef);
  return tape;
}

std::string ParseError(const std::string& line) { return std::string(Tape::Parse(line).status().message()); }

TEST(TapeTest, ReadsBackWhatItPrints) {
  const Tape tape = SomeTape();
  const absl::StatusOr<Tape> parsed = Tape::Parse(tape.ToString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, tape);
  EXPECT_EQ(parsed->length(), 1004u);
  EXPECT_EQ(parsed->entries().size(), 3u);
}

TEST(TapeTest, StoresOnlyChoicesThatAreNotTheCalmest) {
  Tape tape;
  for (int i = 0; i < 1'000'000; ++i) tape.Record(ChoiceKind::kSchedule, 2, 0);
  EXPECT_LT(tape.ToString().size(), 60u);
}

// The format outlives this version of the library: a change of it is a new prefix.
TEST(TapeTest, FormatIsPinned) {
  EXPECT_EQ(SomeTape().ToString(), "d1:KgAAAAAAAADsBxAyVHaYutz-BwAAAAAAAADAhD0AwZaxAgMBGAIBEgHpB4GA5Zp3_8-s8w4BQO_Nq4lnRSMBtixDbw");
}

TEST(TapeTest, AnotherPrefixIsRefused) {
  EXPECT_EQ(ParseError("x9:AAAA"),
            "malformed tape: it must start with \"d1:\", the version, but starts with \"x9:\"; copy the whole line that "
            "was printed");
}

TEST(TapeTest, AForeignCharacterIsNamedWithItsPlace) {
  std::string line = SomeTape().ToString();
  line[10] = '*';
  EXPECT_THAT(ParseError(line), HasSubstr("character 11 ('*') is none of A-Z"));
}

TEST(TapeTest, EveryCutIsNoticed) {
  const std::string line = SomeTape().ToString();
  for (size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(Tape::Parse(line.substr(0, size)).ok()) << size;
  }
  EXPECT_THAT(ParseError(line.substr(0, line.size() - 4)), HasSubstr("was cut short or changed"));
}

TEST(TapeTest, EveryFlippedBitIsNoticed) {
  const std::string line = SomeTape().ToString();
  for (size_t i = 0; i < line.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = line;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const absl::StatusOr<Tape> parsed = Tape::Parse(flipped);
      // The last character of base64 has bits that carry nothing.
      EXPECT_TRUE(!parsed.ok() || *parsed == SomeTape()) << i << " " << bit;
    }
  }
}

TEST(TapeTest, RandomBytesNeverCrashTheParser) {
  RandomGenerator random(1);
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int i = 0; i < 10'000; ++i) {
    std::string line = "d1:";
    for (uint64_t n = random.Below(100); n > 0; --n) line.push_back(alphabet[random.Below(alphabet.size())]);
    EXPECT_FALSE(Tape::Parse(line).ok());
  }
}

}  // namespace
}  // namespace detent::sim
