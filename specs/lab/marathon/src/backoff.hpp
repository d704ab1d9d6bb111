#pragma once

#include <chrono>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace standin {

// How long an app whose tasks end waits for the next one: longer each time, by its backoffSeconds, backoffFactor and
// maxLaunchDelaySeconds.
class Backoff {
 public:
  // A task of the app has ended after so many seconds, or could not be launched.
  void ended(const nlohmann::json& app, double lived);
  // The seconds that are left to wait; 0 where a task can be launched at once.
  double left(const nlohmann::json& app) const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Delay {
    std::string version;  // another one begins anew
    double seconds;
    Clock::time_point until;
  };

  std::map<std::string, Delay> delays_;
};

}  // namespace standin
