#include "addresses.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

using nlohmann::json;

unsigned parse_address(const std::string& text) {
  in_addr address{};
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) throw Refused("'" + text + "' is not an IPv4 address");
  return ntohl(address.s_addr);
}

namespace {

std::string text_of(unsigned address) {
  in_addr binary{htonl(address)};
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &binary, text, sizeof text);
  return text;
}

Refused failure(const std::string& doing) { return Refused(doing + ": " + std::strerror(errno)); }

}  // namespace

Addresses::Addresses(const std::string& folder, const std::string& pool) : file_(folder + "/addresses.json") {
  auto slash = pool.find('/');
  int prefix = slash == std::string::npos ? -1 : std::atoi(pool.c_str() + slash + 1);
  if (prefix < 8 || prefix > 30) throw Refused("the pool '" + pool + "' is not a network such as 192.168.0.0/16");
  unsigned size = 1u << (32 - prefix);
  // Neither the network's own address nor the broadcast address is given out.
  first_ = (parse_address(pool.substr(0, slash)) & ~(size - 1)) + 1;
  count_ = size - 2;

  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) throw failure("cannot make " + folder);
  std::string lock = folder + "/lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX) != 0) throw failure("cannot lock " + lock);
  std::ifstream stream(file_);
  if (!stream) {
    owners_ = json::object();
    return;
  }
  owners_ = json::parse(stream, nullptr, false);
  if (!owners_.is_object()) throw Refused(file_ + " is damaged");
}

Addresses::~Addresses() { ::close(lock_); }

std::vector<std::string> Addresses::allocate(long count, const std::string& owner) {
  std::vector<std::string> given;
  for (unsigned i = 0; i < count_ && given.size() < static_cast<std::size_t>(count); ++i) {
    std::string address = text_of(first_ + i);
    if (owners_.contains(address)) continue;
    given.push_back(address);
  }
  if (given.size() < static_cast<std::size_t>(count)) throw Refused("the pool has no free address left");
  reserve(given, owner);
  return given;
}

void Addresses::reserve(const std::vector<std::string>& addresses, const std::string& owner) {
  for (const auto& address : addresses) {
    parse_address(address);
    if (owners_.contains(address)) throw Refused("the address " + address + " is taken");
  }
  for (const auto& address : addresses) owners_[address] = {{"owner", owner}};
}

void Addresses::release(const std::vector<std::string>& addresses) {
  for (const auto& address : addresses) {
    parse_address(address);
    owners_.erase(address);
  }
}

void Addresses::assign(const std::vector<std::string>& addresses, const std::string& container) {
  for (const auto& address : addresses) {
    parse_address(address);
    if (!owners_.contains(address)) throw Refused("the address " + address + " was not given out");
  }
  for (const auto& address : addresses) owners_[address]["container"] = container;
}

void Addresses::forget(const std::string& container) {
  for (auto& entry : owners_) {
    if (entry.value("container", "") == container) entry.erase("container");
  }
}

void Addresses::save() {
  std::string scratch = file_ + ".new";
  std::ofstream stream(scratch, std::ios::trunc);
  stream << owners_.dump(2) << "\n";
  stream.close();
  if (!stream || std::rename(scratch.c_str(), file_.c_str()) != 0) throw failure("cannot write " + file_);
}
