// The kernel's socket for links, addresses and routes.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "environment.hpp"

namespace standin {

// A refusal of the kernel's.
struct Refused : Failed {
  Refused(const std::string& doing, int number);
  int number;
};

// A request: a header, a fixed part, and attributes, which may hold attributes.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags);

  template <typename Part>
  Request& part(const Part& part) {
    append(&part, sizeof part);
    return *this;
  }
  Request& attribute(std::uint16_t type, const void* data, std::size_t size);
  Request& number(std::uint16_t type, std::uint32_t value) { return attribute(type, &value, sizeof value); }
  Request& text(std::uint16_t type, const std::string& text) { return attribute(type, text.c_str(), text.size() + 1); }
  // An address, in the order of the network.
  Request& address(std::uint16_t type, std::uint32_t address);
  // Begins an attribute that holds others, which ends with `close`.
  std::size_t open(std::uint16_t type);
  void close(std::size_t start);

  std::vector<char>& bytes() { return bytes_; }

 private:
  void append(const void* data, std::size_t size);

  std::vector<char> bytes_;
};

class Netlink {
 public:
  // In the network namespace of this process.
  Netlink();
  ~Netlink();
  Netlink(const Netlink&) = delete;

  // In the namespace of another process; a Failed where that is this one's, or gone.
  explicit Netlink(long pid);

  // Sends a request that the kernel acknowledges; `doing` is what is said when it refuses.
  void ask(Request request, const std::string& doing) const;
  // Sends a request that is answered by many messages.
  void each(Request request, const std::function<void(const nlmsghdr&)>& take) const;

  // The file that stands for its namespace.
  int space() const { return space_; }

 private:
  void send(Request& request) const;
  // Hands on messages up to the one that ends an answer, and returns the error that this one tells.
  int receive(const std::function<void(const nlmsghdr&)>& take) const;

  int space_ = -1;
  int socket_ = -1;
};

}  // namespace standin
