#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>

namespace standin {

// A process, told from a later one with the same number by the time at which it started.
struct ProcessId {
  pid_t pid = 0;
  unsigned long long start = 0;  // in ticks since the machine was booted

  // The process that has this number now; its start is 0 where there is none.
  static ProcessId of(pid_t pid);
  static ProcessId from(const nlohmann::json& json);
  nlohmann::json to_json() const { return {{"pid", pid}, {"start", start}}; }

  bool alive() const;
  // Sends a signal, to its whole group where `group`; to nobody where it is no longer alive.
  void signal(int number, bool group = false) const;
};

}  // namespace standin
