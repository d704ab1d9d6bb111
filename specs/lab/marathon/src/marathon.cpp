#include "marathon.hpp"

#include "apps.hpp"
#include "log.hpp"
#include "shown.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// A version is the time of the change, as Marathon writes it.
std::string version_now() { return marathon_time(seconds_since_epoch()); }

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

// What it registers with at the master.
json framework(const Options& options, const std::string& own) {
  return {{"name", options.get("framework_name", "marathon")},
          {"hostname", own.substr(0, own.rfind(':'))},
          {"webui_url", options.get("webui_url", "http://" + own)},
          {"checkpoint", true}};
}

// The parts of an app that `?embed=apps.tasks&embed=…` asks for.
bool embeds(const Request& request, const std::string& part) {
  for (const std::string& pair : split(decoded(request.query), '&')) {
    if (pair == "embed=apps." + part || pair == "embed=" + part) return true;
  }
  return false;
}

// The apps of a group and of those in it; an id that does not begin with a slash is one in its group.
void collect(const json& group, const std::string& id, std::map<std::string, json>& apps, Violations& wrong) {
  auto full = [&](const json& part) {
    std::string own = part.is_object() && part.contains("id") && part["id"].is_string() ? part["id"] : "";
    return absolute_id(starts_with(own, "/") ? own : id + "/" + own);
  };
  for (json app : group.value("apps", json::array())) {
    for (const auto& [path, errors] : violations(app)) wrong["/apps" + path] = errors;
    if (!app.is_object()) continue;
    app["id"] = full(app);
    apps[app["id"]] = app;
  }
  for (const json& inner : group.value("groups", json::array())) collect(inner, full(inner), apps, wrong);
}

Response changed(int status, const std::string& version) {
  return with_status(status, {{"version", version}, {"deploymentId", random_id()}});
}

}  // namespace

Marathon::Marathon(const Options& options, const ZooKeeperUrl& zk)
    : options_(options),
      own_(options.get("hostname", host_name()) + ":" + std::to_string(options.port("http_port", 8080))),
      store_(zk),
      scheduler_(framework(options, own_), store_) {}

json Marathon::published() const { return {{"address", own_}}; }

std::optional<std::string> Marathon::leader() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return leader_;
}

void Marathon::see(const Masters& instances) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::optional<std::string> now;
  if (instances.leader) now = instances.leader->value("address", "");
  scheduler_.lead(now == own_);
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
    const std::string below = "/v2/apps/", groups = "/v2/groups";
    if (starts_with(path, below)) return about_app(request.method, path.substr(below.size()), request);
    if (path == groups || starts_with(path, groups + "/")) return about_group(path.substr(groups.size()), request);
    if (!reads) return message(405, "Method Not Allowed");
    if (path == "/v2/info") return Response::json(info());
    if (path == "/v2/deployments") return Response::json(shown_deployments(scheduler_.look()));
    if (path == "/v2/queue") return Response::json(shown_queue(scheduler_.look()));
    if (path == "/v2/tasks") return Response::json({{"tasks", shown_tasks(scheduler_.look().tasks)}});
    if (path == "/v2/leader") {
      auto leads = leader();
      return leads ? Response::json({{"leader", *leads}}) : message(404, "There is no leader");
    }
    if (path == "/v2/apps") {
      Overview overview = scheduler_.look();
      json apps = json::array();
      for (const auto& [id, app] : overview.apps) {
        apps.push_back(shown_app(app, overview, embeds(request, "tasks"), embeds(request, "lastTaskFailure")));
      }
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
  scheduler_.wake();
  return with_status(201, shown_app(app, scheduler_.look(), true, true));
}

Response Marathon::about_app(const std::string& method, const std::string& raw, const Request& request) {
  const bool tasks = ends_with(raw, "/tasks");
  const std::string id = absolute_id(tasks ? raw.substr(0, raw.size() - 6) : raw);
  auto unknown = [&] { return message(404, "App '" + id + "' does not exist"); };
  if (id.empty()) return unknown();
  if (method == "PUT" && !tasks) {
    json change = json::parse(request.body, nullptr, false);
    if (!change.is_object()) return message(400, "Invalid JSON");
    auto before_it = store_.find(id);
    json app = before_it.value_or(json::object());
    for (const auto& item : change.items()) app[item.key()] = item.value();
    app["id"] = id;
    if (auto wrong = violations(app); !wrong.empty()) return invalid(wrong);
    app = with_defaults(app, version_now(), before_it);
    bool before = store_.put(id, app);
    scheduler_.wake();
    return changed(before ? 200 : 201, app["version"]);
  }
  if (method == "DELETE" && !tasks) {
    if (!store_.remove(id)) return unknown();
    scheduler_.wake();
    return changed(200, version_now());
  }
  if (method != "GET" && method != "HEAD") return message(405, "Method Not Allowed");
  Overview overview = scheduler_.look();
  auto app = overview.apps.find(id);
  if (app == overview.apps.end()) return unknown();
  if (tasks) return Response::json({{"tasks", shown_tasks(overview.of(id))}});
  return Response::json({{"app", shown_app(app->second, overview, true, true)}});
}

// A group is what is below its id: it comes with its first app, and goes with the last task.
Response Marathon::about_group(const std::string& raw, const Request& request) {
  std::string id = absolute_id(raw);
  if (id.empty()) id = "/";
  auto unknown = [&] { return message(404, "Group '" + id + "' does not exist"); };
  if (request.method == "PUT" || request.method == "POST") return put_group(id, request);
  Overview overview = scheduler_.look();
  json group = shown_group(id, overview);
  if (group.is_null()) return unknown();
  if (request.method == "DELETE") {
    for (const auto& [app, definition] : overview.apps) {
      if (is_below(app, id)) store_.remove(app);
    }
    scheduler_.wake();
    return changed(200, version_now());
  }
  return Response::json(group);
}

// All apps are looked at before the first one is changed. Those of the group that are not named are removed.
Response Marathon::put_group(const std::string& id, const Request& request) {
  json group = json::parse(request.body, nullptr, false);
  if (!group.is_object()) return message(400, "Invalid JSON");
  std::string own = group.value("id", "");
  std::string at = request.method == "POST" ? absolute_id(starts_with(own, "/") ? own : id + "/" + own) : id;
  std::map<std::string, json> wanted;
  Violations wrong;
  collect(group, at, wanted, wrong);
  if (!wrong.empty()) return invalid(wrong);
  const std::string version = version_now();
  auto before = store_.all();
  for (const auto& [app_id, app] : before) {
    if (is_below(app_id, at) && wanted.count(app_id) == 0) store_.remove(app_id);
  }
  for (auto& [app_id, app] : wanted) {
    auto known = before.find(app_id);
    std::optional<json> earlier;
    if (known != before.end()) earlier = known->second;
    store_.put(app_id, with_defaults(app, version, earlier));
  }
  scheduler_.wake();
  return changed(request.method == "POST" ? 201 : 200, version);
}

// Nothing while ZooKeeper cannot be asked: everything else is known without it.
json Marathon::known_framework_id() {
  try {
    auto id = scheduler_.framework_id();
    return id ? json(*id) : json();
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

json Marathon::info() {
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
               {"frameworkId", known_framework_id()},
               {"marathon_config", config},
               {"zookeeper_config", {{"zk", options_.get("zk")}}},
               {"http_config", {{"http_port", options_.port("http_port", 8080)}}}};
  info["leader"] = leads ? json(*leads) : json(nullptr);
  return info;
}

}  // namespace standin
