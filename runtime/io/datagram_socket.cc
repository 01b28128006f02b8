// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/datagram_socket.h"

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/internal/arguments.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/resolve.h"

namespace detent {
namespace internal {

void DatagramState::CloseSocket() {
  end_->Close();
  receivers_.WakeAll();
  senders_.WakeAll();
}

// --- Receiving ---

const char* ReceiveOperation::Verb() const {
  return static_cast<DatagramState&>(state()).end().IsConnected() ? "receive from" : "receive at";
}

bool ReceiveOperation::Try() {
  const IoResult<> result = static_cast<DatagramState&>(state()).end().Receive(received_);
  if (result.would_block()) return false;
  if (!result.ok()) FailWithErrno(result.error());
  state().core().SpendsLast(PriceOfCall(0));
  return true;
}

// --- Sending ---

std::string SendOperation::Objection() const {
  if (!HasTarget()) return "it has no remote address; use SendTo(), or give remote_host to OpenDatagram()";
  if (end().IsConnected()) {
    return absl::StrCat("it is connected to ", end().remote().ToString(), " and cannot send to ", to_.ToString(),
                        "; leave remote_host out to send to any address");
  }
  if (to_.family() == AddressFamily::kUnix) return absl::StrCat(to_.ToString(), " is the address of a Unix socket");
  return absl::StrCat("the port of ", to_.ToString(), " is 0; it must be between 1 and 65535");
}

bool SendOperation::Refuses() {
  const bool is_peer = end().IsConnected() && (!HasTarget() || to_ == end().remote());
  const bool has_place = to_.family() != AddressFamily::kAny && to_.family() != AddressFamily::kUnix && to_.Port() != 0;
  if (is_peer || (!end().IsConnected() && has_place)) [[likely]]
    return false;
  Fail(Failure::kOther);
  return true;
}

bool SendOperation::Try() {
  static const detent::Address kRemote;
  const IoResult<> result = end().Send(bytes_, end().IsConnected() ? kRemote : to_);
  if (result.would_block()) return false;
  if (!result.ok()) {
    errno_ = result.error();
    Fail(Failure::kOther);
  }
  state().core().SpendsLast(PriceOfCall(0));
  return true;
}

std::exception_ptr SendOperation::MakeOtherError() {
  if (errno_ != 0) {
    const std::string target = HasTarget() ? to_.ToString() : state().Address();
    const std::string what = errno_ == EMSGSIZE ? absl::StrCat("send ", bytes_.size(), " bytes to ", target)
                                                : absl::StrCat("send to ", target);
    return std::make_exception_ptr(std::system_error(errno_, std::generic_category(), what));
  }
  const std::string text = ErrorPrefix() + Objection();
  if (!HasTarget()) return std::make_exception_ptr(InvalidStateError(text));
  return std::make_exception_ptr(std::invalid_argument(text));
}

void SendOperation::Describe(WaitText& text) const {
  SocketWait::Describe(text);
  if (!HasTarget()) return;
  text.preposition = "to";
  text.object = to_.ToString();
}

// --- Opening ---

namespace {

// DatagramOptions with texts of its own.
class OpenRequest {
 public:
  explicit OpenRequest(const DatagramOptions& options)
      : local_host(CheckedHost(kCall, options.local_host)),
        remote_host(CheckedHost(kCall, options.remote_host)),
        local_port(options.local_port),
        remote_port(options.remote_port) {
    CheckPorts();
    if (options.size_max < 1 || options.size_max > kSizeMax) {
      throw std::invalid_argument(
          absl::StrCat(kCall, ": size_max is ", options.size_max, "; it must be between 1 and ", kSizeMax));
    }
    setup.size_max = options.size_max;
    setup.broadcast = options.broadcast;
    setup.share_port = options.share_port;
    SetGroup(options);
  }

  static constexpr char kCall[] = "OpenDatagram()";
  static constexpr size_t kSizeMax = 65'535;

  std::string local_host;
  std::string remote_host;
  int local_port;
  int remote_port;
  DatagramSetup setup;

