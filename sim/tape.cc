// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/tape.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "detent/sim/fingerprint.h"

namespace detent::sim {
namespace {

constexpr std::string_view kPrefix = "d2:";
// Of the hash of a stream.
constexpr int kHashSize = 7;

// Whether this version knows the kind. A kind that is missing here does not compile.
bool IsKnown(ChoiceKind kind) {
  switch (kind) {
    case ChoiceKind::kSchedule:
    case ChoiceKind::kProgram:
    case ChoiceKind::kFault:
    case ChoiceKind::kLatency:
    case ChoiceKind::kExecutor:
    case ChoiceKind::kTime:
    case ChoiceKind::kRead:
    case ChoiceKind::kWrite:
    case ChoiceKind::kArrival:
    case ChoiceKind::kName:
    case ChoiceKind::kDisk:
      return true;
  }
  return false;
}

// Spells bytes as base64url (RFC 4648), and sums them up. No allocation: a crash may be why it is called.
class Speller {
 public:
  Speller(void (*put)(void*, char), void* context) : put_(put), context_(context) {}

  void Byte(unsigned char byte) {
    sum_.Add(byte);
    bits_ = bits_ << 8 | byte;
    for (pending_ += 8; pending_ >= 6; pending_ -= 6) Put(bits_ >> (pending_ - 6));
  }
  void Fixed(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) Byte(static_cast<unsigned char>(value >> (8 * i)));
  }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(static_cast<unsigned char>(value | 0x80));
    Byte(static_cast<unsigned char>(value));
  }
  uint32_t check_sum() const { return static_cast<uint32_t>(sum_.value()); }
  void End() {
    if (pending_ > 0) Put(bits_ << (6 - pending_));
  }

 private:
  void Put(uint32_t bits) {
    put_(context_, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[bits & 63]);
  }

  void (*put_)(void*, char);
  void* context_;
  Fingerprint sum_;
  uint32_t bits_ = 0;
  int pending_ = 0;  // How many of the lowest bits are not spelled yet.
};

// Durations as nanoseconds and one more; 0 is without end.
uint64_t NumberOf(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? 0 : static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration)) + 1;
}
absl::Duration DurationOf(uint64_t number) {
  return number == 0 ? absl::InfiniteDuration() : absl::Nanoseconds(static_cast<int64_t>(number - 1));
}

uint32_t CheckSum(std::string_view bytes) {
  Fingerprint sum;
  for (const char c : bytes) sum.Add(static_cast<unsigned char>(c));
  return static_cast<uint32_t>(sum.value());
}

// Reads numbers from the front of some bytes; remembers whether there were too few.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Fixed(int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; ++i) value |= uint64_t{Byte()} << (8 * i);
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const unsigned char byte = Byte();
      value |= uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  bool ok() const { return ok_; }
  bool AtEnd() const { return position_ == bytes_.size(); }

 private:
  unsigned char Byte() {
    if (position_ == bytes_.size()) {
      ok_ = false;
      return 0;
    }
    return static_cast<unsigned char>(bytes_[position_++]);
  }

  std::string_view bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

// Where a stream is told by an entry before: no further back. Else it is spelled anew.
constexpr size_t kLookBack = 1024;
constexpr size_t kNone = ~size_t{0};

// The last entry before `end` of this stream, as far as it is looked for.
size_t FindBefore(const std::vector<Tape::Entry>& entries, size_t end, StreamId stream) {
  const size_t begin = end > kLookBack ? end - kLookBack : 0;
  for (size_t i = end; i > begin; --i) {
    if (entries[i - 1].stream == stream) return i - 1;
  }
  return kNone;
}

// How an entry tells its stream, if that is not the one of the entry before.
constexpr uint64_t kSteps = 0;
constexpr uint64_t kNew = 1;  // A greater number: that of the entry so many before.

void SpellEntry(const std::vector<Tape::Entry>& entries, size_t i, Speller& speller) {
  const Tape::Entry& entry = entries[i];
  const size_t before = FindBefore(entries, i, entry.stream);
  const bool is_same = entry.stream == (i == 0 ? StreamId() : entries[i - 1].stream);
  const uint64_t distance = entry.number - (before == kNone ? 0 : entries[before].number);
  speller.Varint(distance << 1 | (is_same ? 0 : 1));
  if (!is_same && entry.stream == StreamId()) {
    speller.Varint(kSteps);
  } else if (!is_same && before != kNone) {
    speller.Varint(i - before);
  } else if (!is_same) {
    speller.Varint(kNew);
    speller.Varint(static_cast<uint64_t>(entry.kind()));
    speller.Fixed(entry.stream.hash(), kHashSize);
  }
  speller.Varint(entry.n);
  speller.Varint(entry.value);
}

