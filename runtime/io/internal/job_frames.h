// SPDX-License-Identifier: Apache-2.0
//
// What a ProcessPool and its workers send each other: a head, which is a letter and a size of eight bytes, the lowest
// first; then so many bytes.
#ifndef DETENT_RUNTIME_IO_INTERNAL_JOB_FRAMES_H_
#define DETENT_RUNTIME_IO_INTERNAL_JOB_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace detent::internal {

enum class JobFrame : char { kJob = 'j', kResult = 'r', kError = 'e' };

class JobHead {
 public:
  static constexpr size_t kSize = 9;

  JobHead(JobFrame the_kind, uint64_t the_size) : kind(the_kind), size(the_size) {}
  // REQUIRES: `bytes` are kSize.
  explicit JobHead(std::string_view bytes) : kind(static_cast<JobFrame>(bytes[0])), size(0) {
    for (size_t i = kSize - 1; i > 0; --i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  }

  std::string Bytes() const {
    std::string bytes(1, static_cast<char>(kind));
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(size >> (8 * i) & 0xff));
    return bytes;
  }

  JobFrame kind;
  uint64_t size;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_JOB_FRAMES_H_
