#include "nft.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "environment.hpp"

namespace standin {

namespace {

// Where both write: the container's own, so that nobody else is in the way.
const std::string rules_file = "/tmp/rules.nft";
const std::string said_file = "/tmp/nft.said";

}  // namespace

void run_nft(const std::string& text) {
  std::ofstream(rules_file, std::ios::trunc) << text;
  pid_t child = fork();
  if (child < 0) throw Failed(std::string("nft cannot be started: ") + std::strerror(errno));
  if (child == 0) {
    if (std::freopen(said_file.c_str(), "w", stderr) == nullptr) _exit(126);
    execl("/usr/sbin/nft", "nft", "-f", rules_file.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::ifstream file(said_file);
  throw Failed("nft refused the rules: " + std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace standin
