// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/fuzz_input.h"

#include <algorithm>

namespace detent::sim {
namespace {

// The first byte that stands for a run of calmest choices.
constexpr uint32_t kRun = 192;
constexpr uint64_t kRunMax = 256 - kRun;

class FuzzInputStrategy final : public Strategy {
 public:
  FuzzInputStrategy(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  std::string Name() const override { return "FuzzInput"; }

  void BeginRun(uint64_t) override { position_ = calm_ = 0; }

  uint32_t Choose(const ChoicePoint& point) override {
    if (calm_ > 0) {
      --calm_;
      return 0;
    }
    const uint32_t first = Next();
    if (first >= kRun) {
      calm_ = first - kRun;
      return 0;
    }
    uint64_t value = first;
    for (uint64_t range = kRun; range < point.n(); range *= 256) value += range * Next();
    return static_cast<uint32_t>(value % point.n());
  }

 private:
  uint32_t Next() { return position_ < size_ ? data_[position_++] : 0; }

  const uint8_t* const data_;
  const size_t size_;
  size_t position_ = 0;
  uint64_t calm_ = 0;  // How many choices of a run are left.
};

}  // namespace

std::unique_ptr<Strategy> FuzzInput::Make() const { return std::make_unique<FuzzInputStrategy>(data_, size_); }

std::string FuzzInput::BytesOf(const Tape& tape) {
  std::string bytes;
  uint64_t next = 0;  // The position of the choice that the next byte makes.
  for (const Tape::Entry& entry : tape.entries()) {
    while (next < entry.position) {
      const uint64_t run = std::min(entry.position - next, kRunMax);
      bytes.push_back(static_cast<char>(kRun + run - 1));
      next += run;
    }
    bytes.push_back(static_cast<char>(entry.value % kRun));
    uint64_t rest = entry.value / kRun;
    for (uint64_t range = kRun; range < entry.n; range *= 256, rest /= 256)
      bytes.push_back(static_cast<char>(rest % 256));
    next = entry.position + 1;
  }
  return bytes;
}

}  // namespace detent::sim
