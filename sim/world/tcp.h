// SPDX-License-Identifier: Apache-2.0
//
// Simulated TCP connections, under network.h. Internal.
//
// A Wire is one connection: two ends, and two pipes with what is under way. Its streams own it, and so does a pipe
// while something is under way in it, so that what was sent before a Close() still arrives.
//
// Invariants.
//   1. A pipe delivers in the order of sending. While something is under way in it, it is expected (arrivals.h) or a
//      ready step.
//   2. Everything that one end tells the other goes through Wire::Send(), but for two things: that bytes were read, and
//      that a part of a write has arrived, are known at once, without a message. Faults of the network belong into
//      Send().
//   3. Nothing here depends on an address in memory, a hash or a clock: pipes are numbered as they are made.
#ifndef DETENT_SIM_WORLD_TCP_H_
#define DETENT_SIM_WORLD_TCP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "detent/runtime/choice_kind.h"
#include "detent/runtime/internal/loop_core.h"
#include "detent/runtime/internal/ready_queue.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/runtime/loop_time.h"
#include "detent/sim/world/arrivals.h"
#include "detent/sim/world/patience.h"
#include "detent/sim/world/stream_hash.h"

namespace detent::sim::tcp {

class Stream;
class Wire;

// A message takes no less, moved as it may be.
inline constexpr absl::Duration kLatencyMin = absl::Microseconds(25);

// How many bytes one end takes that the program has not read.
inline constexpr size_t kWindow = 64 * 1024;

class Address {
 public:
  Address(std::string its_host, uint16_t its_port, uint32_t its_machine)
      : host(std::move(its_host)), port(its_port), machine(its_machine) {}
  std::string ToString() const { return internal::JoinHostPort(host, port); }

  std::string host;
  uint16_t port;
  uint32_t machine;  // Its number in the network.
};

class Message {
 public:
  enum class Kind : uint8_t { kConnect, kConnected, kRefused, kData, kEnd, kReset };

  Message(Kind what, uint64_t its_number, std::string_view content, LoopTime when, const Range& within)
      : kind(what), number(its_number), bytes(content), arrives(when), range(within) {}

  // Whether it belongs to a connection that stands.
  static bool IsOfStream(Kind kind) { return kind == Kind::kData || kind == Kind::kEnd; }

  Kind kind;
  uint64_t number;  // Of kData: from 1.
  std::string bytes;
  LoopTime arrives;
  Range range;
};

// What becomes of a message.
class Course {
 public:
  enum class Fate : uint8_t { kComes, kStalls, kReset };

  Course() {}
  Course(Fate what, absl::Duration its_latency) : fate(what), latency(its_latency) {}

  Fate fate = Fate::kComes;
  absl::Duration latency = kDelay;
};

// The network to which wires belong.
class Fabric {
 public:
  virtual internal::LoopCore& core() const = 0;
  virtual Arrivals& arrivals() const = 0;
  // What becomes of the next message: a choice on the tape, of this stream. `what()` is its name.
  virtual Course DrawCourse(const Address& from, const Address& to, uint64_t stream, Message::Kind kind,
                            absl::FunctionRef<std::string()> what) = 0;
  // A message is under way.
  virtual void Sent() = 0;
  // Whether the system of this machine runs.
  virtual bool IsOn(uint32_t machine) const = 0;
  // How many of `size` bytes are read (kRead) or taken (kWrite) at once, of 2 or more: a choice, too.
  // `peer` is who sent them, or will get them.
  virtual size_t DrawPart(ChoiceKind kind, uint64_t stream, size_t size, const std::string& peer) = 0;
  // How a connect of `client` to somebody who listens is answered: kConnected, kRefused or kReset.
  virtual Message::Kind DrawAnswer(uint64_t stream, const Address& client, const Address& server) = 0;
  virtual uint64_t NextPipe() = 0;
  // Whether somebody listens at `address`.
  virtual bool IsListening(const Address& address) const = 0;
  // Hands a new connection to who listens there.
  virtual void Deliver(const Address& address, std::unique_ptr<Stream> stream) = 0;

 protected:
  Fabric() {}
  ~Fabric() = default;
  // Called first in the destructor: the wires that are left are cut.
  void CutWires();
  // What has stalled comes now.
  void ReleaseStalled();
  // Calls `what` for each end of a wire that is at this machine.
  void ForEndsAt(uint32_t machine, void (Wire::*what)(size_t end));

 private:
  friend class Wire;
  std::list<Wire*> wires_;
};

// What is under way to one end of a wire.
class Pipe final : public Arrival, public internal::Runnable {
 public:
  Pipe(Wire& wire, size_t to, uint64_t ordinal, uint64_t stream)
      : wire_(wire), to_(to), ordinal_(ordinal), stream_(stream) {}

  // False: the connection is reset instead.
  bool Add(Fabric& fabric, Message::Kind kind, std::string_view bytes);
  void AddCalm(Fabric& fabric, Message::Kind kind) { Put(fabric, kind, 0, {}, Course()); }
  void ReleaseStalled(Fabric& fabric);
  // Forgets what is under way. The wire may be gone afterwards.
  void Clear(const Fabric& fabric);

  void Arrive() override;
  void Drop() override { Discard(); }
  std::string Describe() const override;
  // Of the message that comes next.
  uint64_t Stream() const override { return HashOf(stream_, delivered_); }
  // Of all that goes this way.
  uint64_t stream() const { return stream_; }
  void Run() override;
  void Discard() override;
  internal::Lane lane() const override;
  void DescribeStep(internal::StepText& text) const override;

 private:
  void Put(Fabric& fabric, Message::Kind kind, uint64_t number, std::string_view bytes, const Course& course);

