#include "shown.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "text.hpp"

namespace standin {

using nlohmann::json;

std::string marathon_time(double seconds_since_epoch) {
  auto millis = static_cast<long long>(seconds_since_epoch * 1000);
  std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(millis % 1000));
  return text;
}

json shown_task(const MarathonTask& task) {
  json addresses = json::array();
  for (const auto& address : task.addresses) addresses.push_back({{"ipAddress", address}, {"protocol", "IPv4"}});
  json shown = {{"id", task.id},
                {"appId", task.app},
                {"host", task.host},
                {"slaveId", task.agent},
                {"ports", task.ports},
                {"ipAddresses", addresses},
                {"stagedAt", marathon_time(task.staged)},
                {"version", task.version},
                {"state", task.state}};
  shown["startedAt"] = task.started > 0 ? json(marathon_time(task.started)) : json();
  return shown;
}

json shown_tasks(const std::vector<MarathonTask>& tasks) {
  json list = json::array();
  for (const auto& task : tasks) list.push_back(shown_task(task));
  return list;
}

json shown_app(json app, const Overview& overview, bool tasks, bool failure) {
  std::string id = app["id"];
  auto of_app = overview.of(id);
  auto running = std::count_if(of_app.begin(), of_app.end(), [](const auto& task) { return task.running(); });
  app["tasksRunning"] = running;
  app["tasksStaged"] = static_cast<long>(of_app.size()) - running;
  // Nobody checks their health.
  app["tasksHealthy"] = app["tasksUnhealthy"] = 0;
  app["deployments"] = json::array();
  if (!is_scaled(app, of_app)) app["deployments"].push_back({{"id", app["version"]}});
  if (tasks) app["tasks"] = shown_tasks(of_app);
  auto failed = overview.failures.find(id);
  if (failure && failed != overview.failures.end()) {
    const MarathonTask& task = failed->second;
    app["lastTaskFailure"] = {{"appId", id},           {"taskId", task.id},   {"host", task.host},
                              {"slaveId", task.agent}, {"state", task.state}, {"message", task.message},
                              {"version", task.version}, {"timestamp", marathon_time(task.changed)}};
  }
  return app;
}

json shown_deployments(const Overview& overview) {
  json open = json::array();
  auto add = [&](const std::string& id, const json& version, const char* action) {
    open.push_back({{"id", version},
                    {"version", version},
                    {"affectedApps", {id}},
                    {"currentActions", {{{"action", action}, {"app", id}}}},
                    {"currentStep", 1},
                    {"totalSteps", 1}});
  };
  for (const auto& [id, app] : overview.apps) {
    if (!is_scaled(app, overview.of(id))) add(id, app["version"], "ScaleApplication");
  }
  std::map<std::string, std::string> removed;
  for (const auto& task : overview.tasks) {
    if (overview.apps.count(task.app) == 0) removed[task.app] = task.version;
  }
  for (const auto& [id, version] : removed) add(id, version, "StopApplication");
  return open;
}

json shown_queue(const Overview& overview) {
  json waiting = json::array();
  for (const auto& [id, app] : overview.apps) {
    auto of_app = overview.of(id);
    auto there = static_cast<std::size_t>(
        std::count_if(of_app.begin(), of_app.end(), [&](const auto& task) { return is_current(task, app); }));
    auto wanted = app.value("instances", 1UL);
    if (there >= wanted) continue;
    auto wait = overview.waits.find(id);
    long left = wait == overview.waits.end() ? 0 : std::lround(std::ceil(wait->second));
    waiting.push_back({{"app", app},
                       {"count", wanted - there},
                       {"delay", {{"overdue", left == 0}, {"timeLeftSeconds", left}}}});
  }
  return {{"queue", waiting}};
}

bool is_below(const std::string& app, const std::string& group) {
  return starts_with(app, group == "/" ? group : group + "/");
}

json shown_group(const std::string& id, const Overview& overview) {
  json group = {{"id", id}, {"apps", json::array()}, {"groups", json::array()}, {"dependencies", json::array()}};
  std::string version;
  std::map<std::string, bool> inner;
  const std::size_t begin = id == "/" ? 1 : id.size() + 1;
  bool any = id == "/";
  auto take = [&](const std::string& app, const json* definition) {
    if (!is_below(app, id)) return;
    any = true;
    auto slash = app.find('/', begin);
    if (slash != std::string::npos) {
      inner[app.substr(0, slash)] = true;
    } else if (definition != nullptr) {
      group["apps"].push_back(*definition);
    }
  };
  for (const auto& [app_id, app] : overview.apps) {
    take(app_id, &app);
    if (is_below(app_id, id)) version = std::max(version, app.value("version", ""));
  }
  for (const auto& task : overview.tasks) take(task.app, nullptr);
  if (!any) return nullptr;
  for (const auto& [inner_id, there] : inner) group["groups"].push_back(shown_group(inner_id, overview));
  group["version"] = version.empty() ? marathon_time(0) : version;
  return group;
}

}  // namespace standin
