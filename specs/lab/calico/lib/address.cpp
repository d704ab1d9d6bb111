#include "address.hpp"

#include <arpa/inet.h>

#include <cstdlib>

namespace standin {

std::optional<std::uint32_t> address_of(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string text_of(std::uint32_t address) {
  in_addr binary{htonl(address)};
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &binary, text, sizeof text);
  return text;
}

std::optional<Network> Network::of(const std::string& text) {
  std::size_t slash = text.find('/');
  auto address = address_of(text.substr(0, slash));
  long bits = 32;
  if (slash != std::string::npos) {
    char* end = nullptr;
    bits = std::strtol(text.c_str() + slash + 1, &end, 10);
    if (end == text.c_str() + slash + 1 || *end != '\0') bits = -1;
  }
  if (!address || bits < 0 || bits > 32) return std::nullopt;
  std::uint32_t mask = bits == 0 ? 0 : ~0U << (32 - bits);
  return Network{*address & mask, *address | ~mask, static_cast<int>(bits)};
}

}  // namespace standin
