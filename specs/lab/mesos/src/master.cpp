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

}  // namespace

Master::Master(const Flags& flags, const Identity& identity)
    : flags_(flags),
      identity_(identity),
      id_(random_id()),
      started_(seconds_since_epoch()),
      ping_interval_(interval_between_pings(flags)),
      patience_(longest_silence(flags)) {
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
  if (path == "/stand-in/register" || path == "/stand-in/ping") {
    if (request.method != "POST") return Response::refuse(405, "POST");
    if (!leads()) return Response::refuse(503, "this master does not lead");
    if (!recovered_) return Response::refuse(503, "this master has no quorum yet");
    json body = json::parse(request.body, nullptr, false);
    if (!body.is_object()) return Response::refuse(400, "a JSON object is expected");
    return path == "/stand-in/register" ? register_agent(body) : hear(body);
  }
  return Response::refuse(404, "no such endpoint");
}

Response Master::register_agent(const json& info_given) {
  json agent = info_given;
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
      ++removals_;
    }
    other = replaced ? agents_.erase(other) : std::next(other);
  }
  auto known = agents_.find(id);
  double since = known == agents_.end() ? seconds_since_epoch() : known->second.registered_time;
  agents_[id] = Agent{agent, since, Clock::now()};
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
  return Response::json({{"ping_ms", ping_interval_.count()}});
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

std::size_t Master::active_agents() const {
  return static_cast<std::size_t>(
      std::count_if(agents_.begin(), agents_.end(), [](const auto& entry) { return entry.second.active; }));
}

json Master::state() const {
  json slaves = json::array();
  for (const auto& [id, agent] : agents_) {
    slaves.push_back({
        {"id", id},
        {"pid", agent.info["pid"]},
        {"hostname", agent.info["hostname"]},
        {"version", agent.info["version"]},
        {"attributes", agent.info.value("attributes", json::object())},
        {"resources", agent.info.value("resources", json::object())},
        {"registered_time", agent.registered_time},
        {"active", agent.active},
    });
  }
  json state = {
      {"version", MESOS_VERSION},
      {"build", "stand-in"},
      {"id", id_},
      {"pid", identity_.pid("master")},
      {"hostname", identity_.hostname},
      {"start_time", started_},
      {"activated_slaves", active_agents()},
      {"deactivated_slaves", agents_.size() - active_agents()},
      {"slaves", slaves},
      {"frameworks", json::array()},
      {"completed_frameworks", json::array()},
      {"orphan_tasks", json::array()},
      {"flags", flags_.values()},
  };
  if (auto cluster = flags_.get("cluster")) state["cluster"] = *cluster;
  if (auto folder = flags_.get("log_dir")) state["log_dir"] = *folder;
  if (leader_) state["leader"] = leader_->value("pid", "");
  if (leads() && elected_time_) state["elected_time"] = *elected_time_;
  return state;
}

json Master::metrics() const {
  json metrics = {
      {"master/elected", leads() ? 1.0 : 0.0},
      {"master/uptime_secs", seconds_since_epoch() - started_},
      {"master/slaves_active", active_agents()},
      {"master/slaves_connected", active_agents()},
      {"master/slaves_inactive", agents_.size() - active_agents()},
      {"master/slave_registrations", registrations_},
      {"master/slave_reregistrations", reregistrations_},
      {"master/slave_removals", removals_},
  };
  // Only once the registry was read, by the elected master.
  if (leads() && recovered_) metrics["registrar/registry_size_bytes"] = 451.0;
  return metrics;
}

}  // namespace standin
