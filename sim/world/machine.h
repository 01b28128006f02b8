// SPDX-License-Identifier: Apache-2.0
//
// Machine: what one machine has of its own in a simulated network: its addresses and ports, who listens there, its Unix
// sockets. Internal.
//
// Without a World there is one, which has every address; in one, each host is one. A program that has died may still
// call: a call that it makes has no effect, and does not fail (W1).
#ifndef DETENT_SIM_WORLD_MACHINE_H_
#define DETENT_SIM_WORLD_MACHINE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detent/runtime/choice_kind.h"
#include "detent/runtime/io/internal/network.h"
#include "detent/sim/world/local_sockets.h"
#include "detent/sim/world/network_faults.h"
#include "detent/sim/world/tcp.h"

namespace detent::sim {

class SimListener;

// What a machine asks of the network around it.
class MachineNetwork : public tcp::Fabric {
 public:
  // Which machine has this address, seen from `from`; kNoMachine for none.
  static constexpr uint32_t kNoMachine = ~uint32_t{0};
  virtual uint32_t Find(const std::string& host, uint32_t from) const = 0;
  virtual uint64_t NewStream(std::string_view kind) = 0;
  virtual size_t DrawLocalPart(uint64_t stream, size_t size, const std::string& peer) = 0;
  // Whether there is no descriptor for who waits to be accepted.
  virtual bool DrawFullTable(uint64_t stream, const tcp::Address& address) = 0;
  virtual void SetFaults(NetworkFaults faults) = 0;
  // Whether what runs has died.
  virtual bool IsMuted() const = 0;

 protected:
  ~MachineNetwork() = default;
};

class Machine final : public internal::Network, public FaultyNetwork {
 public:
  // `address`: empty for everybody.
  Machine(MachineNetwork& network, uint32_t number, std::string address);
  ~Machine() override;

  uint32_t number() const { return number_; }
  const std::string& address() const { return address_; }
  bool IsEverybody() const { return address_.empty(); }

  // Whether the system runs: else there is silence.
  bool IsOn() const { return is_on_; }
  void TurnOn() { is_on_ = true; }
  void TurnOff() { is_on_ = false; }
  // Nobody listens any more; who waits to be accepted is reset, or if the power is off hears nothing.
  void DropListeners();

  internal::IoResult<std::unique_ptr<internal::ListenSocket>> Listen(const std::string& host, uint16_t port,
                                                                     const internal::ListenSettings& settings) override;
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> Connect(
      const std::string& host, uint16_t port, const internal::ConnectSettings& settings) override;
  internal::IoResult<std::unique_ptr<internal::ListenSocket>> ListenUnix(
      const std::string& path, const internal::ListenSettings& settings) override {
    return local_.Listen(path, settings);
  }
  internal::IoResult<std::unique_ptr<internal::StreamSocket>> ConnectUnix(const std::string& path) override {
    return local_.Connect(path);
  }
  internal::IoResult<Streams> MakePair(bool one_way) override { return local_.MakePair(one_way); }
  void SetFaults(NetworkFaults faults) override { network_.SetFaults(faults); }

  bool IsListening(const tcp::Address& address) const { return ListenerAt(address) != nullptr; }
  // REQUIRES: IsListening(address).
  void Deliver(const tcp::Address& address, std::unique_ptr<tcp::Stream> stream);
  // Whether who runs has no descriptor for the next one.
  bool DrawFullTable(uint64_t stream, const tcp::Address& address) { return network_.DrawFullTable(stream, address); }
  void Forget(SimListener* listener) { std::erase(listeners_, listener); }

 private:
  // Null if nobody listens.
  SimListener* ListenerAt(const tcp::Address& address) const;
  bool IsTaken(const std::string& host, uint16_t port, const internal::ListenSettings& settings) const;
  bool IsOwn(const std::string& host) const;
  // 0 if there is none.
  uint16_t TakeFreePort();

  MachineNetwork& network_;
  const uint32_t number_;
  const std::string address_;
  bool is_on_ = true;
  std::vector<SimListener*> listeners_;  // Of those at one address, whose turn comes first stands first.
  LocalSockets local_;
  uint16_t next_port_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_MACHINE_H_
