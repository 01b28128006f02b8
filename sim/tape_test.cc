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

const StreamId kSteps;
const StreamId kFaults(ChoiceKind::kFault, 0x1122334455667788);
const StreamId kNumbers(ChoiceKind::kProgram, 1);

Tape SomeTape() {
  Tape tape;
  tape.set_seed(42);
  tape.set_test(7);
  tape.set_fingerprint(0xfedcba9876543210);
  tape.Record(kSteps, 0, 3, 0);
  tape.Record(kSteps, 1, 3, 2);
  tape.Record(kFaults, 0, 2, 1);
  for (uint64_t i = 2; i < 1002; ++i) tape.Record(kSteps, i, 2, 0);
  tape.Record(kNumbers, 0, 4'000'000'000u, 3'999'999'999u);
  tape.Record(kFaults, 1, 2, 1);
  tape.Record(kFaults, 2, 2, 1);
  tape.Record(kSteps, 1002, 2, 1);
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
  return absl::StrCat("d2:", text);
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
  EXPECT_EQ(parsed->length(), 1007u);
  EXPECT_EQ(parsed->entries().size(), 6u);
}

TEST(TapeTest, StoresOnlyChoicesThatAreNotTheCalmest) {
  Tape tape;
  for (uint64_t i = 0; i < 1'000'000; ++i) tape.Record(kSteps, i, 2, 0);
  EXPECT_LT(tape.ToString().size(), 60u);
}

// The format outlives this version of the library: a change of it is a new prefix.
TEST(TapeTest, FormatIsPinned) {
  EXPECT_EQ(SomeTape().ToString(),
            "d2:KgAAAAAAAADvBxAyVHaYutz-BwAAAAAAAADAhD0AwZaxAgYCAwIBAQKId2ZVRDMiAgEBAQEBAAAAAAAAgNCs8w7_"
            "z6zzDgMCAgECAgHTDwACAQFA7"
            "82riWdFIwEi9Woc");
}

TEST(TapeTest, ATapeOfAnotherFormatIsRefusedWithASentence) {
  EXPECT_EQ(ParseError("d1:1GzwBCVkQtUEWonPRyHZA9vBwpavsvp848CEPQABAQIQAQDH6oNk"),
            "the tape is of format d1, which told choices by their place in the run; this version of detent tells them "
            "by what they belong to (d2). Replay it with the version that made it, or let the test find the failure "
            "again");
  EXPECT_EQ(ParseError("d17:AAAA"),
            "the tape is of format d17, which is not known to this version of detent; replay it with the version that "
            "made it");
}

TEST(TapeTest, AStreamIsToldByItsLastEntry) {
  Tape tape;
  tape.Record(kNumbers, 7, 2, 1);
  tape.Record(kNumbers, 9, 2, 1);
  tape.Record(kFaults, 3, 2, 1);
  tape.Record(kSteps, 4, 2, 1);
  tape.Record(kNumbers, 12, 2, 1);
  tape.set_entries(tape.entries(), 100);
  const std::string bytes = BytesOf(tape);
  EXPECT_EQ(bytes.substr(bytes.size() - 36),
            std::string("\x05"
                        "\x0f\x01\x01\x01\0\0\0\0\0\0\x02\x01"  // 2 * 7 + 1; a new stream, its kind and hash; 1 of 2.
                        "\x04\x02\x01"                          // Two further in the same stream.
                        "\x07\x01\x02\x88\x77\x66\x55\x44\x33\x22\x02\x01"
                        "\x09\x00\x02\x01"  // A step.
                        "\x07\x03\x02\x01"  // Three further in the stream of the entry that is three before.
                        "\x00",             // No checkpoint.
                        37)
                .substr(1));
  const absl::StatusOr<Tape> parsed = Tape::Parse(tape.ToString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, tape);
}

TEST(TapeTest, AStreamThatIsFarBackIsToldAnew) {
  Tape tape;
  tape.Record(kNumbers, 0, 2, 1);
  for (uint64_t i = 0; i < 1100; ++i) tape.Record(StreamId(ChoiceKind::kLatency, i), 0, 2, 1);
  for (uint64_t i = 0; i < 1100; ++i) tape.Record(kSteps, i, 2, 1);
  tape.Record(kNumbers, 1, 2, 1);
  const absl::StatusOr<Tape> parsed = Tape::Parse(tape.ToString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, tape);
}

