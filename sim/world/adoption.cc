// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/world/adoption.h"

#include <cerrno>
#include <map>
#include <source_location>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/sim/world/memory_pipe.h"

namespace detent::sim {
namespace {

using internal::DescriptorKind;
using internal::IoResult;
using internal::ListenSocket;
using internal::StreamSocket;

class SimAdoption final : public internal::Adoption {
 public:
  explicit SimAdoption(EventLoop& loop) : loop_(loop) {}

  DescriptorKind KindOf(int fd) override {
    if (fd == 0) return DescriptorKind::kReadEnd;
    const auto found = descriptors_.find(fd);
    return found == descriptors_.end() ? DescriptorKind::kClosed : found->second.kind;
  }
  int Refusal(int fd) override {
    const Entry& entry = descriptors_[fd];
    return entry.stream == nullptr && entry.listener == nullptr ? EEXIST : 0;
  }
  IoResult<std::unique_ptr<StreamSocket>> AdoptStream(int fd) override { return std::move(descriptors_[fd].stream); }
  IoResult<std::unique_ptr<ListenSocket>> AdoptListener(int fd) override {
    return std::move(descriptors_[fd].listener);
  }
  std::vector<internal::InheritedDescriptor> Inherited() override { return inherited_; }
  std::atomic<bool>& inherited_taken() override { return inherited_taken_; }
  IoResult<std::unique_ptr<StreamSocket>> OpenStandardInput() override {
    if (input_ == nullptr) input_ = MakeMemoryPipe(loop_, "standard input").reads;  // Nobody writes: it has ended.
    return std::move(input_);
  }

  int Add(std::unique_ptr<StreamSocket> stream) {
    Entry entry;
    switch (stream->ways()) {
      case StreamSocket::Ways::kBoth:
        entry.kind = DescriptorKind::kStream;
        break;
      case StreamSocket::Ways::kIn:
        entry.kind = DescriptorKind::kReadEnd;
        break;
      case StreamSocket::Ways::kOut:
        entry.kind = DescriptorKind::kWriteEnd;
        break;
    }
    entry.stream = std::move(stream);
    return Add(std::move(entry));
  }
  int Add(std::unique_ptr<ListenSocket> listener) {
    Entry entry;
    entry.kind = DescriptorKind::kListener;
    entry.listener = std::move(listener);
    return Add(std::move(entry));
  }
  void Inherit(int fd, std::string_view name) {
    for (const internal::InheritedDescriptor& each : inherited_) {
      if (each.fd != fd) continue;
      throw std::invalid_argument(absl::StrCat("InheritDescriptor(): ", fd, " is inherited already, as \"", each.name,
                                               "\"; give each descriptor one name"));
    }
    inherited_.emplace_back(fd, std::string(name));
  }
  std::unique_ptr<StreamSocket> Feed() {
    if (std::exchange(fed_, true) || *standard_input_is_open()) {
      throw InvalidStateError("FeedStandardInput(): it is fed, or read, already; call it once, before StandardInput()");
    }
    MemoryPipe pipe = MakeMemoryPipe(loop_, "standard input");
    input_ = std::move(pipe.reads);
    return std::move(pipe.writes);
  }

 private:
  // Null for what was adopted.
  class Entry {
   public:
    Entry() {}

    DescriptorKind kind = DescriptorKind::kClosed;
    std::unique_ptr<StreamSocket> stream;
    std::unique_ptr<ListenSocket> listener;
  };

  int Add(Entry entry) {
    descriptors_.emplace(next_, std::move(entry));
    return next_++;
  }

  EventLoop& loop_;
  std::map<int, Entry> descriptors_;
  int next_ = 3;
  std::vector<internal::InheritedDescriptor> inherited_;
  std::atomic<bool> inherited_taken_ = false;
  std::unique_ptr<StreamSocket> input_;
  bool fed_ = false;
};

SimAdoption& Current(const char* what) {
  auto* const found = dynamic_cast<SimAdoption*>(&internal::RequireCore(what).owner().outside().adoption());
  if (found != nullptr) return *found;
  throw InvalidStateError(
      absl::StrCat(what, ": this loop is a real one, whose descriptors the kernel makes; use socket() and the like"));
}

std::pair<int, int> MakePair(const char* what, bool one_way) {
  SimAdoption& adoption = Current(what);
  internal::Network& network = internal::RequireCore(what).owner().outside().network();
  internal::Network::Streams streams = network.MakePair(one_way).value();
  const int first = adoption.Add(std::move(streams.first));
  return {first, adoption.Add(std::move(streams.second))};
}

}  // namespace

int ListeningDescriptor(std::string_view host, int port) {
  SimAdoption& adoption = Current("ListeningDescriptor()");
  internal::Network& network = internal::RequireCore("ListeningDescriptor()").owner().outside().network();
  if (port < 0 || port > 65535) {
    throw std::invalid_argument(
        absl::StrCat("ListeningDescriptor(): the port is ", port, "; it must be between 0 and 65535"));
  }
  auto listener = network.Listen(std::string(host), static_cast<uint16_t>(port), internal::ListenSettings());
  if (!listener.ok()) {
    throw std::system_error(
        listener.error(), std::generic_category(),
        absl::StrCat("listen at ", internal::JoinHostPort(std::string(host), static_cast<uint16_t>(port))));
  }
  return adoption.Add(std::move(listener).value());
}

std::pair<int, int> SocketPairDescriptors() { return MakePair("SocketPairDescriptors()", /*one_way=*/false); }

std::pair<int, int> PipeDescriptors() { return MakePair("PipeDescriptors()", /*one_way=*/true); }

void InheritDescriptor(int fd, std::string_view name) {
  SimAdoption& adoption = Current("InheritDescriptor()");
  if (adoption.KindOf(fd) == DescriptorKind::kClosed || fd == 0) {
    throw std::invalid_argument(absl::StrCat(
        "InheritDescriptor(): ", fd, " is no descriptor of this run; ListeningDescriptor() and the like give one"));
  }
  adoption.Inherit(fd, name);
}

Connection FeedStandardInput() {
  internal::LoopCore& core = internal::RequireCore("FeedStandardInput()");
  auto writes = Current("FeedStandardInput()").Feed();
  return Connection(internal::Ref<internal::ConnectionState>(
      new internal::ConnectionState(core, std::move(writes), std::source_location::current())));
}

std::unique_ptr<internal::Adoption> MakeSimAdoption(EventLoop& loop) { return std::make_unique<SimAdoption>(loop); }

}  // namespace detent::sim
