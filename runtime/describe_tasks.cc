// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/describe_tasks.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/live_tasks.h"

namespace detent {
namespace {

// Text in a buffer that may be too short.
class Writer {
 public:
  explicit Writer(std::span<char> text) : text_(text) {}

  void Add(std::string_view words) {
    const size_t count = std::min(words.size(), text_.size() - size_);
    std::copy_n(words.data(), count, text_.data() + size_);
    size_ += count;
  }
  void Add(uint64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    Add(std::string_view(digits + at, sizeof(digits) - at));
  }
  size_t size() const { return size_; }

 private:
  std::span<char> text_;
  size_t size_ = 0;
};

}  // namespace

std::string DescribeTasks() { return DescribeTasks(EventLoop::Current()); }

std::string DescribeTasks(const EventLoop& loop) {
  loop.CheckThread("DescribeTasks()");
  return internal::DescribeTaskTree(loop.core());
}

size_t DescribeRunningStep(std::span<char> text) noexcept {
  const internal::LoopCore* core = internal::tls_running_core;
  const internal::TaskState* task = core == nullptr ? nullptr : core->current_task;
  if (task == nullptr) return 0;
  Writer writer(text);
  writer.Add("running: task ");
  writer.Add(task->id());
  if (const std::string_view name = task->GivenName(); !name.empty()) {
    writer.Add(" \"");
    writer.Add(name);
    writer.Add("\"");
  }
  writer.Add(", spawned at ");
  const std::string_view file = task->spawned_at().file_name();
  writer.Add(file.substr(file.rfind('/') + 1));
  writer.Add(":");
  writer.Add(uint64_t{task->spawned_at().line()});
  writer.Add("\n");
  return writer.size();
}

}  // namespace detent
