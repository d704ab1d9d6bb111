#include "modules.hpp"

#include <dlfcn.h>

#include <cstring>
#include <initializer_list>

#include <mesos/module.hpp>
#include <mesos/version.hpp>

#include "log.hpp"
#include "text.hpp"

namespace standin {

using mesos::modules::Activation;
using mesos::modules::ModuleBase;
using mesos::modules::Parameter;
using mesos::modules::StandInModule;
using nlohmann::json;

namespace {

Mistake broken(const std::string& why) { return Mistake("Error loading modules: " + why); }

// The value is an object with none but these keys.
void check_keys(const json& value, const std::string& what, std::initializer_list<const char*> keys) {
  if (!value.is_object()) throw broken(what + " must be a JSON object");
  for (const auto& item : value.items()) {
    bool known = false;
    for (const char* key : keys) known = known || item.key() == key;
    if (!known) throw broken(what + " has the unknown key '" + item.key() + "'");
  }
}

std::string text_at(const json& value, const std::string& what, const char* key) {
  auto found = value.find(key);
  if (found == value.end()) throw broken(what + " has no '" + key + "'");
  if (!found->is_string()) throw broken("'" + std::string(key) + "' of " + what + " must be a text");
  return found->get<std::string>();
}

json list_at(const json& value, const std::string& what, const char* key) {
  auto found = value.find(key);
  if (found == value.end()) return json::array();
  if (!found->is_array()) throw broken("'" + std::string(key) + "' of " + what + " must be a list");
  return *found;
}

}  // namespace

void Modules::load(const std::string& flag) {
  std::string text = trim(flag);
  if (starts_with(text, "file://")) {
    text = read_file(text.substr(7));
  } else if (starts_with(text, "/")) {
    text = read_file(text);
  }
  json modules;
  try {
    modules = json::parse(text);
  } catch (const json::parse_error& error) {
    throw broken(std::string("--modules is not JSON: ") + error.what());
  }
  check_keys(modules, "--modules", {"libraries"});
  for (const json& library : list_at(modules, "--modules", "libraries")) load_library(library);
}

void Modules::load_library(const json& library) {
  check_keys(library, "a library", {"file", "name", "modules"});
  std::string file;
  if (library.contains("file")) {
    file = text_at(library, "a library", "file");
  } else if (library.contains("name")) {
    file = "lib" + text_at(library, "a library", "name") + ".so";
  } else {
    throw broken("a library has neither 'file' nor 'name'");
  }
  void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    throw broken("Error opening library '" + file + "': " + (why == nullptr ? "unknown" : why));
  }
  for (const json& module : list_at(library, "library '" + file + "'", "modules")) load_module(handle, file, module);
}

void Modules::load_module(void* handle, const std::string& file, const json& module) {
  check_keys(module, "a module of '" + file + "'", {"name", "parameters"});
  std::string name = text_at(module, "a module of '" + file + "'", "name");
  std::string what = "module '" + name + "'";
  if (modules_.count(name) != 0) throw broken(what + " is named twice");
  std::vector<std::pair<std::string, std::string>> texts;
  for (const json& parameter : list_at(module, what, "parameters")) {
    check_keys(parameter, "a parameter of " + what, {"key", "value"});
    texts.emplace_back(text_at(parameter, "a parameter of " + what, "key"),
                       text_at(parameter, "a parameter of " + what, "value"));
  }
  auto* base = static_cast<const ModuleBase*>(::dlsym(handle, name.c_str()));
  if (base == nullptr) throw broken("library '" + file + "' has no " + what);
  if (std::strcmp(base->moduleApiVersion, MESOS_MODULE_API_VERSION) != 0) {
    throw broken(what + " is for module API " + base->moduleApiVersion + ", and this Mesos has API " +
                 MESOS_MODULE_API_VERSION);
  }
  if (std::strcmp(base->mesosVersion, MESOS_VERSION) != 0) {
    throw broken(what + " of '" + file + "' was compiled against Mesos " + base->mesosVersion + ", but this is Mesos " +
                 MESOS_VERSION + "; build it again for this version");
  }
  if (base->compatible != nullptr && !base->compatible()) throw broken(what + " says that it is not compatible");

  std::vector<Parameter> parameters;
  for (const auto& [key, value] : texts) parameters.push_back({key.c_str(), value.c_str()});
  char message[1024] = {};
  auto* of_stand_in = static_cast<const StandInModule*>(base);
  auto activation = of_stand_in->activate(parameters.data(), parameters.size(), message, sizeof message);
  if (activation == mesos::modules::REFUSED) throw broken(what + ": " + message);
  LoadedModule loaded{base->kind, file, activation == mesos::modules::ACTIVE, message, of_stand_in->call};
  if (loaded.active) {
    info() << "Loaded " << loaded.kind << " " << what << " of '" << file << "'";
  } else {
    warning() << message << "; " << what << " will not be activated";
  }
  modules_[name] = loaded;
}

void Modules::require_hook(const std::string& name) const {
  auto found = modules_.find(name);
  if (found == modules_.end()) {
    throw Mistake("Error installing hooks: there is no hook '" + name + "' among the modules of --modules");
  }
  if (found->second.kind != "Hook") {
    throw Mistake("Error installing hooks: module '" + name + "' is no hook but an " + found->second.kind);
  }
}

bool Modules::has_isolator(const std::string& name) const {
  auto found = modules_.find(name);
  return found != modules_.end() && found->second.kind == "Isolator";
}

ModuleCall Modules::isolator(const std::string& name) const {
  auto found = modules_.find(name);
  return has_isolator(name) && found->second.active ? found->second.call : nullptr;
}

json Modules::describe() const {
  json list = json::array();
  for (const auto& [name, module] : modules_) {
    json entry = {{"name", name}, {"kind", module.kind}, {"library", module.library}, {"active", module.active}};
    if (!module.active) entry["reason"] = module.reason;
    list.push_back(entry);
  }
  return list;
}

}  // namespace standin
