#include "master.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include <mesos/version.hpp>

#include "log.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

// Agents speak up more often than they must, so that one lost message means nothing.
milliseconds interval_between_pings(const Flags& flags) {
  return std::clamp(milliseconds(flags.duration("slave_ping_timeout") / 3), milliseconds(100), milliseconds(2000));
}

// An agent that is silent for so long is removed.
milliseconds longest_silence(const Flags& flags) {
  auto timeouts = std::max(1L, flags.integer("max_slave_ping_timeouts"));
  return flags.duration("slave_ping_timeout") * timeouts;
}

// A state with many of them would take long to be read.
std::size_t most_completed_tasks(const Flags& flags) {
  return static_cast<std::size_t>(std::clamp(flags.integer("max_completed_tasks_per_framework"), 0L, 100L));
}

}  // namespace

Master::Master(const Flags& flags, const Identity& identity)
    : flags_(flags),
      identity_(identity),
      id_(random_id()),
      started_(seconds_since_epoch()),
      ping_interval_(interval_between_pings(flags)),
      patience_(longest_silence(flags)),
      frameworks_(most_completed_tasks(flags)) {
  info() << "Master " << id_ << " (" << identity_.hostname << ") started on " << identity_.ip << ":" << identity_.port;
  watcher_ = std::thread([this] { watch_agents(); });
}

Master::~Master() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  watcher_.join();
}

json Master::published() const {
  in_addr address{};
  ::inet_pton(AF_INET, identity_.ip.c_str(), &address);
  return {
      {"address", {{"hostname", identity_.hostname}, {"ip", identity_.ip}, {"port", identity_.port}}},
      {"hostname", identity_.hostname},
      {"id", id_},
      {"ip", address.s_addr},
      {"pid", identity_.pid("master")},
      {"port", identity_.port},
      {"version", MESOS_VERSION},
  };
}

void Master::see(const Masters& masters) {
  std::unique_lock<std::mutex> lock(mutex_);
  bool led = leads();
  std::string before = leader_ ? leader_->value("pid", "") : "";
  leader_ = masters.leader;
  if (led && !leads()) {
    lock.unlock();
    give_up("Lost leadership: ending, so that no two masters lead");
  }
  std::string now = leader_ ? leader_->value("pid", "") : "";
  if (now != before) info() << (now.empty() ? "No master leads" : "The leading master is " + now);
  if (leads() && !elected_time_) {
    elected_time_ = seconds_since_epoch();
    info() << "Elected as the leading master";
  }
  // The replicated log of the real master needs as many of them; once it is there it stays.
  auto quorum = static_cast<std::size_t>(flags_.get("quorum") ? flags_.integer("quorum") : 1);
  if (!recovered_ && masters.contenders >= quorum) {
    recovered_ = true;
    info() << "Recovered the registry: " << masters.contenders << " masters are there, the quorum is " << quorum;
  }
}

Response Master::answer(const Request& request) {
  std::string path = plain_path(request.path, "master");
  if (path == "/health") return Response::empty();
  if (path == "/version") return Response::json(version());
  std::lock_guard<std::mutex> lock(mutex_);
  if (path == "/state") return Response::json(state());
  if (path == "/metrics/snapshot") return Response::json(metrics());
  if (path == "/stand-in/register" || path == "/stand-in/ping" || path == "/stand-in/framework") {
    if (request.method != "POST") return Response::refuse(405, "POST");
    if (!leads()) return Response::refuse(503, "this master does not lead");
    if (!recovered_) return Response::refuse(503, "this master has no quorum yet");
    json body = json::parse(request.body, nullptr, false);
    if (!body.is_object()) return Response::refuse(400, "a JSON object is expected");
    if (path == "/stand-in/framework") return hear_framework(body);
    return path == "/stand-in/register" ? register_agent(body) : hear(body);
  }
  return Response::refuse(404, "no such endpoint");
}

