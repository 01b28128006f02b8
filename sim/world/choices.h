// SPDX-License-Identifier: Apache-2.0
//
// The choices of the simulated world that its parts share, and what reports say of them. Internal.
#ifndef DETENT_SIM_WORLD_CHOICES_H_
#define DETENT_SIM_WORLD_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/internal/loop_core.h"

namespace detent::sim {

// What 0 doublings mean: kDelay, or that it comes at once.
enum class Calm : uint8_t { kDelays, kAtOnce };

// How long something takes, as a number of doublings of kDelay, kDoublings at most: the next choice of `stream`.
// `what()` is said to take it.
uint32_t ChooseDoublings(internal::LoopOwner& owner, ChoiceKind kind, uint64_t stream, Calm calm,
                         absl::FunctionRef<std::string()> what);

// `the message takes 400us instead of 50us`.
std::string WordsOfDelay(const std::string& what, uint32_t doublings, Calm calm);

// How many of `size` bytes are read (kRead) or taken (kWrite) at once: all, half of them, all but one, or one.
// `words(part)` says what it means that only a part is.
size_t ChoosePart(internal::LoopOwner& owner, ChoiceKind kind, uint64_t stream, size_t size,
                  absl::FunctionRef<std::string(size_t)> words);

// `a read gives 3 of the 7 bytes that have arrived from db:5432`; of nobody in particular if `from` is empty.
std::string WordsOfRead(size_t part, size_t size, const std::string& from);

// `3rd`.
std::string Ordinal(uint64_t number);

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_CHOICES_H_
