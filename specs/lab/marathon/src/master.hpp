#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "zookeeper.hpp"

namespace standin {

// A task of this framework, as the master tells of it.
struct MarathonTask {
  std::string id, app, agent, host, state, version, message;
  std::vector<int> ports;
  std::vector<std::string> addresses;
  double staged = 0, started = 0, changed = 0;

  bool running() const { return state == "TASK_RUNNING"; }
  // `host` is the name of its agent, where that is known.
  static MarathonTask read(const nlohmann::json& task, const std::string& host);
};

// An agent with what is free on it.
struct Offer {
  std::string id, hostname, ip;
  int port = 0;
  nlohmann::json attributes;
  double cpus = 0, mem = 0, disk = 0;
  std::vector<int> ports;
  bool active = false;
};

// What the leading master says at a moment.
struct MesosState {
  std::map<std::string, Offer> agents;
  std::vector<MarathonTask> tasks, ended;
  double elected_time = 0;
};

// The leading master and its agents, asked over HTTP. The calls throw std::runtime_error.
class MesosMaster {
 public:
  void see(const Masters& masters);
  bool known() const;

  // Registers a framework, or says that it is still there. Returns its id.
  std::string hear(const nlohmann::json& framework) const;
  MesosState state(const std::string& framework_id) const;
  // Has an agent launch a task. Returns why it refuses; nothing where it does not.
  static std::string launch(const Offer& agent, const nlohmann::json& request);
  static void kill(const Offer& agent, const std::string& task);

 private:
  std::pair<std::string, int> address() const;

  mutable std::mutex mutex_;
  std::optional<nlohmann::json> leader_;
};

}  // namespace standin
