// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/address.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace detent {
namespace {

constexpr size_t kGroups = 8;  // Of 16 bits, in an IPv6 address.

// A whole number without sign, of at most `digits_max` digits.
std::optional<uint32_t> ParseNumber(std::string_view text, size_t digits_max, int base = 10) {
  uint32_t number = 0;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Address::Ipv4Bytes> ParseIpv4(std::string_view text) {
  Address::Ipv4Bytes bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t end = i + 1 < bytes.size() ? text.find('.') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(0, end);
    const std::optional<uint32_t> number = ParseNumber(digits, 3);
    // A leading zero once meant octal: whoever writes one may mean either.
    if (!number || *number > 255 || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(*number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return bytes;
}

enum class Last : bool { kGroup, kIpv4 };

// Reads groups, "1:ab:0", the last of which may be an IPv4 address if `last` says so, into `bytes`. How many bytes that
// are.
std::optional<size_t> ParseGroups(std::string_view text, Last last, Address::Ipv6Bytes& bytes) {
  size_t size = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    const std::string_view part = text.substr(0, end);
    if (part.find('.') != std::string_view::npos) {
      const std::optional<Address::Ipv4Bytes> v4 = ParseIpv4(part);
      const bool may_be = last == Last::kIpv4 && end == text.size();
      if (!v4 || !may_be || size + v4->size() > bytes.size()) return std::nullopt;
      std::copy(v4->begin(), v4->end(), bytes.begin() + static_cast<ptrdiff_t>(size));
      return size + v4->size();
    }
    const std::optional<uint32_t> group = ParseNumber(part, 4, 16);
    if (!group || size + 2 > bytes.size()) return std::nullopt;
    bytes[size++] = static_cast<uint8_t>(*group >> 8);
    bytes[size++] = static_cast<uint8_t>(*group & 0xff);
    if (end == text.size()) return size;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;  // It ends with a colon.
  }
  return size;
}

std::optional<Address::Ipv6Bytes> ParseIpv6(std::string_view text) {
  Address::Ipv6Bytes bytes = {};
  const size_t gap = text.find("::");
  const std::optional<size_t> head =
      ParseGroups(text.substr(0, gap), gap == std::string_view::npos ? Last::kIpv4 : Last::kGroup, bytes);
  if (!head) return std::nullopt;
  if (gap == std::string_view::npos) return *head == bytes.size() ? std::optional(bytes) : std::nullopt;
  Address::Ipv6Bytes rest = {};
  const std::optional<size_t> tail = ParseGroups(text.substr(gap + 2), Last::kIpv4, rest);
  if (!tail || *head + *tail > bytes.size() - 2) return std::nullopt;
  std::copy_n(rest.begin(), *tail, bytes.end() - static_cast<ptrdiff_t>(*tail));
  return bytes;
}

std::string FormatIpv4(const Address::Ipv4Bytes& bytes) {
  return absl::StrCat(bytes[0], ".", bytes[1], ".", bytes[2], ".", bytes[3]);
}

// As RFC 5952, section 4: lower case, no leading zeros, "::" for the first of the longest runs of zeros.
std::string FormatIpv6(const Address::Ipv6Bytes& bytes) {
  uint32_t groups[kGroups];
  for (size_t i = 0; i < kGroups; ++i) groups[i] = static_cast<uint32_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  size_t gap = kGroups, gap_size = 1;  // A single group is written as 0.
  for (size_t i = 0; i < kGroups; ++i) {
    size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i > gap_size) {
      gap = i;
      gap_size = end - i;
    }
    i = std::max(i, end);
  }
  std::string text;
  for (size_t i = 0; i < kGroups; ++i) {
    if (i == gap) {
      text += "::";
      i += gap_size - 1;
      continue;
    }
    absl::StrAppend(&text, text.empty() || text.back() == ':' ? "" : ":", absl::Hex(groups[i]));
  }
  return text;
}

}  // namespace

Address::Address(AddressFamily family, int port) : family_(family), port_(static_cast<uint16_t>(port)) {
  if (port < 0 || port > 65535) {
    throw std::invalid_argument(absl::StrCat("Address: the port is ", port, "; it must be between 0 and 65535"));
  }
}

Address Address::Ipv4(const Ipv4Bytes& bytes, int port) {
  Address address(AddressFamily::kIpv4, port);
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Address Address::Ipv6(const Ipv6Bytes& bytes, int port, uint32_t scope) {
  constexpr uint8_t kMapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(std::begin(kMapped), std::end(kMapped), bytes.begin())) {
    return Ipv4({bytes[12], bytes[13], bytes[14], bytes[15]}, port);
  }
  Address address(AddressFamily::kIpv6, port);
  address.bytes_ = bytes;
  address.scope_ = scope;
  return address;
}

Address Address::Unix(std::string_view path) {
  if (path.size() > kUnixPathMax) {
    throw std::invalid_argument(absl::StrCat("Address::Unix(): the path has ", path.size(),
                                             " bytes; that of a Unix socket has at most ", kUnixPathMax));
  }
  if (!path.empty() && path.front() != '\0' && path.find('\0') != std::string_view::npos) {
    throw std::invalid_argument(
        "Address::Unix(): the path contains a zero byte; only an abstract name begins with one");
  }
  Address address(AddressFamily::kUnix, 0);
  if (!path.empty()) address.name_ = std::make_shared<const std::string>(path);
  return address;
}

Address Address::Named(std::string_view name, int port) {
  Address address(AddressFamily::kName, port);
  address.name_ = std::make_shared<const std::string>(name);
  return address;
}

std::optional<Address> Address::FromHost(std::string_view host, int port) {
  if (const std::optional<Ipv4Bytes> bytes = ParseIpv4(host)) return Ipv4(*bytes, port);
  const size_t percent = host.find('%');
  const std::optional<Ipv6Bytes> bytes = ParseIpv6(host.substr(0, percent));
  if (!bytes) return std::nullopt;
  if (percent == std::string_view::npos) return Ipv6(*bytes, port);
  const std::optional<uint32_t> scope = ParseNumber(host.substr(percent + 1), 10);
  return scope ? std::optional(Ipv6(*bytes, port, *scope)) : std::nullopt;
}

std::optional<Address> Address::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint32_t> port = ParseNumber(text.substr(colon + 1), 5);
  if (!port || *port > 65535) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  // Without brackets nobody can tell where an IPv6 address ends.
  if (has_brackets != (host.find(':') != std::string_view::npos)) return std::nullopt;
  return FromHost(host, static_cast<int>(*port));
}

