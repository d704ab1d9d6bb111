#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "flags.hpp"
#include "http.hpp"

namespace standin {

// Where a daemon listens, and how it is known to others.
struct Identity {
  std::string bind_ip;
  int bind_port;
  std::string ip;
  int port;
  std::string hostname;

  static Identity from(const Flags& flags, int standard_port);
  std::string pid(const std::string& name) const { return name + "@" + ip + ":" + std::to_string(port); }
};

// What every program does around its work: signals, flags, --help and --version, the log. A Mistake ends it with
// status 1. `work` returns when the daemon is to go on until it is told to end.
int run_program(const std::string& name, std::vector<Flag> table, int argc, char** argv,
                const std::function<void(const Flags&)>& work);

// Ends the process with status 1, from any thread.
[[noreturn]] void give_up(const std::string& why);

// The answer to /version.
nlohmann::json version();

// A request's path without what both forms of it may have: /master/state.json is /state.
std::string plain_path(const std::string& path, const std::string& component);

}  // namespace standin
