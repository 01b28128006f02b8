// SPDX-License-Identifier: Apache-2.0
//
// SignalSet: signals that a program takes.
//
//   const SignalSet stop(SIGTERM, SIGINT);
//
// Errors.        std::invalid_argument for what is no signal, and for one that no program can take, or no loop:
//                SIGKILL, SIGSTOP, SIGCHLD, and those of a fault, such as SIGSEGV.
#ifndef DETENT_RUNTIME_IO_SIGNAL_SET_H_
#define DETENT_RUNTIME_IO_SIGNAL_SET_H_

#include <concepts>
#include <cstdint>

#include "detent/runtime/io/internal/signal_numbers.h"

namespace detent {

class SignalSet {
 public:
  constexpr SignalSet() {}
  template <std::same_as<int>... More>
  explicit SignalSet(int first, More... more) {
    Add(first);
    (Add(more), ...);
  }

  void Add(int signal) {
    internal::RequireTakableSignal(signal);
    bits_ |= internal::BitOfSignal(signal);
  }
  bool Contains(int signal) const {
    internal::RequireSignal(signal);
    return (bits_ & internal::BitOfSignal(signal)) != 0;
  }
  bool empty() const { return bits_ == 0; }

  // --- For the library ---

  uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_ = 0;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_SIGNAL_SET_H_