  Wire& wire_;
  const size_t to_;
  const uint64_t ordinal_;
  // `the 3rd message from a to b`.
  std::string NameOf(Message::Kind kind, uint64_t number) const;

  const uint64_t stream_;
  uint64_t delivered_ = 0;
  uint64_t data_sent_ = 0;
  std::deque<Message> under_way_;
  std::shared_ptr<Wire> keep_wire_;  // While something is under way.
};

// What TCP knows at one end of a connection.
class End {
 public:
  explicit End(Address its_address) : address(std::move(its_address)) {}

  Address address;
  Stream* stream = nullptr;  // Null while there is no socket, or no more.
  std::string arrived;       // And not read yet.
  size_t in_window = 0;      // Bytes of ours that the peer has not read.
  int error = 0;             // To be told once.
  bool connected = false;
  bool wants_room = false;  // A write found none.
  bool part_sent = false;   // A write was taken in part: no more until a peer has some of what is under way.
  bool sent_end = false;
  bool got_end = false;
  bool reset = false;  // By either side, or refused.
  bool closed = false;
  bool is_dead = false;     // Its program has died: what that does has no effect.
  bool is_silent = false;   // Its system has lost power: it is not known there any more.
  bool is_unheard = false;  // A connect has come to a system that is off.
  bool keep_alive = false;
  absl::Duration user_timeout = absl::InfiniteDuration();
};

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  static constexpr size_t kClient = 0;
  static constexpr size_t kServer = 1;

  // `stream`: of all that it does.
  Wire(Fabric& fabric, uint64_t stream, Address client, Address server);
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  // The client's socket, on its way.
  std::unique_ptr<Stream> Connect(const internal::ConnectSettings& settings);

  const Address& address(size_t end) const { return ends_[end].address; }
  Fabric* fabric() const { return fabric_; }  // Null once the wire is cut.

  internal::IoResult<> FinishConnect(size_t at);
  internal::IoResult<size_t> Read(size_t at, char* buffer, size_t size);
  internal::IoResult<size_t> Write(size_t at, const char* data, size_t size);
  size_t DrawPart(ChoiceKind kind, size_t at, size_t size) const;
  void ShutdownWrite(size_t at);
  // Whether the other end has closed, as far as is known at this one.
  bool HasPeerClosed(size_t at) const { return ends_[at].got_end || ends_[at].reset; }
  // `abort`: with a reset, whatever is unread.
  void Close(size_t at, bool abort);

  void Deliver(size_t to, const Message& message);
  // The program at this end has died: as the kernel closes it.
  void Kill(size_t at);
  // The system at this end has lost power; it is on again.
  void Silence(size_t at);
  void AnswerAgain(size_t at);
  // It has waited long enough.
  void GiveUp(size_t at);
  void KeepAlive(size_t at) { ends_[at].keep_alive = true; }
  // Nothing arrives any more.
  void Cut();
  void ReleaseStalled();

 private:
  // Sends from one end to the other.
  void Send(size_t from, Message::Kind kind, std::string_view bytes = {});
  void Answer(size_t server);
  // A message for an end that is not known there any more.
  void DeliverToNobody(size_t to, Message::Kind kind);
  void WaitInVain(size_t at, absl::Duration length);
  void Arrive(size_t to, const std::string& bytes);
  std::unique_ptr<Stream> MakeStream(size_t at);
  void GiveRoom(End& writer, size_t size);

  Fabric* fabric_;
  std::list<Wire*>::iterator place_;  // In the fabric's list.
  End ends_[2];
  Pipe pipes_[2];  // By the end to which they lead.
  Patience patience_[2];
};

class Stream final : public internal::StreamSocket {
 public:
  Stream(std::shared_ptr<Wire> wire, size_t at) : StreamSocket(Reads::kParts), wire_(std::move(wire)), at_(at) {}
  ~Stream() override { Close(); }

  void Close() override { wire_->Close(at_, /*abort=*/resets_on_close_); }
  void Abort() override { wire_->Close(at_, /*abort=*/true); }
  std::string LocalAddress() const override { return wire_->address(at_).ToString(); }
  uint16_t LocalPort() const override { return wire_->address(at_).port; }
  std::string PeerAddress() const override { return wire_->address(1 - at_).ToString(); }

  internal::IoResult<> FinishConnect() override { return wire_->FinishConnect(at_); }
  internal::IoResult<size_t> Read(char* buffer, size_t size) override { return wire_->Read(at_, buffer, size); }
  internal::IoResult<size_t> Write(const char* data, size_t size) override { return wire_->Write(at_, data, size); }
  internal::IoResult<size_t> WritePieces(std::span<const std::string_view> pieces) override {
    std::string joined;
    for (const std::string_view piece : pieces) joined += piece;
    return Write(joined.data(), joined.size());
  }
  void ShutdownWrite() override { wire_->ShutdownWrite(at_); }
  bool HasPeerClosed() const override { return wire_->HasPeerClosed(at_); }
  void KeepAlive() { wire_->KeepAlive(at_); }
  // Close() is Abort() from now on.
  void ResetOnClose() { resets_on_close_ = true; }
  size_t DrawPart(size_t size) override { return wire_->DrawPart(ChoiceKind::kRead, at_, size); }

  void TellReadable() const {
    if (observer_ != nullptr) observer_->OnReadable();
  }
  void TellWritable() const {
    if (observer_ != nullptr) observer_->OnWritable();
  }
  void TellPeerClosed() const {
    if (observer_ != nullptr) observer_->OnPeerClosed();
  }

 private:
  std::shared_ptr<Wire> wire_;
  const size_t at_;
  bool resets_on_close_ = false;
};

}  // namespace detent::sim::tcp

#endif  // DETENT_SIM_WORLD_TCP_H_
