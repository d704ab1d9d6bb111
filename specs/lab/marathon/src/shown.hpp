#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "scheduler.hpp"

namespace standin {

// 2016-06-01T00:00:00.000Z, as Marathon writes times.
std::string marathon_time(double seconds_since_epoch);

// What Marathon's API shows of an overview.
nlohmann::json shown_task(const MarathonTask& task);
nlohmann::json shown_tasks(const std::vector<MarathonTask>& tasks);
// An app; its tasks and its last failure only where they are asked for.
nlohmann::json shown_app(nlohmann::json app, const Overview& overview, bool tasks, bool failure);
nlohmann::json shown_deployments(const Overview& overview);
nlohmann::json shown_queue(const Overview& overview);
// A group with all that is below it; nothing where neither an app nor a task is.
nlohmann::json shown_group(const std::string& id, const Overview& overview);

// Whether an app is in a group, however deep.
bool is_below(const std::string& app, const std::string& group);

}  // namespace standin
