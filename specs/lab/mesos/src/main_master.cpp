#include <memory>

#include "master.hpp"
#include "modules.hpp"
#include "program.hpp"
#include "zookeeper.hpp"

using namespace standin;

int main(int argc, char** argv) {
  // In this order they end: the election leaves ZooKeeper first, so that another master takes over at once.
  std::unique_ptr<Master> master;
  std::unique_ptr<Server> server;
  std::unique_ptr<Election> election;
  int status = run_program("mesos-master", master_flags(), argc, argv, [&](const Flags& flags) {
    auto zk = flags.get("zk");
    std::optional<ZooKeeperUrl> url;
    if (zk) url = ZooKeeperUrl::parse(*zk);
    if (flags.text("registry") == "replicated_log") {
      if (!flags.get("work_dir")) throw Mistake("Flag --work_dir is required: the replicated log is kept there");
      if (zk && !flags.get("quorum")) throw Mistake("Flag --quorum is required together with --zk");
    }
    if (flags.get("quorum") && flags.integer("quorum") < 1) throw Mistake("Flag --quorum must be 1 or more");
    Modules modules;
    if (auto text = flags.get("modules")) modules.load(*text);
    for (const auto& hook : flags.names("hooks")) modules.require_hook(hook);
    if (auto folder = flags.get("work_dir")) make_folders(*folder);

    Identity identity = Identity::from(flags, 5050);
    server = std::make_unique<Server>(identity.bind_ip, identity.bind_port);
    master = std::make_unique<Master>(flags, identity);
    server->start([&](const Request& request) { return master->answer(request); });
    if (url) {
      election = std::make_unique<Election>(*url, flags.duration("zk_session_timeout"), master->published(),
                                            [&](const Masters& masters) { master->see(masters); });
    } else {
      Masters alone;
      alone.connected = true;
      alone.contenders = 1;
      alone.leader = master->published();
      master->see(alone);
    }
  });
  election.reset();
  // Requests may still be answered on other threads.
  std::_Exit(status);
}
