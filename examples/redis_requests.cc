// SPDX-License-Identifier: Apache-2.0
#include "detent/examples/redis_requests.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace detent_examples {
namespace {

constexpr size_t kRoomMin = 16 * 1024;
constexpr size_t kKept = 64 * 1024;  // Larger memory is given back between requests.

// The number that follows the first letter of `line`.
bool ParseCount(std::string_view line, int64_t* count) {
  const char* const end = line.data() + line.size();
  const auto [last, error] = std::from_chars(line.data() + 1, end, *count);
  return error == std::errc() && last == end;
}

// The beginning of what a client sent, for an error that quotes it.
std::string Quoted(std::string_view text) { return absl::CHexEscape(std::string(text.substr(0, 20))); }

}  // namespace

std::span<char> RedisRequests::Room() {
  words_.clear();
  if (begin_ == end_) {
    begin_ = at_ = scanned_ = end_ = 0;
    if (bytes_.size() > kKept) std::vector<char>().swap(bytes_);
  }
  if (begin_ > 0 && bytes_.size() - end_ < kRoomMin / 2) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    at_ -= begin_;
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < kRoomMin / 2) bytes_.resize(std::max(kRoomMin, 2 * bytes_.size()));
  return std::span(bytes_).subspan(end_);
}

bool RedisRequests::Next() {
  if (failed()) return false;
  if (words_left_ == 0) {
    StartRequest();
    if (!NextHead()) return false;
  }
  while (words_left_ > 0) {
    if (!NextWord()) return false;
  }
  for (const Extent& extent : extents_) words_.emplace_back(bytes_.data() + begin_ + extent.start, extent.size);
  begin_ = at_;
  return true;
}

void RedisRequests::StartRequest() {
  begin_ = at_;
  extents_.clear();
  words_.clear();
}

// Sets words_left_, or for a request of one line extents_.
bool RedisRequests::NextHead() {
  while (extents_.empty()) {
    std::string_view line;
    if (!NextLine(&line)) return false;
    if (!line.starts_with('*')) {
      if (!NextInline(line)) return false;
      continue;
    }
    int64_t count = 0;
    if (!ParseCount(line, &count))
      return Fail(absl::StrCat("\"", Quoted(line), "\" has no number of words after the *"));
    if (count > kWordsMax)
      return Fail(absl::StrCat("a request of ", count, " words; at most ", kWordsMax, " are taken"));
    if (count > 0) {
      words_left_ = count;
      return true;
    }
    begin_ = at_;  // An empty request is none.
  }
  return true;
}

bool RedisRequests::NextWord() {
  if (word_size_ < 0) {
    std::string_view line;
    if (!NextLine(&line)) return false;
    if (!line.starts_with('$')) return Fail(absl::StrCat("expected $ and a size, got \"", Quoted(line), "\""));
    int64_t size = 0;
    if (!ParseCount(line, &size) || size < 0) return Fail(absl::StrCat("\"", Quoted(line), "\" is no size of a word"));
    if (size > kWordMax) return Fail(absl::StrCat("a word of ", size, " bytes; at most ", kWordMax, " are taken"));
    word_size_ = size;
  }
  const size_t size = static_cast<size_t>(word_size_);
  if (end_ - at_ < size + 2) return false;
  if (bytes_[at_ + size] != '\r' || bytes_[at_ + size + 1] != '\n') {
    return Fail(absl::StrCat("no end of line after the ", size, " bytes of a word"));
  }
  extents_.push_back({at_ - begin_, size});
  at_ += size + 2;
  scanned_ = at_;
  word_size_ = -1;
  --words_left_;
  return true;
}

// Words between spaces, as somebody types them. True, without a word, for an empty line.
bool RedisRequests::NextInline(std::string_view line) {
  size_t start = static_cast<size_t>(line.data() - bytes_.data()) - begin_;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != ' ' && line[i] != '\t') continue;
    const size_t end = static_cast<size_t>(line.data() - bytes_.data()) + i - begin_;
    if (end > start) extents_.push_back({start, end - start});
    start = end + 1;
  }
  if (extents_.empty()) begin_ = at_;
  return true;
}

// The next line, without its end.
bool RedisRequests::NextLine(std::string_view* line) {
  const char* const from = bytes_.data() + scanned_;
  const void* const found = scanned_ == end_ ? nullptr : std::memchr(from, '\n', end_ - scanned_);
  if (found == nullptr) {
    scanned_ = end_;
    if (end_ - at_ > kLineMax) return Fail(absl::StrCat("a line of more than ", kLineMax, " bytes"));
    return false;
  }
  const size_t newline = static_cast<size_t>(static_cast<const char*>(found) - bytes_.data());
  *line = std::string_view(bytes_.data() + at_, newline - at_);
  if (line->ends_with('\r')) line->remove_suffix(1);
  at_ = scanned_ = newline + 1;
  return true;
}

bool RedisRequests::Fail(const std::string& why) {
  error_ = absl::StrCat("-ERR Protocol error: ", why, "\r\n");
  words_.clear();
  return false;
}

}  // namespace detent_examples
