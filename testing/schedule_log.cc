// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/schedule_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"

namespace detent_testing::internal {

ScheduleLog::ScheduleLog(const std::string& file, std::string test)
    : test_(std::move(test)), descriptor_(open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ >= 0) return;
  throw std::runtime_error(absl::StrCat("DETENT_LOG=", file, ": cannot be written: ", std::strerror(errno)));
}

ScheduleLog::~ScheduleLog() { close(descriptor_); }

void ScheduleLog::OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) {
  // In one write, so that lines of several processes do not mix.
  const std::string line =
      absl::StrCat(test_, " ", number, " ", absl::Hex(fingerprint, absl::kZeroPad16), passed ? " ok\n" : " failed\n");
  // A full disk costs a line, not the test.
  if (write(descriptor_, line.data(), line.size()) < 0) return;
}

}  // namespace detent_testing::internal
