// Addresses and networks of IPv4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace standin {

// "10.0.0.1" as a number; nothing where it is no address.
std::optional<std::uint32_t> address_of(const std::string& text);
std::string text_of(std::uint32_t address);

struct Network {
  std::uint32_t first;
  std::uint32_t last;
  int bits;

  // "10.0.0.0/8", or an address, which is a network of one; nothing where it is neither.
  static std::optional<Network> of(const std::string& text);

  bool holds(std::uint32_t address) const { return first <= address && address <= last; }
  bool overlaps(const Network& other) const { return first <= other.last && other.first <= last; }
  std::string text() const { return text_of(first) + "/" + std::to_string(bits); }
};

}  // namespace standin
