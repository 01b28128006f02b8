// SPDX-License-Identifier: Apache-2.0
//
// Adoption: descriptors that somebody else has opened, for adopt.h and standard_input.h to stand on.
#ifndef DETENT_RUNTIME_IO_INTERNAL_ADOPTION_H_
#define DETENT_RUNTIME_IO_INTERNAL_ADOPTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/io/internal/io_result.h"
#include "detent/runtime/io/internal/network.h"

namespace detent::internal {

enum class DescriptorKind : uint8_t {
  kClosed,
  kStream,       // A socket that is connected.
  kUnconnected,  // One that might be, and does not listen either.
  kListener,
  kDatagrams,  // A socket of messages, connected or not.
  kReadEnd,    // Of a pipe.
  kWriteEnd,
  kTerminal,
  kFile,  // Or a directory, or a disk.
  kOther,
};

// One with which the program was started.
class InheritedDescriptor {
 public:
  InheritedDescriptor(int its_number, std::string its_name) : fd(its_number), name(std::move(its_name)) {}

  int fd;
  std::string name;
};

class Adoption {
 public:
  Adoption(const Adoption&) = delete;
  Adoption& operator=(const Adoption&) = delete;
  virtual ~Adoption() = default;  // Sockets that are left are closed.

  virtual DescriptorKind KindOf(int fd) = 0;
  // 0, or why this loop cannot watch it: EEXIST, if it does so already. Changes nothing.
  virtual int Refusal(int fd) = 0;
  // The descriptor belongs to what this gives. REQUIRES: it is a kStream, a kReadEnd or a kWriteEnd, and not refused.
  virtual IoResult<std::unique_ptr<StreamSocket>> AdoptStream(int fd) = 0;
  // REQUIRES: it is a kListener, and not refused.
  virtual IoResult<std::unique_ptr<ListenSocket>> AdoptListener(int fd) = 0;

  // What a supervisor has opened for this program. Throws std::invalid_argument for what it cannot have meant.
  virtual std::vector<InheritedDescriptor> Inherited() = 0;
  // Whether the program has taken those.
  virtual std::atomic<bool>& inherited_taken() = 0;

  // A stream of what the program is given to read; the descriptor itself is left as it is.
  virtual IoResult<std::unique_ptr<StreamSocket>> OpenStandardInput() = 0;
  // Whether such a stream is open: told by the stream, which may outlive its loop.
  const std::shared_ptr<bool>& standard_input_is_open() const { return standard_input_is_open_; }

 protected:
  Adoption() {}

 private:
  const std::shared_ptr<bool> standard_input_is_open_ = std::make_shared<bool>(false);
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_ADOPTION_H_
