// What Calico's programs read from their environment and their host.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace standin {

// What cannot be done, in words for whoever asked for it.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The value of a variable; the standard where it has none.
inline std::string variable(const char* name, const std::string& standard) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? standard : value;
}

// The kernel's name of this host.
inline std::string kernel_hostname() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

// The name by which this host is known in etcd.
inline std::string hostname() { return variable("HOSTNAME", kernel_hostname()); }

}  // namespace standin
