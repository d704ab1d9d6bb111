#include "executor.hpp"

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

#include "docker.hpp"
#include "process_id.hpp"
#include "task_process.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {

// How long a task may take to end by itself once it is told to.
constexpr int grace_seconds = 3;

// Nothing that the agent has open stays open as long as the task: not its port, and not its log.
void close_inherited() {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) ::close(descriptor);
}

// A network with nothing but its loopback, which is up as everywhere.
void leave_network() {
  if (::unshare(CLONE_NEWNET) != 0) throw Mistake(std::string("no network namespace: ") + std::strerror(errno));
  int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(socket, SIOCGIFFLAGS, &request) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    ::ioctl(socket, SIOCSIFFLAGS, &request);
  }
  ::close(socket);
}

bool wait_for_go() {
  std::string heard;
  char c = 0;
  while (heard.size() < 16 && ::read(STDIN_FILENO, &c, 1) == 1) {
    heard += c;
    if (heard == executor_go) return true;
  }
  return false;
}

class Executor {
 public:
  Executor(std::string folder, json record) : folder_(std::move(folder)), record_(std::move(record)) {
    if (record_.value("docker", "") != "") {
      docker_ = std::make_unique<DockerContainer>(record_["docker"], record_["container_name"]);
    }
  }

  void run() {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigaddset(&watched, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    child_ = start_task(record_, docker_.get());
    id_ = ProcessId::of(child_);
    if (!docker_) tell("TASK_RUNNING", "", record_["addresses"]);
    int status = 0;
    while (::waitpid(child_, &status, WNOHANG) != child_) {
      timespec pause{0, 300 * 1000 * 1000};
      int received = ::sigtimedwait(&watched, nullptr, docker_ && !told_ ? &pause : left());
      if (received == SIGTERM && !killing_) end_task();
      if (killing_ && left()->tv_sec == 0) ::kill(-child_, SIGKILL);
      if (docker_ && !told_) {
        look_at_container();
        // The programs that looked have ended too, and would end the next pause at once.
        sigset_t looked;
        sigemptyset(&looked);
        sigaddset(&looked, SIGCHLD);
        timespec now{0, 0};
        ::sigtimedwait(&looked, nullptr, &now);
      }
    }
    // What the task has started and left behind goes with it.
    ::kill(-child_, SIGKILL);
    finish(status);
  }

 private:
  void tell(const std::string& state, const std::string& message, const json& addresses) {
    told_ = true;
    addresses_ = addresses;
    write_file(folder_ + status_file, json({{"state", state},
                                            {"message", message},
                                            {"addresses", addresses},
                                            {"timestamp", seconds_since_epoch()},
                                            {"process", id_.to_json()}})
                                          .dump());
  }

  void look_at_container() {
    if (auto addresses = docker_->running()) tell("TASK_RUNNING", "", *addresses);
  }

  void end_task() {
    killing_ = true;
    deadline_ = seconds_since_epoch() + grace_seconds;
    if (docker_) docker_->stop(grace_seconds);
    ::kill(-child_, SIGTERM);
  }

  // How long to wait: until the grace is over, or for an event however late it comes.
  const timespec* left() {
    double seconds = killing_ ? deadline_ - seconds_since_epoch() : 3600;
    left_ = {seconds > 0 ? static_cast<time_t>(seconds) + 1 : 0, seconds > 0 ? 0 : 100 * 1000 * 1000};
    return &left_;
  }

  void finish(int status) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::string what = docker_ ? "Container" : "Command";
    std::string message = code >= 0 ? what + " exited with status " + std::to_string(code)
                                    : what + " terminated with signal " + strsignal(WTERMSIG(status));
    // So docker says that it could not run the container.
    if (docker_ && code == 125) message = "Failed to run the container: " + last_words(record_["sandbox"]);
    if (docker_) docker_->remove();
    tell(killing_ ? "TASK_KILLED" : code == 0 ? "TASK_FINISHED" : "TASK_FAILED", message, addresses_);
  }

  std::string folder_;
  json record_;
  json addresses_ = json::array();
  std::unique_ptr<DockerContainer> docker_;
  pid_t child_ = 0;
  ProcessId id_;
  bool told_ = false, killing_ = false;
  double deadline_ = 0;
  timespec left_{};
};

}  // namespace

int run_executor(const std::string& folder) {
  close_inherited();
  try {
    json record = json::parse(read_file(folder + task_file));
    if (record.value("own_network", false)) leave_network();
    std::string ready = executor_ready;
    if (::write(STDIN_FILENO, ready.data(), ready.size()) < 0 || !wait_for_go()) return EXIT_FAILURE;
    Executor(folder, record).run();
    return EXIT_SUCCESS;
  } catch (const std::exception& failure) {
    std::string why = std::string(failure.what()) + "\n";
    // The agent, which waits for another word, fails the task with it.
    if (::write(STDIN_FILENO, why.data(), why.size()) < 0) std::cerr << why;
    return EXIT_FAILURE;
  }
}

}  // namespace standin
