// SPDX-License-Identifier: Apache-2.0
//
// ReadBuffer: the bytes of a stream that were received and not yet read.
//
// A chunk that finds the buffer empty is borrowed from the loop's scratch memory and not copied: most reads take all of
// it at once. Invariant: bytes are borrowed only within one step of one task; Keep() or Take() ends that.
#ifndef DETENT_RUNTIME_IO_INTERNAL_READ_BUFFER_H_
#define DETENT_RUNTIME_IO_INTERNAL_READ_BUFFER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace detent::internal {

class ReadBuffer {
 public:
  ReadBuffer() {}

  std::string_view Unread() const { return borrowed_.empty() ? std::string_view(kept_).substr(start_) : borrowed_; }

  // REQUIRES: nothing is borrowed.
  void Add(std::string_view chunk) {
    if (kept_.empty()) {
      borrowed_ = chunk;
      return;
    }
    if (start_ >= kept_.size() / 2) kept_.erase(0, std::exchange(start_, 0));
    kept_.append(chunk);
  }

  // Copies what is borrowed, before the scratch memory is used again.
  void Keep() {
    if (!borrowed_.empty()) kept_.assign(std::exchange(borrowed_, std::string_view()));
  }

  // `size` bytes will be taken at once. If that is a large number, of which a good part has come, makes room for all:
  // who only names a number gets no memory for it. REQUIRES: nothing is borrowed.
  void Expect(size_t size) {
    const size_t storage = size + kChunkMax;
    if (size < kLarge || kept_.capacity() >= storage || kept_.size() - start_ < size / kGoodPart) return;
    std::string larger;
    larger.reserve(storage);
    larger.append(kept_, std::exchange(start_, 0));
    kept_ = std::move(larger);
  }

  // Takes the first `size` bytes. REQUIRES: there are as many.
  std::string Take(size_t size) {
    if (!borrowed_.empty()) {
      std::string taken(borrowed_.substr(0, size));
      borrowed_.remove_prefix(size);
      Keep();
      return taken;
    }
    if (start_ == 0 && size > kSmall && kept_.size() - size <= size / kGoodPart) {
      std::string rest = kept_.substr(size);
      kept_.resize(size);
      return std::exchange(kept_, std::move(rest));
    }
    std::string taken = kept_.substr(start_, size);
    start_ += size;
    if (start_ == kept_.size()) Clear();
    return taken;
  }

  // As Take(), of what the caller has copied.
  void Skip(size_t size) {
    if (!borrowed_.empty()) {
      borrowed_.remove_prefix(size);
      Keep();
      return;
    }
    start_ += size;
    if (start_ == kept_.size()) Clear();
  }

  // And lets go of its storage: of thousands of connections most are idle.
  void Clear() {
    start_ = 0;
    borrowed_ = std::string_view();
    std::string().swap(kept_);
  }

 private:
  static constexpr size_t kLarge = 1024 * 1024;
  static constexpr size_t kChunkMax = 64 * 1024;  // The last chunk may bring more than was expected.
  static constexpr size_t kGoodPart = 16;         // A sixteenth.
  static constexpr size_t kSmall = 4096;          // No more than that is copied where it could be handed over.

  std::string kept_;  // From start_ on; empty while something is borrowed.
  size_t start_ = 0;
  std::string_view borrowed_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_READ_BUFFER_H_
