// SPDX-License-Identifier: Apache-2.0
//
// FuzzInput: makes the choices that some bytes spell: how a coverage-guided fuzzer drives a simulated run.
//
//   sim::SimLoop loop({.strategy = sim::FuzzInput(data, size)});
//
// One byte is one choice, so that a small change of the bytes is a small change of the run:
//   0..191     the choice is the byte modulo n (where n is more than 192, some bytes that follow count too); of what is
//              unusual (a fault, a slip of time, bytes in part...) only as many of these bytes, the highest, make it
//              happen as its probability says, so that most bytes leave a run in peace;
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

#include "detent/sim/strategy/observer.h"
#include "detent/sim/strategy/strategy.h"

namespace detent::sim {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  std::unique_ptr<Strategy> Make() const;

 private:
  const uint8_t* data_;
  size_t size_;
};

// Spells the choices of the run that it observes: a seed for a fuzzer's corpus.
//
//   sim::FuzzInputRecorder recorder;
//   loop.SetObserver(&recorder);
//   loop.Run(Body());
//   Save(recorder.bytes());
class FuzzInputRecorder final : public RunObserver {
 public:
  FuzzInputRecorder() {}
  const std::string& bytes() const { return bytes_; }

  void OnChoice(const ChoicePoint& point, uint32_t choice) override;

 private:
  void Put(uint64_t byte) { bytes_.push_back(static_cast<char>(byte)); }

  std::string bytes_;
  uint64_t calm_ = 0;  // How many calm choices are not spelled yet.
};

}  // namespace detent::sim

#endif  // DETENT_SIM_FUZZ_INPUT_H_
