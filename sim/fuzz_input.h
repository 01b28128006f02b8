// SPDX-License-Identifier: Apache-2.0
//
// FuzzInput: makes the choices that some bytes spell: how a coverage-guided fuzzer drives a simulated run.
//
//   sim::SimLoop loop({.strategy = sim::FuzzInput(data, size)});
//
// One byte is one choice, so that a small change of the bytes is a small change of the run:
//   0..191     the choice is the byte modulo n (where n is more than 192, some bytes that follow count too);
//   192..255   so many calmest choices, from 1 to 64: long calm stretches are short.
// Past the end every choice is the calmest: no bytes are Fifo. Any bytes make a valid run.
//
// Ownership.     The bytes must outlive the run.
#ifndef DETENT_SIM_FUZZ_INPUT_H_
#define DETENT_SIM_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "detent/sim/strategy/strategy.h"
#include "detent/sim/tape.h"

namespace detent::sim {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  std::unique_ptr<Strategy> Make() const;

  // Bytes that make a tape's choices: a seed for a fuzzer's corpus.
  static std::string BytesOf(const Tape& tape);

 private:
  const uint8_t* data_;
  size_t size_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FUZZ_INPUT_H_
