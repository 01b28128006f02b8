// SPDX-License-Identifier: Apache-2.0
//
// ChoiceStreams: to which stream a choice of the run belongs, and the how-manieth it is there. Internal.
#ifndef DETENT_SIM_CHOICE_STREAMS_H_
#define DETENT_SIM_CHOICE_STREAMS_H_

#include <cstdint>
#include <string_view>

#include "detent/runtime/internal/lane.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/sim/strategy/stream_id.h"
#include "detent/sim/stream_counts.h"
#include "detent/sim/task_paths.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim {

class ChoiceStreams {
 public:
  explicit ChoiceStreams(const internal::LoopCore& core) : core_(core) {}

  void BeginRun() {
    paths_.BeginRun();
    counts_.BeginRun();
  }
  // After each step: tasks that are new were made by it.
  [[gnu::always_inline]] void AfterStep(internal::Lane lane) {
    if (paths_.HasNew(core_)) [[unlikely]]
      paths_.NoteNew(core_, lane);
  }

  // Of the number that was given last.
  void Name(uint64_t id, uint64_t path) {
    paths_.Name(core_, internal::Lane::OfCallbacks(internal::RunningSource(core_)), id, path);
  }
  // A hash of who runs.
  uint64_t Running() const { return paths_.Of(internal::RunningSource(core_)); }
  // A hash for something new: the next of this kind that whoever runs makes.
  uint64_t New(std::string_view kind) {
    const uint64_t all = HashOf(Running(), HashOf(kind));
    return HashOf(all, counts_.Next(StreamId(ChoiceKind::kSchedule, all)));
  }
  // The number of the next choice of a stream.
  uint64_t NextNumber(StreamId stream) { return counts_.Next(stream); }

 private:
  const internal::LoopCore& core_;
  TaskPaths paths_;
  StreamCounts counts_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_CHOICE_STREAMS_H_
