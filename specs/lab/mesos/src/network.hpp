#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flags.hpp"
#include "modules.hpp"

namespace standin {

// The network of tasks that ask for addresses, made by the isolator of a module and its plugin.
class Network {
 public:
  Network(const Flags& flags, const Modules& modules);

  // Whether an isolator is active. Without one, tasks silently get the host's network, as in the real agent.
  bool active() const { return isolator_ != nullptr; }

  // The addresses of a task, by what it asks for (`network_infos` of its definition): allocated, or reserved where it
  // names them. This and the others throw std::runtime_error with the plugin's words.
  std::vector<std::string> allocate(const nlohmann::json& infos, const std::string& container) const;
  // Gives the process, which is in a network of its own, these addresses.
  void isolate(const nlohmann::json& infos, const std::string& container, int pid,
               const std::vector<std::string>& addresses) const;
  void cleanup(const std::string& container) const;
  // Gives back the addresses that are still the task's, and nobody else's.
  void release(const std::string& container) const;

 private:
  nlohmann::json call(const char* command, const nlohmann::json& args) const;
  nlohmann::json common(const nlohmann::json& infos) const;

  ModuleCall isolator_ = nullptr;
  bool hooked_ = false;
};

}  // namespace standin