const std::string& Address::name() const {
  static const std::string& none = *new std::string();
  return name_ == nullptr ? none : *name_;
}

std::string Address::Host() const {
  switch (family_) {
    case AddressFamily::kAny:
      return "no address";
    case AddressFamily::kIpv4:
      return FormatIpv4(ipv4_bytes());
    case AddressFamily::kIpv6:
      return scope_ == 0 ? FormatIpv6(bytes_) : absl::StrCat(FormatIpv6(bytes_), "%", scope_);
    case AddressFamily::kUnix:
      if (name().empty()) return "a Unix socket without a name";
      return name().front() == '\0' ? "@" + name().substr(1) : name();
    case AddressFamily::kName:
      return name();
  }
  return "no address";
}

std::string Address::ToString() const {
  if (family_ == AddressFamily::kIpv6) return absl::StrCat("[", Host(), "]:", port_);
  const bool has_port = family_ == AddressFamily::kIpv4 || family_ == AddressFamily::kName;
  return has_port ? absl::StrCat(Host(), ":", port_) : Host();
}

Address Address::WithPort(int port) const {
  Address address(*this);
  address.port_ = Address(family_, port).port_;
  return address;
}

bool Address::IsMulticast() const {
  return family_ == AddressFamily::kIpv4 ? bytes_[0] >> 4 == 0xe : family_ == AddressFamily::kIpv6 && bytes_[0] == 0xff;
}

bool Address::IsBroadcast() const {
  return family_ == AddressFamily::kIpv4 && ipv4_bytes() == Ipv4Bytes{255, 255, 255, 255};
}

bool Address::IsWildcard() const {
  return (family_ == AddressFamily::kIpv4 || family_ == AddressFamily::kIpv6) && bytes_ == Ipv6Bytes{};
}

}  // namespace detent
