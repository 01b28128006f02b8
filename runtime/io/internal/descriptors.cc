// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/internal/descriptors.h"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

namespace {

[[noreturn]] void ThrowRefused(std::string_view what, int fd, int error) {
  const std::string call = absl::StrCat(std::string(what), ": descriptor ", fd);
  if (error == EEXIST) {
    throw InvalidStateError(absl::StrCat(
        call, " is watched by a Connection or a Listener of this loop already; read and write through that"));
  }
  if (error == EPERM) {
    throw std::system_error(error, std::generic_category(),
                            absl::StrCat(call,
                                         " is a regular file or a directory, which is always ready: read it at "
                                         "once, or in RunInExecutor() if that may take long"));
  }
  throw std::system_error(error, std::generic_category(), absl::StrCat(call, " cannot be watched"));
}

}  // namespace

WatchedDescriptor::~WatchedDescriptor() = default;

bool WatchedDescriptor::HasCallback(Direction direction) const {
  return static_cast<bool>(sides_[static_cast<size_t>(direction)].callback);
}

bool WatchedDescriptor::IsWanted(Direction direction) const {
  return HasCallback(direction) || !sides_[static_cast<size_t>(direction)].waiters.empty();
}

void WatchedDescriptor::SetCallback(Direction direction, Ref<DescriptorCallback> callback) {
  Ref<DescriptorCallback>& place = sides_[static_cast<size_t>(direction)].callback;
  const Ref<DescriptorCallback> old = std::exchange(place, std::move(callback));
  if (old) old->TakeBack();
}

void WatchedDescriptor::OnReady(bool readable, bool writable) {
  if (readable) Tell(sides_[static_cast<size_t>(Direction::kRead)]);
  if (writable) Tell(sides_[static_cast<size_t>(Direction::kWrite)]);
}

void WatchedDescriptor::Tell(Side& side) {
  if (side.callback) side.callback->Schedule();
  side.waiters.WakeAll();
}

WatchedDescriptor& Descriptors::Want(std::string_view what, int fd, Direction direction) {
  if (fd < 0) throw std::invalid_argument(absl::StrCat(std::string(what), ": ", fd, " is no descriptor"));
  std::unique_ptr<WatchedDescriptor>& watched = watched_[fd];
  if (watched == nullptr) watched = Make(fd);
  const int error = watched->SetInterest(direction == Direction::kRead || watched->IsWanted(Direction::kRead),
                                         direction == Direction::kWrite || watched->IsWanted(Direction::kWrite));
  if (error == 0) return *watched;
  Update(*watched);
  ThrowRefused(what, fd, error);
}

void Descriptors::Update(WatchedDescriptor& watched) {
  const bool read = watched.IsWanted(Direction::kRead);
  const bool write = watched.IsWanted(Direction::kWrite);
  watched.SetInterest(read, write);
  if (!read && !write) watched_.erase(watched.fd());
}

void Descriptors::Add(int fd, Direction direction, absl::AnyInvocable<void()> fn, std::source_location where) {
  WatchedDescriptor& watched = Want(direction == Direction::kRead ? "AddReader()" : "AddWriter()", fd, direction);
  watched.SetCallback(direction, Ref<DescriptorCallback>(new DescriptorCallback(core_, std::move(fn), where)));
}

bool Descriptors::Remove(int fd, Direction direction) {
  const auto found = watched_.find(fd);
  if (found == watched_.end() || !found->second->HasCallback(direction)) return false;
  found->second->SetCallback(direction, {});
  Update(*found->second);
  return true;
}

}  // namespace detent::internal
