// SPDX-License-Identifier: Apache-2.0
//
// The numbers of signals, and which of them a program may take.
#ifndef DETENT_RUNTIME_IO_INTERNAL_SIGNAL_NUMBERS_H_
#define DETENT_RUNTIME_IO_INTERNAL_SIGNAL_NUMBERS_H_

#include <cstdint>
#include <string>

namespace detent::internal {

inline constexpr int kSignalMax = 64;
inline constexpr int kAbortSignal = 6;
inline constexpr int kKillSignal = 9;
inline constexpr int kTerminateSignal = 15;

// Sets of signals have a bit for each. REQUIRES: `signal` is in [1, kSignalMax].
constexpr uint64_t BitOfSignal(int signal) { return uint64_t{1} << (signal - 1); }

// `SIGTERM`, `signal 40`.
std::string SignalName(int signal);

// Throws std::invalid_argument unless there is such a signal.
void RequireSignal(int signal);
// The same unless a program may also take it; the text says why it may not.
void RequireTakableSignal(int signal);

// What a signal does that nobody takes.
bool EndsProgram(int signal);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_SIGNAL_NUMBERS_H_