Response Master::register_agent(const json& info_given) {
  json agent = info_given;
  for (const char* key : {"tasks", "ended", "used_resources"}) agent.erase(key);
  for (const char* key : {"pid", "hostname", "version"}) {
    if (!agent.contains(key) || !agent[key].is_string()) return Response::refuse(400, std::string("no ") + key);
  }
  std::string id = agent.value("id", "");
  bool again = !id.empty();
  if (!again) id = id_ + "-S" + std::to_string(next_agent_++);
  agent["id"] = id;
  // An agent that comes from the same address in place of another has taken over its port: the other is gone.
  for (auto other = agents_.begin(); other != agents_.end();) {
    bool replaced = other->first != id && other->second.info["pid"] == agent["pid"];
    if (replaced) {
      info() << "Removing agent " << other->first << ": another one has registered from its address";
      lose_tasks(other->second);
      ++removals_;
    }
    other = replaced ? agents_.erase(other) : std::next(other);
  }
  auto known = agents_.find(id);
  double since = known == agents_.end() ? seconds_since_epoch() : known->second.registered_time;
  Agent& registered = agents_[id];
  registered = {agent, since, Clock::now(), true, json::array(), json::object()};
  take_report(registered, info_given);
  ++(again ? reregistrations_ : registrations_);
  info() << (again ? "Re-registered" : "Registered") << " agent " << id << " at " << agent["pid"].get<std::string>()
         << " (" << agent["hostname"].get<std::string>() << ")";
  return Response::json({{"id", id}, {"ping_ms", ping_interval_.count()}});
}

Response Master::hear(const json& ping) {
  auto agent = agents_.find(ping.value("id", ""));
  if (agent == agents_.end()) return Response::refuse(404, "this agent is not registered");
  if (!agent->second.active) info() << "Agent " << agent->first << " is heard again";
  agent->second.heard = Clock::now();
  agent->second.active = true;
  take_report(agent->second, ping);
  return Response::json({{"ping_ms", ping_interval_.count()}});
}

Response Master::hear_framework(const json& framework) {
  if (framework.value("name", "").empty()) return Response::refuse(400, "no name");
  std::string number = std::to_string(next_framework_);
  std::string fresh = id_ + "-" + std::string(4 - std::min<std::size_t>(4, number.size()), '0') + number;
  std::string id = frameworks_.hear(framework, fresh);
  if (id == fresh) ++next_framework_;
  return Response::json({{"id", id}});
}

void Master::take_report(Agent& agent, const json& report) {
  agent.tasks = report.value("tasks", json::array());
  agent.used = report.value("used_resources", json::object());
  for (const json& task : agent.tasks) frameworks_.revive(task.value("id", ""));
  for (const json& task : report.value("ended", json::array())) frameworks_.complete(task);
}

void Master::lose_tasks(const Agent& agent) {
  for (json task : agent.tasks) {
    task["state"] = "TASK_LOST";
    task["statuses"].push_back({{"state", "TASK_LOST"},
                                {"timestamp", seconds_since_epoch()},
                                {"message", "Slave " + agent.info.value("hostname", "") + " removed"}});
    frameworks_.complete(task);
  }
}

void Master::watch_agents() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_.wait_for(lock, ping_interval_, [this] { return end_; })) {
    auto now = Clock::now();
    for (auto entry = agents_.begin(); entry != agents_.end();) {
      Agent& agent = entry->second;
      auto silence = now - agent.heard;
      if (silence > patience_) {
        warning() << "Removing agent " << entry->first << ": it is silent for too long";
        lose_tasks(agent);
        ++removals_;
        entry = agents_.erase(entry);
        continue;
      }
      if (agent.active && silence > 3 * ping_interval_) {
        warning() << "Agent " << entry->first << " is silent: it is inactive";
        agent.active = false;
      }
      ++entry;
    }
  }
}

}  // namespace standin
