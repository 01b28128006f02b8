// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/tape.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "detent/runtime/random.h"
#include "detent/sim/fingerprint.h"
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

// A line with these bytes, and the check sum that fits.
std::string LineOf(std::string bytes) {
  Fingerprint sum;
  for (const char c : bytes) sum.Add(static_cast<unsigned char>(c));
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(sum.value() >> (8 * i)));
  std::string text;
  absl::WebSafeBase64Escape(bytes, &text);
  return absl::StrCat("d1:", text);
}

// The bytes before the check sum.
std::string BytesOf(const Tape& tape) {
  std::string bytes;
  EXPECT_TRUE(absl::WebSafeBase64Unescape(tape.ToString().substr(3), &bytes));
  return bytes.substr(0, bytes.size() - 4);
}

bool KnowsAll(ChoiceKind) { return true; }

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
  EXPECT_EQ(SomeTape().ToString(),
            "d1:KgAAAAAAAADsBxAyVHaYutz-BwAAAAAAAADAhD0AwZaxAgMBGAIBEgHpB4GA5Zp3_8-s8w4BQO_Nq4lnRSMBtixDbw");
}

// Made when there were six kinds of choice, all of which are on the last of them.
TEST(TapeTest, OldTapesReadAsTheyDidAndPrintUnchanged) {
  for (const std::string line :
       {"d1:1GzwBCVkQtUEWonPRyHZA9vBwpavsvp848CEPQABAQIQAQDH6oNk",
        "d1:jo9h0An8tc0A0a0vmF8v3M5hgFKxtjZB78CEPQABAABYIVzJ",
        "d1:AwAAAAAAAAASiHdmVUQzIhEJAAAAAAAAAOgHgZTr3APBhD0MABABAoDqMJ-NBgEZAQKB6jCfjQYBIgECguown40GASsBAoPqMJ-"
        "NBgE0AQKE6jCfjQYBPQECheown40GAUAFAAAAAAAAAKpuY2s"}) {
    const absl::StatusOr<Tape> tape = Tape::Parse(line);
    ASSERT_TRUE(tape.ok()) << tape.status();
    EXPECT_EQ(tape->ToString(), line);
  }
}

TEST(TapeTest, AKindPastTheThreeBitsOfItIsSpelledByItself) {
  for (const int kind : {6, 7, 8, 127, 128, 255}) {
    Tape tape = SomeTape();
    tape.Record(static_cast<ChoiceKind>(kind), 5, 4);
    tape.Record(ChoiceKind::kSchedule, 2, 1);
    tape.Record(static_cast<ChoiceKind>(kind), 4'294'967'295u, 4'294'967'294u);
    const absl::StatusOr<Tape> parsed = Tape::Parse(tape.ToString(), &KnowsAll);
    ASSERT_TRUE(parsed.ok()) << kind << " " << parsed.status();
    EXPECT_EQ(*parsed, tape) << kind;
  }
}

TEST(TapeTest, FormatOfLateKindsIsPinned) {
  Tape tape;
  tape.Record(static_cast<ChoiceKind>(6), 5, 4);
  tape.Record(static_cast<ChoiceKind>(7), 5, 4);
  tape.Record(static_cast<ChoiceKind>(200), 5, 4);
  const std::string bytes = BytesOf(tape);
  // Three entries, of which two are escaped, and no checkpoint.
  EXPECT_EQ(bytes.substr(bytes.size() - 14),
            std::string("\x03\x00\x2e\x04\x01\x2f\x07\x04\x01\x2f\xc8\x01\x04\x00", 14));
}

TEST(TapeTest, AKindThatThisVersionDoesNotKnowIsRefused) {
  for (const int kind : {100, 200}) {
    Tape tape;
    tape.Record(ChoiceKind::kTime, 2, 1);
    tape.Record(static_cast<ChoiceKind>(kind), 2, 1);
    EXPECT_EQ(ParseError(tape.ToString()),
              absl::StrCat("the tape was made by a newer version of detent: its choice 2 is of kind ", kind,
                           ", which this version does not know; replay it with the version that made it"));
  }
}

TEST(TapeTest, AKindTooGreatForThisVersionIsRefusedNotCut) {
  Tape tape;
  tape.Record(static_cast<ChoiceKind>(255), 2, 1);
  std::string bytes = BytesOf(tape);
  const size_t at = bytes.find("\xff\x01");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 2, "\x81\x02");  // 257, of which 8 bits are kProgram.
  EXPECT_THAT(ParseError(LineOf(bytes)), HasSubstr("its choice 1 is of kind 257, which this version does not know"));
}

TEST(TapeTest, AnEarlyKindIsSpelledInOneWayOnly) {
  Tape tape;
  tape.Record(static_cast<ChoiceKind>(7), 2, 1);
  std::string bytes = BytesOf(tape);
  const size_t at = bytes.find("\x17\x07");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = 1;
  EXPECT_THAT(ParseError(LineOf(bytes)), HasSubstr("its choice 1 (1 of 2 at position 0) is impossible"));
}

TEST(TapeTest, LooksLikeOneByItsBeginning) {
  EXPECT_TRUE(Tape::LooksLikeOne("d1:"));
  EXPECT_TRUE(Tape::LooksLikeOne(SomeTape().ToString()));
  EXPECT_FALSE(Tape::LooksLikeOne("d1"));
  EXPECT_FALSE(Tape::LooksLikeOne("/tmp/d1:.tape"));
}

TEST(TapeTest, AnotherPrefixIsRefused) {
  EXPECT_EQ(
      ParseError("x9:AAAA"),
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

// The check sum fits, so that every part of the parser is reached.
TEST(TapeTest, WhateverBytesParseToIsATapeThatPrintsAndReadsBack) {
  RandomGenerator random(2);
  const std::string good = BytesOf(SomeTape());
  int parsed_count = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = i % 2 == 0 ? good : "";
    if (bytes.empty()) {
      for (uint64_t n = random.Below(80); n > 0; --n)
        bytes.push_back(static_cast<char>(random.Below(i % 3 == 0 ? 9 : 256)));
    }
    for (uint64_t n = random.Below(4); n > 0 && !bytes.empty(); --n) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    const absl::StatusOr<Tape> tape = i % 5 == 0 ? Tape::Parse(LineOf(bytes)) : Tape::Parse(LineOf(bytes), &KnowsAll);
    if (!tape.ok()) continue;
    ++parsed_count;
    const absl::StatusOr<Tape> again = Tape::Parse(tape->ToString(), &KnowsAll);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *tape);
  }
  EXPECT_GT(parsed_count, 1000);
}

}  // namespace
}  // namespace detent::sim
