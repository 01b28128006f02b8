// SPDX-License-Identifier: Apache-2.0
//
// ScheduleLog: appends a line to a file for every schedule, so that runs can be compared; for --detent_log=FILE.
//
//   BankTest.TransfersKeepTheSum 37 0f3a5c7e9b1d2f40 ok
//
// Several processes may append to one file.
//
// Internal.
#ifndef DETENT_TESTING_SCHEDULE_LOG_H_
#define DETENT_TESTING_SCHEDULE_LOG_H_

#include <cstdint>
#include <string>

#include "detent/testing/options.h"

namespace detent_testing::internal {

class ScheduleLog final : public ScheduleObserver {
 public:
  // Throws std::runtime_error, with a sentence, if the file cannot be opened.
  ScheduleLog(const std::string& file, std::string test);
  ~ScheduleLog() override;
  ScheduleLog(const ScheduleLog&) = delete;
  ScheduleLog& operator=(const ScheduleLog&) = delete;

  void OnSchedule(uint64_t number, uint64_t fingerprint, bool passed) override;

 private:
  const std::string test_;
  const int descriptor_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SCHEDULE_LOG_H_
