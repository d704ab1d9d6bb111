#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "process_id.hpp"
#include "sandbox.hpp"

namespace standin {

// A task of this agent: what was asked for, and what has become of it.
struct Task {
  // What the executor gets, and what the agent finds again after a restart: `task` and `framework` as they were asked
  // for, the environment, the container, `addresses`, the executor's process.
  nlohmann::json record;
  RunPlace place;
  ProcessId executor;
  // The last status.json of the executor.
  nlohmann::json status;
  std::string state = "TASK_STAGING", message;
  double changed = 0;
  // Whether the executor was told to go on, and whether the task was told to end.
  bool started = false, killing = false;

  // A new one of this agent; its record is complete but for what is found out on the way.
  static Task of(const nlohmann::json& request, const std::string& agent, const std::string& work_dir);
  // What an earlier agent has noted. Throws std::runtime_error where it is damaged.
  static Task recovered(const RunPlace& place, const std::string& work_dir);

  std::string id() const { return place.task; }
  bool over() const { return state != "TASK_STAGING" && state != "TASK_RUNNING"; }
  bool in_docker() const { return record.value("docker", "") != ""; }
  void become(const std::string& state, const std::string& message);
  // Takes up what the executor says by now; whether that is something new.
  bool follow(const std::string& work_dir);
  void checkpoint(const std::string& work_dir) const;

  // As /state of agents and masters has it. A task on the host's network has the host's address.
  nlohmann::json describe(const std::string& host_address) const;
};

}  // namespace standin
