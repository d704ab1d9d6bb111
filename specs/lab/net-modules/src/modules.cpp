// The modules of net-modules, as the stand-in for the agent uses them: the isolator knows the two programs of the
// plugin, and which of them a command is for.

#include <mesos/module.hpp>
#include <mesos/version.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>

#include "plugin.hpp"

namespace {

using mesos::modules::Activation;
using mesos::modules::Parameter;

// The programs, once the module is active.
std::string isolator_program, ipam_program;

// Both commands must be given. One that is not there makes the module do nothing, with no more than a warning: tasks
// would get the host's network. That is what the real module does, and what installers must look at.
Activation activate_isolator(const Parameter* parameters, std::size_t count, char* message, std::size_t size) {
  for (const char* command : {"isolator_command", "ipam_command"}) {
    const char* path = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      if (std::strcmp(parameters[i].key, command) == 0) path = parameters[i].value;
    }
    if (path == nullptr) {
      std::snprintf(message, size, "the parameter %s is not given", command);
      return mesos::modules::REFUSED;
    }
    if (::access(path, X_OK) != 0) {
      std::snprintf(message, size, "%s: the path %s doesn't exist or cannot be executed", command, path);
      return mesos::modules::INACTIVE;
    }
    (std::strcmp(command, "ipam_command") == 0 ? ipam_program : isolator_program) = path;
  }
  return mesos::modules::ACTIVE;
}

bool call_plugin(const char* command, const char* args, char* answer, std::size_t size) {
  bool of_addresses = false;
  for (const char* known : {"allocate", "reserve", "release"}) {
    of_addresses = of_addresses || std::strcmp(command, known) == 0;
  }
  std::string call = std::string("{\"command\":\"") + command + "\",\"args\":" + args + "}";
  return run_plugin(of_addresses ? ipam_program : isolator_program, call, answer, size);
}

Activation activate_hook(const Parameter*, std::size_t, char*, std::size_t) { return mesos::modules::ACTIVE; }

}  // namespace

extern "C" {

extern mesos::modules::StandInModule com_mesosphere_mesos_NetworkIsolator;
mesos::modules::StandInModule com_mesosphere_mesos_NetworkIsolator = {
    {MESOS_MODULE_API_VERSION, MESOS_VERSION, "Isolator", "calico-mesos-install", "",
     "Stand-in for the network isolator", nullptr},
    activate_isolator, call_plugin};

extern mesos::modules::StandInModule com_mesosphere_mesos_NetworkHook;
mesos::modules::StandInModule com_mesosphere_mesos_NetworkHook = {
    {MESOS_MODULE_API_VERSION, MESOS_VERSION, "Hook", "calico-mesos-install", "",
     "Stand-in for the network hook", nullptr},
    activate_hook, nullptr};
}