 private:
  void CheckPorts() const {
    if (local_host.empty() && local_port == 0 && remote_host.empty() && remote_port == 0) {
      throw std::invalid_argument(
          absl::StrCat(kCall,
                       ": the options name no address; give local_host and local_port to receive (\"0.0.0.0\" and 0 "
                       "for any free port), remote_host and remote_port to send to one address"));
    }
    CheckedPort(kCall, local_port, 0);
    if (!remote_host.empty()) {
      CheckedPort(kCall, remote_port, 1);
    } else if (remote_port != 0) {
      throw std::invalid_argument(
          absl::StrCat(kCall, ": remote_port is ", remote_port, " and remote_host is empty; give both or neither"));
    }
  }
  void SetGroup(const DatagramOptions& options) {
    if (!options.multicast_interface.empty()) {
      setup.interface = detent::Address::FromHost(options.multicast_interface, 0);
      if (!setup.interface.has_value() || setup.interface->family() != AddressFamily::kIpv4) {
        throw std::invalid_argument(absl::StrCat(kCall, ": the multicast_interface \"",
                                                 std::string(options.multicast_interface),
                                                 "\" is no numeric IPv4 address"));
      }
    }
    if (options.multicast_group.empty()) return;
    setup.group = detent::Address::FromHost(options.multicast_group, 0);
    if (!setup.group.has_value() || !setup.group->IsMulticast()) {
      throw std::invalid_argument(absl::StrCat(kCall, ": the multicast_group \"", std::string(options.multicast_group),
                                               "\" is no numeric multicast address, such as 239.1.2.3"));
    }
  }
};

std::string DescribeSetup(const DatagramSetup& setup) {
  std::string text = "open a datagram socket";
  if (setup.local.Port() != 0 || !setup.local.IsWildcard()) absl::StrAppend(&text, " at ", setup.local.ToString());
  if (setup.remote.family() != AddressFamily::kAny) absl::StrAppend(&text, " to ", setup.remote.ToString());
  if (setup.group.has_value()) absl::StrAppend(&text, " in the group ", setup.group->Host());
  return text;
}

Coro<DatagramSocket> Open(OpenRequest request, std::source_location where) {
  LoopCore& core = RequireCore(OpenRequest::kCall);
  DatagramSetup& setup = request.setup;
  ResolveOptions family;
  if (!request.remote_host.empty()) {
    setup.remote = (co_await Resolve(request.remote_host, request.remote_port)).front();
    if (setup.remote.IsBroadcast()) {
      throw std::invalid_argument(
          absl::StrCat(OpenRequest::kCall, ": the remote address ", setup.remote.ToString(),
                       " is for broadcasts, and whoever answers one has another address, which this socket would not "
                       "hear; leave remote_host out, set broadcast, and use SendTo()"));
    }
    if (setup.remote.family() == AddressFamily::kIpv6) family.family = AddressFamily::kIpv6;
    if (setup.remote.family() == AddressFamily::kIpv4) family.family = AddressFamily::kIpv4;
  }
  if (setup.group.has_value()) family.family = setup.group->family();
  setup.local = (co_await Resolve(request.local_host, request.local_port, family)).front();
  IoResult<std::unique_ptr<DatagramEnd>> opened = core.owner().outside().datagrams().Open(setup);
  if (!opened.ok()) throw std::system_error(opened.error(), std::generic_category(), DescribeSetup(setup));
  co_return DatagramSocket(Ref<DatagramState>(new DatagramState(core, std::move(opened).value(), where)));
}

}  // namespace
}  // namespace internal

DatagramSocket::DatagramSocket(internal::Ref<internal::DatagramState> state) : state_(std::move(state)) {}

internal::SendOperation DatagramSocket::Send(std::string_view bytes) {
  return internal::SendOperation(state(), bytes, Address());
}

internal::SendOperation DatagramSocket::SendTo(std::string_view bytes, const Address& to) {
  if (to.family() == AddressFamily::kAny) {
    throw std::invalid_argument("DatagramSocket::SendTo(): the address is empty: it was default-constructed");
  }
  return internal::SendOperation(state(), bytes, to);
}

void DatagramSocket::Close() { state()->Close("DatagramSocket::Close()"); }

const Address& DatagramSocket::LocalAddress() const { return state()->end().local(); }
const Address& DatagramSocket::RemoteAddress() const { return state()->end().remote(); }

void DatagramSocket::ThrowEmpty() {
  throw InvalidStateError(
      "this DatagramSocket is empty: it was default-constructed or moved from; OpenDatagram() gives one");
}

void DatagramSocket::Drop() noexcept {
  if (state_) state_->Drop();
}

Coro<DatagramSocket> OpenDatagram(DatagramOptions options, std::source_location where) {
  return internal::Open(internal::OpenRequest(options), where).At(where);
}

}  // namespace detent