absl::Status Malformed(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed tape: ", what, "; copy the whole line that was printed"));
}

// The version of a format that is not ours; empty if it is ours, or none.
std::string_view OtherVersion(std::string_view line) {
  return line.starts_with(kPrefix) || !Tape::LooksLikeOne(line) ? std::string_view() : line.substr(0, line.find(':'));
}

absl::Status MadeByANewerVersion(uint64_t number, uint64_t kind) {
  return absl::InvalidArgumentError(
      absl::StrCat("the tape was made by a newer version of detent: its choice ", number, " is of kind ", kind,
                   ", which this version does not know; replay it with the version that made it"));
}

absl::Status Impossible(const std::vector<Tape::Entry>& entries, const std::string& what) {
  return Malformed(absl::StrCat("its choice ", entries.size() + 1, " (", what, ") is impossible"));
}

// Reads which stream the next entry is of.
absl::Status ReadStream(Reader& reader, bool (*knows)(ChoiceKind), const std::vector<Tape::Entry>& entries,
                        StreamId& stream) {
  const size_t size = entries.size();
  const StreamId last = size == 0 ? StreamId() : entries.back().stream;
  const uint64_t told = reader.Varint();
  uint64_t kind = 0;
  uint64_t hash = 0;
  if (told == kNew) {
    kind = reader.Varint();
    hash = reader.Fixed(kHashSize);
  }
  if (!reader.ok()) return absl::OkStatus();  // The caller says so.
  if (kind > std::numeric_limits<uint8_t>::max() || !knows(static_cast<ChoiceKind>(kind))) {
    return MadeByANewerVersion(size + 1, kind);
  }
  bool is_possible = true;
  if (told == kSteps) {
    stream = StreamId();
  } else if (told == kNew) {
    stream = StreamId(static_cast<ChoiceKind>(kind), hash);
    is_possible = kind != 0 && FindBefore(entries, size, stream) == kNone;
  } else if (told > std::min(size, kLookBack)) {
    is_possible = false;
  } else {
    stream = entries[size - told].stream;
    is_possible = stream != StreamId() && FindBefore(entries, size, stream) == size - told;
  }
  if (is_possible && stream != last) return absl::OkStatus();
  return Impossible(entries, absl::StrCat("of stream ", told));
}

// Reads the next entry of a tape of `length` choices. If the reader has come to its end, there is none.
absl::Status ReadEntry(Reader& reader, bool (*knows)(ChoiceKind), uint64_t length, std::vector<Tape::Entry>& entries) {
  Tape::Entry entry;
  const uint64_t first = reader.Varint();
  entry.stream = entries.empty() ? StreamId() : entries.back().stream;
  if (first % 2 == 1) {
    if (const absl::Status status = ReadStream(reader, knows, entries, entry.stream); !status.ok()) return status;
  }
  const size_t before = FindBefore(entries, entries.size(), entry.stream);
  entry.number = first / 2 + (before == kNone ? 0 : entries[before].number);
  entry.n = static_cast<uint32_t>(reader.Varint());
  entry.value = static_cast<uint32_t>(reader.Varint());
  if (!reader.ok()) return absl::OkStatus();
  if (entry.value == 0 || entry.value >= entry.n || entry.number >= length || (before != kNone && first / 2 == 0)) {
    return Impossible(entries, absl::StrCat(entry.value, " of ", entry.n, ", number ", entry.number, " of its stream"));
  }
  entries.push_back(entry);
  return absl::OkStatus();
}

