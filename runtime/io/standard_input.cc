// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/standard_input.h"

#include <cerrno>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/event_loop.h"
#include "detent/runtime/io/internal/adoption.h"
#include "detent/runtime/io/internal/outside.h"

namespace detent {
namespace internal {
namespace {

// What is read, under its own name, and as long as it is open the only one.
class InputStream final : public StreamSocket, private SocketObserver {
 public:
  InputStream(std::unique_ptr<StreamSocket> input, std::shared_ptr<bool> is_open)
      : StreamSocket(input->GivesParts() ? Reads::kParts : Reads::kAll, Ways::kIn),
        input_(std::move(input)),
        is_open_(std::move(is_open)) {
    *is_open_ = true;
    input_->SetObserver(this);
  }
  ~InputStream() override { InputStream::Close(); }

  void Close() override {
    if (std::exchange(closed_, true)) return;
    *is_open_ = false;
    input_->Close();
  }
  std::string LocalAddress() const override { return "standard input"; }
  uint16_t LocalPort() const override { return 0; }
  std::string PeerAddress() const override { return "standard input"; }

  IoResult<> FinishConnect() override { return IoResult<>(); }
  IoResult<size_t> Read(char* buffer, size_t size) override { return input_->Read(buffer, size); }
  IoResult<size_t> Write(const char*, size_t) override { return IoResult<size_t>::Error(EBADF); }
  IoResult<size_t> WritePieces(std::span<const std::string_view>) override { return IoResult<size_t>::Error(EBADF); }
  void ShutdownWrite() override {}
  bool MayLeave() const override { return false; }
  bool HasPeerClosed() const override { return input_->HasPeerClosed(); }
  IoResult<Credentials> PeerCredentials() const override { return input_->PeerCredentials(); }
  size_t DrawPart(size_t size) override { return input_->DrawPart(size); }

 private:
  void OnReadable() override {
    if (observer_ != nullptr) observer_->OnReadable();
  }
  void OnWritable() override {}
  void OnPeerClosed() override {
    if (observer_ != nullptr) observer_->OnPeerClosed();
  }

  const std::unique_ptr<StreamSocket> input_;
  const std::shared_ptr<bool> is_open_;
  bool closed_ = false;
};

// What descriptor 0 is if nothing can be read from it; else empty.
std::string_view UnreadableKind(DescriptorKind kind) {
  switch (kind) {
    case DescriptorKind::kUnconnected:
      return "a socket that is not connected";
    case DescriptorKind::kListener:
      return "a socket that listens";
    case DescriptorKind::kDatagrams:
      return "a socket of datagrams or packets";
    case DescriptorKind::kWriteEnd:
      return "the end of a pipe to which one writes";
    default:
      return "";
  }
}

}  // namespace
}  // namespace internal

Connection StandardInput(std::source_location where) {
  internal::LoopCore& core = internal::RequireCore("StandardInput()");
  internal::Adoption& adoption = core.owner().outside().adoption();
  if (*adoption.standard_input_is_open()) {
    throw InvalidStateError(
        "StandardInput(): one is open already, and each would get some of the bytes; share it, or close it first");
  }
  const std::string_view kind = internal::UnreadableKind(adoption.KindOf(0));
  if (!kind.empty()) {
    throw std::invalid_argument(absl::StrCat("StandardInput(): descriptor 0 is ", std::string(kind),
                                             ", which gives no bytes to read; start the program with another input"));
  }
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> input = adoption.OpenStandardInput();
  if (!input.ok()) throw std::system_error(input.error(), std::generic_category(), "open standard input");
  auto stream = std::make_unique<internal::InputStream>(std::move(input).value(), adoption.standard_input_is_open());
  return Connection(
      internal::Ref<internal::ConnectionState>(new internal::ConnectionState(core, std::move(stream), where)));
}

}  // namespace detent
