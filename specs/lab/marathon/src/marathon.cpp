#include "marathon.hpp"

#include <chrono>
#include <ctime>

#include "apps.hpp"
#include "log.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// A version is the time of the change, as Marathon writes it.
std::string version_now() {
  auto now = std::chrono::system_clock::now();
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(millis % 1000));
  return text;
}

Response with_status(int status, const json& body) { return {status, body.dump(), "application/json"}; }

Response message(int status, const std::string& text) { return with_status(status, {{"message", text}}); }

Response invalid(const Violations& violations) {
  json details = json::array();
  for (const auto& [path, errors] : violations) details.push_back({{"path", path}, {"errors", errors}});
  return with_status(422, {{"message", "Object is not valid"}, {"details", details}});
}

// %2F and the like.
std::string decoded(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '%' && i + 2 < text.size() && std::sscanf(text.substr(i + 1, 2).c_str(), "%2x", &code) == 1) {
      plain += static_cast<char>(code);
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

Marathon::Marathon(const Options& options, const ZooKeeperUrl& zk)
    : options_(options),
      own_(options.get("hostname", host_name()) + ":" + std::to_string(options.port("http_port", 8080))),
      store_(zk) {}

json Marathon::published() const { return {{"address", own_}}; }

std::optional<std::string> Marathon::leader() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return leader_;
}

void Marathon::see(const Masters& instances) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::optional<std::string> now;
  if (instances.leader) now = instances.leader->value("address", "");
  if (now == leader_) return;
  leader_ = now;
  standin::info() << (now ? "The leading instance is " + *now : "No instance leads");
}

Response Marathon::answer(const Request& request) {
  const std::string path = decoded(request.path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path == "/ping" && reads) return {200, "pong", "text/plain"};
  try {
    if (path == "/v2/apps" && request.method == "POST") return create(request);
    const std::string below = "/v2/apps/";
    if (starts_with(path, below)) return about_app(request.method, path.substr(below.size()), request);
    if (!reads) return message(405, "Method Not Allowed");
    if (path == "/v2/info") return Response::json(info());
    if (path == "/v2/deployments") return Response::json(deployments());
    if (path == "/v2/queue") return Response::json(queue());
    if (path == "/v2/tasks") return Response::json({{"tasks", json::array()}});
    if (path == "/v2/leader") {
      auto leads = leader();
      return leads ? Response::json({{"leader", *leads}}) : message(404, "There is no leader");
    }
    if (path == "/v2/apps") {
      json apps = json::array();
      for (const auto& [id, app] : store_.all()) apps.push_back(shown(app));
      return Response::json({{"apps", apps}});
    }
  } catch (const std::runtime_error& failure) {
    return message(503, failure.what());
  }
  return message(404, "URI not found: " + request.path);
}

Response Marathon::create(const Request& request) {
  json app = json::parse(request.body, nullptr, false);
  if (!app.is_object()) return message(400, "Invalid JSON");
  if (auto wrong = violations(app); !wrong.empty()) return invalid(wrong);
  app = with_defaults(app, version_now());
  std::string id = app["id"];
  if (!store_.create(id, app)) return message(409, "An app with id [" + id + "] already exists.");
  standin::info() << "App " << id << " is accepted; this stand-in launches none of its tasks";
  return with_status(201, shown(app));
}

Response Marathon::about_app(const std::string& method, const std::string& raw, const Request& request) {
  const bool tasks = ends_with(raw, "/tasks");
  const std::string id = absolute_id(tasks ? raw.substr(0, raw.size() - 6) : raw);
  auto unknown = [&] { return message(404, "App '" + id + "' does not exist"); };
  if (id.empty()) return unknown();
  if (method == "PUT" && !tasks) {
    json change = json::parse(request.body, nullptr, false);
    if (!change.is_object()) return message(400, "Invalid JSON");
    json app = store_.find(id).value_or(json::object());
    for (const auto& item : change.items()) app[item.key()] = item.value();
    app["id"] = id;
    if (auto wrong = violations(app); !wrong.empty()) return invalid(wrong);
    app = with_defaults(app, version_now());
    bool before = store_.put(id, app);
    return with_status(before ? 200 : 201, {{"version", app["version"]}, {"deploymentId", random_id()}});
  }
  if (method == "DELETE" && !tasks) {
    if (!store_.remove(id)) return unknown();
    return Response::json({{"version", version_now()}, {"deploymentId", random_id()}});
  }
  if (method != "GET" && method != "HEAD") return message(405, "Method Not Allowed");
  auto app = store_.find(id);
  if (!app) return unknown();
  if (tasks) return Response::json({{"tasks", json::array()}});
  return Response::json({{"app", shown(*app)}});
}

// Nothing is ever launched, so the deployment of an app that wants instances stays open.
json Marathon::shown(json app) const {
  app["tasks"] = json::array();
  for (const char* key : {"tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy"}) app[key] = 0;
  app["deployments"] = json::array();
  if (app.value("instances", 1) > 0) app["deployments"].push_back({{"id", app["version"]}});
  return app;
}

json Marathon::deployments() const {
  json open = json::array();
  for (const auto& [id, app] : store_.all()) {
    if (app.value("instances", 1) == 0) continue;
    open.push_back({{"id", app["version"]},
                    {"version", app["version"]},
                    {"affectedApps", {id}},
                    {"currentActions", {{{"action", "ScaleApplication"}, {"app", id}}}},
                    {"currentStep", 1},
                    {"totalSteps", 1}});
  }
  return open;
}

json Marathon::queue() const {
  json waiting = json::array();
  for (const auto& [id, app] : store_.all()) {
    if (app.value("instances", 1) == 0) continue;
    waiting.push_back({{"app", app},
                       {"count", app.value("instances", 1)},
                       {"delay", {{"overdue", true}, {"timeLeftSeconds", 0}}}});
  }
  return {{"queue", waiting}};
}

json Marathon::info() const {
  auto leads = leader();
  json config = {{"master", options_.get("master")},
                 {"hostname", options_.get("hostname", host_name())},
                 {"framework_name", options_.get("framework_name", "marathon")},
                 {"ha", !options_.has("disable_ha")},
                 {"checkpoint", !options_.has("disable_checkpoint")}};
  json info = {{"name", "marathon"},
               {"version", MARATHON_VERSION},
               {"build", "stand-in"},
               {"elected", leads == own_},
               {"frameworkId", nullptr},
               {"marathon_config", config},
               {"zookeeper_config", {{"zk", options_.get("zk")}}},
               {"http_config", {{"http_port", options_.port("http_port", 8080)}}}};
  info["leader"] = leads ? json(*leads) : json(nullptr);
  return info;
}

}  // namespace standin
