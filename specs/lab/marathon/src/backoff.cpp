#include "backoff.hpp"

#include <algorithm>

namespace standin {

using nlohmann::json;

namespace {
// A task that has run for so long has not ended because it could not run.
constexpr double long_enough = 60;
}  // namespace

void Backoff::ended(const json& app, double lived) {
  std::string id = app["id"], version = app["version"];
  double seconds = app.value("backoffSeconds", 1.0);
  auto before = delays_.find(id);
  if (before != delays_.end() && before->second.version == version && lived < long_enough) {
    seconds = std::min(before->second.seconds * app.value("backoffFactor", 1.15),
                       app.value("maxLaunchDelaySeconds", 3600.0));
  }
  auto pause = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  delays_[id] = {version, seconds, Clock::now() + pause};
}

double Backoff::left(const json& app) const {
  auto delay = delays_.find(app["id"]);
  if (delay == delays_.end() || delay->second.version != app["version"]) return 0;
  return std::max(0.0, std::chrono::duration<double>(delay->second.until - Clock::now()).count());
}

}  // namespace standin
