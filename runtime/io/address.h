// SPDX-License-Identifier: Apache-2.0
//
// Address: where a socket is or where a datagram goes: an IPv4 or IPv6 address with a port, or a Unix socket's path. A
// value: it is copied, compared, and a key of maps.
//
//   std::vector<Address> addresses = co_await Resolve("db.example", 5432);
//   Address group = Address::FromHost("239.1.2.3", 5000).value();
//   std::string text = group.ToString();                             // "239.1.2.3:5000"
//   bool is_the_same = Address::Parse(text) == group;                // true
//
// Nothing here asks a name server: a name becomes addresses by Resolve(). An IPv4 address that is written as an IPv6
// one (::ffff:127.0.0.1) is the IPv4 address, so that a peer is the same whichever kind of socket it came to. In a
// simulated world a host to which nobody gave a number is known by its name, which stands where the number would.
//
// Order.         Of its own: by family, then address, then port.
// Suspension.    Never.
// Cancellation.  Nothing here waits.
// Errors.        std::invalid_argument for a port out of range, and for a path that no Unix socket can have.
// Threads.       Any, as of any value.
#ifndef DETENT_RUNTIME_IO_ADDRESS_H_
#define DETENT_RUNTIME_IO_ADDRESS_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace detent {

enum class AddressFamily : uint8_t {
  kAny,  // Of an Address: none, it was default-constructed.
  kIpv4,
  kIpv6,
  kUnix,
  kName,  // A host of a simulated world that is known by its name.
};

class Address {
 public:
  using Ipv4Bytes = std::array<uint8_t, 4>;
  using Ipv6Bytes = std::array<uint8_t, 16>;
  static constexpr size_t kUnixPathMax = 107;

  Address() {}
  // Bytes in the order of the network: {127, 0, 0, 1}.
  static Address Ipv4(const Ipv4Bytes& bytes, int port);
  // `scope` is the number of the interface of a link-local address (fe80::1%2), else 0.
  static Address Ipv6(const Ipv6Bytes& bytes, int port, uint32_t scope = 0);
  // A path of at most kUnixPathMax bytes. One that begins with a zero byte is an abstract name; the empty one is that
  // of a socket without a name.
  static Address Unix(std::string_view path);
  // For the library: a host that is known by its name.
  static Address Named(std::string_view name, int port);

  // A numeric host, "127.0.0.1", "::1" or "fe80::1%2"; nothing if it is none.
  static std::optional<Address> FromHost(std::string_view host, int port);
  // What ToString() gives of an IPv4 or IPv6 address, "127.0.0.1:80" or "[::1]:80"; nothing if it is none.
  static std::optional<Address> Parse(std::string_view text);

  AddressFamily family() const { return family_; }
  // "127.0.0.1", "::1", or the path, with "@" for the zero byte of an abstract name.
  std::string Host() const;
  // 0 of a Unix socket.
  uint16_t Port() const { return port_; }
  // "127.0.0.1:80", "[::1]:80", or the path.
  std::string ToString() const;
  Address WithPort(int port) const;

  // Empty of another family.
  Ipv4Bytes ipv4_bytes() const { return {bytes_[0], bytes_[1], bytes_[2], bytes_[3]}; }
  const Ipv6Bytes& ipv6_bytes() const { return bytes_; }
  uint32_t scope() const { return scope_; }
  const std::string& unix_path() const { return name(); }

  bool IsMulticast() const;
  // 255.255.255.255. That of a network cannot be told from other addresses without its mask.
  bool IsBroadcast() const;
  // 0.0.0.0 or ::, every address of this machine.
  bool IsWildcard() const;

  friend bool operator==(const Address& a, const Address& b) { return a.Key() == b.Key(); }
  friend auto operator<=>(const Address& a, const Address& b) { return a.Key() <=> b.Key(); }
  template <typename H>
  friend H AbslHashValue(H state, const Address& a) {
    return H::combine(std::move(state), a.family_, a.bytes_, a.port_, a.scope_, a.name());
  }
  friend std::ostream& operator<<(std::ostream& out, const Address& a) { return out << a.ToString(); }

 private:
  Address(AddressFamily family, int port);

  const std::string& name() const;
  std::tuple<AddressFamily, const Ipv6Bytes&, uint16_t, uint32_t, const std::string&> Key() const {
    return {family_, bytes_, port_, scope_, name()};
  }

  AddressFamily family_ = AddressFamily::kAny;
  Ipv6Bytes bytes_ = {};  // Of an IPv4 address the first four.
  uint16_t port_ = 0;
  uint32_t scope_ = 0;
  // Null if it has none, so that those that come with every datagram are copied fast.
  std::shared_ptr<const std::string> name_;
};

}  // namespace detent

#endif  // DETENT_RUNTIME_IO_ADDRESS_H_