bool InAlphabet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// What a line spells, without the check sum, which fits.
absl::StatusOr<std::string> BytesOf(std::string_view line) {
  if (const std::string version(OtherVersion(line)); version == "d1") {
    return absl::InvalidArgumentError(
        "the tape is of format d1, which told choices by their place in the run; this version of detent tells them by "
        "what they belong to (d2). Replay it with the version that made it, or let the test find the failure again");
  } else if (!version.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the tape is of format ", version, ", which is not known to this ",
                                                   "version of detent; replay it with the version that made it"));
  }
  if (!Tape::LooksLikeOne(line)) {
    return Malformed(absl::StrCat("it must start with \"", std::string(kPrefix), "\", the version, but starts with \"",
                                  std::string(line.substr(0, kPrefix.size())), "\""));
  }
  for (size_t i = kPrefix.size(); i < line.size(); ++i) {
    if (InAlphabet(line[i])) continue;
    return Malformed(
        absl::StrCat("character ", i + 1, " ('", std::string(1, line[i]), "') is none of A-Z, a-z, 0-9, '-' and '_'"));
  }
  std::string bytes;
  const std::string text(line.substr(kPrefix.size()));
  if (!absl::WebSafeBase64Unescape(text, &bytes) || bytes.size() < 4) {
    return Malformed(absl::StrCat("it ends at character ", line.size(), ", in the middle of a number"));
  }
  const std::string_view body(bytes.data(), bytes.size() - 4);
  if (Reader(std::string_view(bytes).substr(body.size())).Fixed(4) != CheckSum(body)) {
    return Malformed(absl::StrCat("the check sum of its ", line.size(),
                                  " characters does not match, so it was cut short or changed"));
  }
  bytes.resize(body.size());
  return bytes;
}

}  // namespace

void Tape::Reserve(size_t entries, size_t checkpoints) {
  // At least twice as much: else each call would copy everything.
  if (entries_.capacity() - entries_.size() < entries) entries_.reserve(2 * entries_.size() + entries);
  if (checkpoints > 0) checkpoints_.reserve(checkpoints_.size() + checkpoints);
}

void Tape::ClearRun() {
  entries_.clear();
  checkpoints_.clear();
  length_ = seed_ = fingerprint_ = 0;
}

std::string Tape::ToString() const {
  std::string text;
  Spell([](void* string, char c) { static_cast<std::string*>(string)->push_back(c); }, &text);
  return text;
}

void Tape::Spell(void (*put)(void*, char), void* context) const {
  for (const char c : kPrefix) put(context, c);
  Speller speller(put, context);
  speller.Fixed(seed_, 8);
  speller.Varint(length_);
  speller.Fixed(fingerprint_, 8);
  speller.Fixed(test_, 8);
  speller.Varint(limits_.steps_max);
  speller.Varint(NumberOf(limits_.time_max));
  speller.Varint(NumberOf(limits_.slip_max));
  speller.Varint(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) SpellEntry(entries_, i, speller);
  speller.Varint(checkpoints_.size());
  for (const Checkpoint& checkpoint : checkpoints_) {
    speller.Varint(checkpoint.steps);
    speller.Fixed(checkpoint.fingerprint, 8);
  }
  speller.Fixed(speller.check_sum(), 4);
  speller.End();
}

absl::StatusOr<Tape> Tape::Parse(std::string_view line) { return Parse(line, &IsKnown); }

absl::StatusOr<Tape> Tape::Parse(std::string_view line, bool (*knows)(ChoiceKind)) {
  const absl::StatusOr<std::string> bytes = BytesOf(line);
  if (!bytes.ok()) return bytes.status();
  Reader reader(*bytes);
  Tape tape;
  tape.seed_ = reader.Fixed(8);
  tape.length_ = reader.Varint();
  tape.fingerprint_ = reader.Fixed(8);
  tape.test_ = reader.Fixed(8);
  tape.limits_.steps_max = reader.Varint();
  tape.limits_.time_max = DurationOf(reader.Varint());
  tape.limits_.slip_max = DurationOf(reader.Varint());
  const uint64_t count = reader.Varint();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    if (const absl::Status status = ReadEntry(reader, knows, tape.length_, tape.entries_); !status.ok()) return status;
  }
  const uint64_t checkpoints = reader.Varint();
  for (uint64_t i = 0; i < checkpoints && reader.ok(); ++i) {
    const uint64_t steps = reader.Varint();
    tape.AddCheckpoint(steps, reader.Fixed(8));
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("its numbers do not add up");
  return tape;
}

bool Tape::LooksLikeOne(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon >= 2 && text[0] == 'd' &&
         std::all_of(text.begin() + 1, text.begin() + static_cast<ptrdiff_t>(colon), absl::ascii_isdigit);
}

}  // namespace detent::sim
