#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace standin {

// The frameworks of a master, with what is remembered of their tasks that are over.
class Frameworks {
 public:
  explicit Frameworks(std::size_t most_completed) : most_completed_(most_completed) {}

  // Registers a framework, or hears of it again. One that is new gets the id, unless it says that it has one already.
  std::string hear(const nlohmann::json& framework, const std::string& new_id);
  // Remembers a task that is over, once.
  void complete(nlohmann::json task);
  // A task is there again that was thought to be lost.
  void revive(const std::string& task);

  // Adds to a state `frameworks` with their tasks, and what belongs to frameworks that have not registered.
  void describe(nlohmann::json& state, const nlohmann::json& tasks) const;
  // Adds how many there are, and how many tasks have ended in which way.
  void measure(nlohmann::json& metrics) const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Framework {
    nlohmann::json info;
    double registered_time;
    Clock::time_point heard;

    bool active() const;
  };

  const std::size_t most_completed_;
  std::map<std::string, Framework> frameworks_;
  std::map<std::string, std::deque<nlohmann::json>> completed_;  // by framework
  std::map<std::string, unsigned long> ended_;                   // by state
};

}  // namespace standin
