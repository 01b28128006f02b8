// SPDX-License-Identifier: Apache-2.0
//
// RedisRequests: takes what a client of Redis sends apart into requests (RESP2: arrays of bulk strings, or a line).
//
//   RedisRequests requests;
//   requests.Add(co_await client.ReadInto(requests.Room()));
//   while (requests.Next()) Execute(requests.words());
//   if (requests.failed()) co_await client.Write(requests.error());
//
// However the bytes are split, each is looked at once. A client that only names a large number gets no memory for it.
//
// Errors.        Of what is no request nothing is read any more: error() says what was wrong.
#ifndef DETENT_EXAMPLES_REDIS_REQUESTS_H_
#define DETENT_EXAMPLES_REDIS_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace detent_examples {

class RedisRequests {
 public:
  static constexpr int64_t kWordsMax = 1024 * 1024;
  static constexpr int64_t kWordMax = 512 * 1024 * 1024;
  static constexpr size_t kLineMax = 64 * 1024;

  // Where the next bytes go; Add() says how many came. What words() gave is gone then.
  std::span<char> Room();
  void Add(size_t size) { end_ += size; }

  // Whether there is another whole request. Its words stay until the next call of Room() or Next().
  bool Next();
  std::span<const std::string_view> words() const { return words_; }

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  class Extent {
   public:
    size_t start;
    size_t size;
  };

  // Each gives false if it must wait for more, or has failed.
  bool NextLine(std::string_view* line);
  bool NextHead();
  bool NextWord();
  bool NextInline(std::string_view line);
  bool Fail(const std::string& why);
  void StartRequest();

  std::vector<char> bytes_;
  size_t begin_ = 0;    // Of the request that is read.
  size_t at_ = 0;       // What comes before was looked at.
  size_t scanned_ = 0;  // From at_ to here is no end of a line.
  size_t end_ = 0;
  int64_t words_left_ = 0;       // Of the request, 0 before its head.
  int64_t word_size_ = -1;       // Of the word whose head was read.
  std::vector<Extent> extents_;  // Counted from begin_.
  std::vector<std::string_view> words_;
  std::string error_;
};

}  // namespace detent_examples

#endif  // DETENT_EXAMPLES_REDIS_REQUESTS_H_
