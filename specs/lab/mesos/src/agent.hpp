#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "flags.hpp"
#include "http.hpp"
#include "modules.hpp"
#include "program.hpp"
#include "tasks.hpp"
#include "zookeeper.hpp"

namespace standin {

// An agent: finds the leading master, registers with it, says from time to time that it is there and what its tasks
// do, and runs tasks.
class Agent {
 public:
  // Recovers what an earlier agent has left in the work folder. Throws a Mistake when that agent had other attributes,
  // resources or another name.
  Agent(const Flags& flags, const Identity& identity, Modules modules);
  ~Agent();
  Agent(const Agent&) = delete;

  // Takes note of the masters.
  void see(const Masters& masters);
  Response answer(const Request& request);

 private:
  void recover();
  void checkpoint() const;
  void keep_registered();
  // Returns how long to wait before the next word to this master.
  std::chrono::milliseconds speak_to(const nlohmann::json& leader, bool& registered);
  // Launches or ends a task that a framework names.
  Response about_task(const Request& request, bool launch);
  nlohmann::json state() const;
  std::string id() const;
  void hurry();

  const Flags& flags_;
  const Identity identity_;
  const Modules modules_;
  const double started_;
  const std::string meta_;
  nlohmann::json info_;  // what it registers with; its id is in it once it has one

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool end_ = false;
  bool news_ = false;  // whether a task has something to report
  bool registered_ = false;
  std::optional<nlohmann::json> leader_;
  Tasks tasks_;
  std::thread speaker_;
};

}  // namespace standin
