#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "flags.hpp"
#include "frameworks.hpp"
#include "http.hpp"
#include "program.hpp"
#include "zookeeper.hpp"

namespace standin {

// A master: led or leading, with the agents that have registered with it, their tasks, and the frameworks that these
// belong to.
class Master {
 public:
  Master(const Flags& flags, const Identity& identity);
  ~Master();
  Master(const Master&) = delete;

  // What it publishes in ZooKeeper, as the real one does.
  nlohmann::json published() const;
  // Takes note of the masters. One that has led and leads no more ends, as the real one does.
  void see(const Masters& masters);
  Response answer(const Request& request);

 private:
  using Clock = std::chrono::steady_clock;

  struct Agent {
    nlohmann::json info;  // as it registered
    double registered_time;
    Clock::time_point heard;
    bool active = true;
    nlohmann::json tasks = nlohmann::json::array();  // as it has last told of them
    nlohmann::json used = nlohmann::json::object();
  };

  Response register_agent(const nlohmann::json& info);
  Response hear(const nlohmann::json& ping);
  Response hear_framework(const nlohmann::json& framework);
  // Takes up what an agent says of its tasks.
  void take_report(Agent& agent, const nlohmann::json& report);
  // The tasks of an agent that is removed are lost.
  void lose_tasks(const Agent& agent);
  nlohmann::json tasks() const;
  nlohmann::json state() const;
  nlohmann::json metrics() const;
  std::size_t active_agents() const;
  void watch_agents();
  bool leads() const { return leader_ && leader_->value("id", "") == id_; }

  const Flags& flags_;
  const Identity identity_;
  const std::string id_;
  const double started_;
  const std::chrono::milliseconds ping_interval_;
  const std::chrono::milliseconds patience_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::optional<nlohmann::json> leader_;
  std::optional<double> elected_time_;
  bool recovered_ = false;
  unsigned long next_agent_ = 0;
  unsigned long registrations_ = 0, reregistrations_ = 0, removals_ = 0;
  unsigned long next_framework_ = 0;
  std::map<std::string, Agent> agents_;
  Frameworks frameworks_;
  std::thread watcher_;
};

}  // namespace standin
