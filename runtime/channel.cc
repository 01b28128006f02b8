// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/channel.h"

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"

namespace detent::internal {

void ThrowChannelClosed(const ChannelState& channel, std::string_view call) {
  throw QueueShutDown(absl::StrCat(channel.CallOf(call), ": the channel was closed; nothing was sent"));
}

void ThrowChannelFull(const ChannelState& channel) {
  throw QueueFull(
      absl::StrCat(channel.CallOf("SendNowait"), ": it is full (", channel.size(), " of ", channel.capacity(), ")"));
}

void ThrowChannelEmpty(const ChannelState& channel) {
  throw QueueEmpty(absl::StrCat(channel.CallOf("ReceiveNowait"), ": it is empty"));
}

}  // namespace detent::internal
