// Names that nobody else has.
#pragma once

#include <sys/random.h>

#include <string>

#include "environment.hpp"

namespace standin {

// 32 random digits, of which the first alone name an interface.
inline std::string new_id() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    throw Failed("no random number can be had");
  }
  std::string id;
  for (unsigned char byte : bytes) id += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return id;
}

}  // namespace standin
