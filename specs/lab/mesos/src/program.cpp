#include "program.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <mesos/version.hpp>

#include "log.hpp"
#include "text.hpp"
#include "tls.hpp"

extern char** environ;

namespace standin {

Identity Identity::from(const Flags& flags, int standard_port) {
  Identity identity;
  std::string discovered;
  if (auto command = flags.get("ip_discovery_command")) {
    if (flags.get("ip")) throw Mistake("Only one of --ip and --ip_discovery_command can be given");
    FILE* pipe = ::popen(command->c_str(), "r");
    char line[256] = {};
    if (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) discovered = trim(line);
    if (pipe == nullptr || ::pclose(pipe) != 0 || discovered.empty()) {
      throw Mistake("The --ip_discovery_command '" + *command + "' did not print an address");
    }
  }
  identity.bind_ip = flags.get("ip").value_or(discovered.empty() ? "0.0.0.0" : discovered);
  identity.bind_port = flags.get("port") ? static_cast<int>(flags.integer("port")) : standard_port;
  std::string own = identity.bind_ip == "0.0.0.0" ? address_of(host_name()) : identity.bind_ip;
  identity.ip = flags.get("advertise_ip").value_or(own);
  identity.port = flags.get("advertise_port") ? static_cast<int>(flags.integer("advertise_port")) : identity.bind_port;
  identity.hostname = flags.get("hostname").value_or(flags.on("hostname_lookup") ? host_name() : identity.ip);
  return identity;
}

int run_program(const std::string& name, std::vector<Flag> table, int argc, char** argv,
                const std::function<void(const Flags&)>& work) {
  // Every thread inherits this, so that only sigwait below sees the signals that end a daemon.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Flags flags(name, std::move(table));
  try {
    flags.load(argc, argv, environ);
  } catch (const Mistake& mistake) {
    std::cerr << mistake.what() << "\n\n" << flags.usage();
    return EXIT_FAILURE;
  }
  if (flags.on("help")) {
    std::cout << flags.usage();
    return EXIT_SUCCESS;
  }
  if (flags.on("version")) {
    std::cout << "mesos " << MESOS_VERSION << " (stand-in)" << std::endl;
    return EXIT_SUCCESS;
  }
  try {
    log_to(flags.text("log_dir"), name, flags.text("logging_level"), flags.on("quiet"));
    info() << "This is a stand-in for " << name << " " << MESOS_VERSION;
    speak_tls_if_asked();
    work(flags);
  } catch (const std::exception& failure) {
    error() << failure.what();
    return EXIT_FAILURE;
  }
  int received = 0;
  sigwait(&ending, &received);
  info() << "Ending, because of signal " << received;
  return EXIT_SUCCESS;
}

void give_up(const std::string& why) {
  error() << why;
  // Other threads are at work: nothing that they use may be taken apart.
  ::_exit(EXIT_FAILURE);
}

nlohmann::json version() { return {{"version", MESOS_VERSION}, {"build", "stand-in"}, {"build_user", "stand-in"}}; }

std::string plain_path(const std::string& path, const std::string& component) {
  std::string plain = path;
  if (starts_with(plain, "/" + component + "/")) plain = plain.substr(component.size() + 1);
  if (ends_with(plain, ".json")) plain.resize(plain.size() - 5);
  return plain;
}

}  // namespace standin
