#include "agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <mesos/version.hpp>

#include "log.hpp"
#include "resources.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;
using std::chrono::milliseconds;

Agent::Agent(const Flags& flags, const Identity& identity, Modules modules)
    : flags_(flags),
      identity_(identity),
      modules_(std::move(modules)),
      started_(seconds_since_epoch()),
      meta_(flags.text("work_dir") + "/meta/slaves"),
      info_({
          {"hostname", identity_.hostname},
          {"pid", identity_.pid("slave(1)")},
          {"version", MESOS_VERSION},
          {"attributes", parse_attributes(flags.text("attributes"))},
          {"resources", parse_resources(flags.text("resources"), flags.text("work_dir"))},
      }),
      tasks_(flags, modules_, identity_.ip, info_["resources"], [this] { hurry(); }) {
  recover();
  if (id() != "") tasks_.recover(id());
  info() << "Agent started on " << identity_.ip << ":" << identity_.port << " (" << identity_.hostname << ") with "
         << info_["attributes"].dump() << " and " << info_["resources"].dump();
  speaker_ = std::thread([this] { keep_registered(); });
}

Agent::~Agent() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = true;
  }
  changed_.notify_all();
  speaker_.join();
}

// meta/slaves/<id>/slave.info says what an agent was, meta/slaves/latest is a link to the last one's folder.
void Agent::recover() {
  make_folders(meta_);
  std::string latest = meta_ + "/latest";
  if (::access((latest + "/slave.info").c_str(), F_OK) != 0) return;
  json old = json::parse(read_file(latest + "/slave.info"), nullptr, false);
  if (!old.is_object() || !old.contains("id")) {
    throw Mistake("Failed to perform recovery: " + latest + "/slave.info is damaged. To go on without it: rm -f " +
                  latest);
  }
  for (const char* key : {"hostname", "attributes", "resources"}) {
    if (old.value(key, json()) == info_[key]) continue;
    throw Mistake(std::string("Failed to perform recovery: Incompatible agent info: ") + key + " was " +
                  old.value(key, json()).dump() + " and is " + info_[key].dump() +
                  ". To begin as a new agent, at the cost of the tasks of the old one: rm -f " + latest);
  }
  info_["id"] = old["id"];
  info() << "Recovered as agent " << old["id"].get<std::string>();
}

void Agent::checkpoint() const {
  std::string id = info_["id"];
  make_folders(meta_ + "/" + id);
  write_file(meta_ + "/" + id + "/slave.info", info_.dump(2) + "\n");
  std::string link = meta_ + "/latest.new";
  ::unlink(link.c_str());
  if (::symlink(id.c_str(), link.c_str()) != 0 || std::rename(link.c_str(), (meta_ + "/latest").c_str()) != 0) {
    throw std::runtime_error("cannot write " + meta_ + "/latest: " + std::strerror(errno));
  }
}

void Agent::see(const Masters& masters) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (leader_ == masters.leader) return;
    leader_ = masters.leader;
    registered_ = false;
    info() << (leader_ ? "New master detected at " + leader_->value("pid", "") : "Lost the leading master");
  }
  changed_.notify_all();
}

// A task has something to report: the master hears of it at once.
void Agent::hurry() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    news_ = true;
  }
  changed_.notify_all();
}

std::string Agent::id() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return info_.value("id", "");
}

void Agent::keep_registered() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!end_) {
    if (!leader_) {
      changed_.wait(lock, [this] { return end_ || leader_; });
      continue;
    }
    json leader = *leader_;
    bool registered = registered_;
    news_ = false;
    lock.unlock();
    milliseconds pause = speak_to(leader, registered);
    lock.lock();
    // What was learnt of a master is worth nothing once another one leads.
    if (leader_ == leader) registered_ = registered;
    changed_.wait_for(lock, pause, [&] { return end_ || leader_ != leader || (news_ && registered_); });
  }
}

milliseconds Agent::speak_to(const json& leader, bool& registered) {
  const milliseconds again = std::max(milliseconds(100), flags_.duration("registration_backoff_factor"));
  try {
    json address = leader.value("address", json::object());
    std::string ip = address.value("ip", "");
    int port = address.value("port", 0);
    std::string path = registered ? "/stand-in/ping" : "/stand-in/register";
    json report = tasks_.report();
    json body = registered ? json({{"id", info_["id"]}}) : info_;
    body.update(report);
    Response response = post(ip, port, path, body);
    if (response.status != 200) {
      if (registered) warning() << "The master no longer knows this agent: " << trim(response.body);
      bool forgotten = registered;
      registered = false;
      return forgotten ? milliseconds(0) : again;
    }
    tasks_.reported(report);
    json answer = json::parse(response.body);
    if (!registered) {
      {
        std::lock_guard<std::mutex> lock(mutex_);
        info_["id"] = answer.at("id");
      }
      checkpoint();
      registered = true;
      info() << "Registered with " << leader.value("pid", "") << " as " << info_["id"].get<std::string>();
    }
    return milliseconds(std::clamp(answer.value("ping_ms", 1000L), 100L, 60000L));
  } catch (const std::exception& failure) {
    if (registered) warning() << "Lost the connection to the master: " << failure.what();
    registered = false;
    return again;
  }
}

Response Agent::about_task(const Request& request, bool launch) {
  if (request.method != "POST") return Response::refuse(405, "POST");
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return Response::refuse(400, "a JSON object is expected");
  std::string own = id();
  if (own.empty() || body.value("agent_id", "") != own) {
    return Response::refuse(409, "this is not the agent " + body.value("agent_id", ""));
  }
  if (!launch) {
    return tasks_.kill(body.value("task_id", "")) ? Response::empty() : Response::refuse(404, "no such task");
  }
  std::string why = tasks_.launch(body, own);
  return why.empty() ? Response::empty() : Response::refuse(409, why);
}

Response Agent::answer(const Request& request) {
  std::string path = plain_path(request.path, "slave(1)");
  if (path == "/health") return Response::empty();
  if (path == "/version") return Response::json(version());
  if (path == "/stand-in/launch" || path == "/stand-in/kill") return about_task(request, path == "/stand-in/launch");
  if (path == "/state") return Response::json(state());
  if (path == "/metrics/snapshot") {
    std::lock_guard<std::mutex> lock(mutex_);
    return Response::json({
        {"slave/registered", registered_ ? 1.0 : 0.0},
        {"slave/uptime_secs", seconds_since_epoch() - started_},
        {"slave/tasks_running", tasks_.running()},
    });
  }
  return Response::refuse(404, "no such endpoint");
}

json Agent::state() const {
  std::lock_guard<std::mutex> lock(mutex_);
  json state = {
      {"version", MESOS_VERSION},
      {"build", "stand-in"},
      {"id", info_.value("id", "")},
      {"pid", info_["pid"]},
      {"hostname", identity_.hostname},
      {"start_time", started_},
      {"attributes", info_["attributes"]},
      {"resources", info_["resources"]},
      {"used_resources", tasks_.used_resources()},
      {"flags", flags_.values()},
      {"modules", modules_.describe()},
      {"frameworks", tasks_.frameworks()},
      {"completed_frameworks", json::array()},
  };
  if (auto folder = flags_.get("log_dir")) state["log_dir"] = *folder;
  if (leader_) state["master_hostname"] = leader_->value("hostname", "");
  return state;
}

}  // namespace standin
