#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace standin {

// How the network of a task is asked for: see `call` of a module.
using ModuleCall = bool (*)(const char* command, const char* args, char* answer, std::size_t size);

// A loaded module and what became of it.
struct LoadedModule {
  std::string kind;
  std::string library;
  bool active = false;
  std::string reason;  // why it is not active
  ModuleCall call = nullptr;
};

// The modules of a --modules flag (JSON, file:///path or /path), by name.
class Modules {
 public:
  // Throws a Mistake for JSON that is not as it must be, a library that cannot be opened, and a module that is not
  // in its library, was compiled for another version, or refuses its parameters.
  void load(const std::string& flag);

  // Throws a Mistake unless such a module was loaded.
  void require_hook(const std::string& name) const;
  bool has_isolator(const std::string& name) const;
  // How an isolator is called; nothing where it is not active.
  ModuleCall isolator(const std::string& name) const;

  // For /state.
  nlohmann::json describe() const;

 private:
  void load_library(const nlohmann::json& library);
  void load_module(void* handle, const std::string& file, const nlohmann::json& module);

  std::map<std::string, LoadedModule> modules_;
};

}  // namespace standin