TEST(TapeTest, EveryKindIsSpelled) {
  for (const int kind : {1, 6, 7, 8, 127, 128, 255}) {
    const StreamId stream(static_cast<ChoiceKind>(kind), 99);
    Tape tape = SomeTape();
    tape.Record(stream, 0, 5, 4);
    tape.Record(kSteps, 2000, 2, 1);
    tape.Record(stream, 1, 4'294'967'295u, 4'294'967'294u);
    tape.set_entries(tape.entries(), 3000);
    const absl::StatusOr<Tape> parsed = Tape::Parse(tape.ToString(), &KnowsAll);
    ASSERT_TRUE(parsed.ok()) << kind << " " << parsed.status();
    EXPECT_EQ(*parsed, tape) << kind;
  }
}

TEST(TapeTest, AKindThatThisVersionDoesNotKnowIsRefused) {
  for (const int kind : {100, 200}) {
    Tape tape;
    tape.Record(kNumbers, 0, 2, 1);
    tape.Record(StreamId(static_cast<ChoiceKind>(kind), 1), 0, 2, 1);
    EXPECT_EQ(ParseError(tape.ToString()),
              absl::StrCat("the tape was made by a newer version of detent: its choice 2 is of kind ", kind,
                           ", which this version does not know; replay it with the version that made it"));
  }
}

TEST(TapeTest, AKindTooGreatForThisVersionIsRefusedNotCut) {
  Tape tape;
  tape.Record(StreamId(static_cast<ChoiceKind>(255), 1), 0, 2, 1);
  std::string bytes = BytesOf(tape);
  const size_t at = bytes.find("\xff\x01");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 2, "\x81\x02");  // 257, of which 8 bits are kProgram.
  EXPECT_THAT(ParseError(LineOf(bytes)), HasSubstr("its choice 1 is of kind 257, which this version does not know"));
}

// Entries of one stream that do not go up, of a stream that is told in another way than it could be, with an impossible
// value, or beyond the number of choices.
TEST(TapeTest, ImpossibleEntriesAreRefused) {
  const std::string head = [] {
    Tape tape;
    tape.set_entries({}, 100);
    const std::string bytes = BytesOf(tape);
    return bytes.substr(0, bytes.size() - 2);  // Without the numbers of entries and of checkpoints.
  }();
  const auto error_of = [&](const std::string& entries) { return ParseError(LineOf(head + entries + '\0')); };
  const auto text = [](const char* bytes, size_t size) { return std::string(bytes, size); };
  EXPECT_EQ(error_of(text("\x01\x06\x02\x01", 4)), "");
  EXPECT_THAT(error_of(text("\x02\x06\x02\x01\x00\x02\x01", 7)), HasSubstr("its choice 2 (1 of 2, number 3 of its"));
  EXPECT_THAT(error_of(text("\x01\x06\x02\x02", 4)), HasSubstr("its choice 1 (2 of 2, number 3 of its stream)"));
  EXPECT_THAT(error_of(text("\x01\x06\x02\x00", 4)), HasSubstr("its choice 1 (0 of 2, number 3 of its stream)"));
  EXPECT_THAT(error_of(text("\x01\xc8\x01\x02\x01", 5)), HasSubstr("number 100 of its stream) is impossible"));
  EXPECT_THAT(error_of(text("\x01\x07\x00\x02\x01", 5)), HasSubstr("(of stream 0) is impossible"));
  EXPECT_THAT(error_of(text("\x01\x07\x02\x02\x01", 5)), HasSubstr("(of stream 2) is impossible"));
  EXPECT_THAT(error_of(text("\x01\x07\x01\x00\x01\0\0\0\0\0\0\x02\x01", 13)), HasSubstr("(of stream 1) is impossible"));
}

TEST(TapeTest, LooksLikeOneByItsBeginning) {
  EXPECT_TRUE(Tape::LooksLikeOne("d2:"));
  EXPECT_TRUE(Tape::LooksLikeOne("d1:"));
  EXPECT_TRUE(Tape::LooksLikeOne(SomeTape().ToString()));
  EXPECT_FALSE(Tape::LooksLikeOne("d2"));
  EXPECT_FALSE(Tape::LooksLikeOne("d:"));
  EXPECT_FALSE(Tape::LooksLikeOne("disk2:/tape"));
  EXPECT_FALSE(Tape::LooksLikeOne("/tmp/d2:.tape"));
}

TEST(TapeTest, AnotherPrefixIsRefused) {
  EXPECT_EQ(
      ParseError("x9:AAAA"),
      "malformed tape: it must start with \"d2:\", the version, but starts with \"x9:\"; copy the whole line that "
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
    std::string line = "d2:";
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
