#include <memory>
#include <set>

#include "agent.hpp"
#include "detector.hpp"
#include "log.hpp"
#include "modules.hpp"
#include "program.hpp"
#include "zookeeper.hpp"

using namespace standin;

namespace {

// The isolators that 0.28 has by itself; "process" and "cgroups" are old names for several of them.
const std::set<std::string> isolators = {
    "posix/cpu",        "posix/mem",        "posix/disk",         "cgroups/cpu",    "cgroups/mem",
    "cgroups/net_cls",  "cgroups/perf_event", "filesystem/posix", "filesystem/linux", "filesystem/shared",
    "docker/runtime",   "namespaces/pid",   "process",            "cgroups",
};

void check_isolation(const Flags& flags, const Modules& modules) {
  for (const auto& name : flags.names("isolation")) {
    if (isolators.count(name) == 0 && !modules.has_isolator(name)) {
      throw Mistake("Failed to create a containerizer: Unknown or unsupported isolator '" + name +
                    "'; an isolator of a module needs --modules");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Agent> agent;
  std::unique_ptr<Server> server;
  std::unique_ptr<Election> election;
  int status = run_program("mesos-slave", slave_flags(), argc, argv, [&](const Flags& flags) {
    auto found = flags.get("master");
    if (!found || trim(*found).empty()) throw Mistake("Flag --master is required: zk://host:port/path or host:port");
    std::string master = trim(*found);
    check_master(master);
    Modules modules;
    if (auto text = flags.get("modules")) modules.load(*text);
    for (const auto& hook : flags.names("hooks")) modules.require_hook(hook);
    check_isolation(flags, modules);
    make_folders(flags.text("work_dir"));

    Identity identity = Identity::from(flags, 5051);
    server = std::make_unique<Server>(identity.bind_ip, identity.bind_port);
    agent = std::make_unique<Agent>(flags, identity, modules);
    server->start([&](const Request& request) { return agent->answer(request); });
    election = detect_masters(master, [&](const Masters& masters) { agent->see(masters); });
  });
  election.reset();
  // Requests may still be answered on other threads.
  std::_Exit(status);
}
