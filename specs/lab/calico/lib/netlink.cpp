#include "netlink.hpp"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

namespace standin {

Refused::Refused(const std::string& doing, int number)
    : Failed(doing + ": " + std::strerror(number)), number(number) {}

Request::Request(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = flags | NLM_F_REQUEST;
  append(&header, sizeof header);
}

void Request::append(const void* data, std::size_t size) {
  const char* start = static_cast<const char*>(data);
  bytes_.insert(bytes_.end(), start, start + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

Request& Request::attribute(std::uint16_t type, const void* data, std::size_t size) {
  rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
  append(&head, sizeof head);
  append(data, size);
  return *this;
}

Request& Request::address(std::uint16_t type, std::uint32_t address) { return number(type, htonl(address)); }

std::size_t Request::open(std::uint16_t type) {
  std::size_t start = bytes_.size();
  attribute(type, nullptr, 0);
  return start;
}

void Request::close(std::size_t start) {
  auto size = static_cast<std::uint16_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start, &size, sizeof size);
}

namespace {

int open_space(const std::string& path) {
  int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0) throw Refused("cannot open " + path, errno);
  return space;
}

int open_socket() {
  int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (made < 0) throw Refused("cannot speak to the kernel", errno);
  return made;
}

bool same(int one, int other) {
  struct stat first{}, second{};
  return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

}  // namespace

Netlink::Netlink() : space_(open_space("/proc/self/ns/net")), socket_(open_socket()) {}

Netlink::Netlink(long pid) : space_(open_space("/proc/" + std::to_string(pid) + "/ns/net")) {
  int own = open_space("/proc/self/ns/net");
  std::string problem;
  if (same(own, space_)) {
    problem = "process " + std::to_string(pid) + " has the network of the host";
  } else if (setns(space_, CLONE_NEWNET) != 0) {
    problem = "cannot enter the network of process " + std::to_string(pid) + ": " + std::strerror(errno);
  } else {
    // A socket stays in the namespace that it was made in.
    socket_ = open_socket();
    if (setns(own, CLONE_NEWNET) != 0) {
      problem = std::string("cannot return to the host's network: ") + std::strerror(errno);
    }
  }
  ::close(own);
  if (problem.empty()) return;
  ::close(space_);
  throw Failed(problem);
}

Netlink::~Netlink() {
  ::close(socket_);
  ::close(space_);
}

void Netlink::send(Request& request) const {
  auto size = static_cast<std::uint32_t>(request.bytes().size());
  std::memcpy(request.bytes().data(), &size, sizeof size);
  if (::send(socket_, request.bytes().data(), size, 0) < 0) throw Refused("cannot speak to the kernel", errno);
}

int Netlink::receive(const std::function<void(const nlmsghdr&)>& take) const {
  alignas(nlmsghdr) char buffer[32 * 1024];
  for (;;) {
    ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0 ? EIO : errno;
    auto left = static_cast<std::uint32_t>(count);
    auto* message = reinterpret_cast<nlmsghdr*>(buffer);
    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return 0;
      if (message->nlmsg_type == NLMSG_ERROR) return -reinterpret_cast<nlmsgerr*>(NLMSG_DATA(message))->error;
      take(*message);
    }
  }
}

void Netlink::ask(Request request, const std::string& doing) const {
  auto* header = reinterpret_cast<nlmsghdr*>(request.bytes().data());
  header->nlmsg_flags |= NLM_F_ACK;
  send(request);
  int error = receive([](const nlmsghdr&) {});
  if (error != 0) throw Refused(doing, error);
}

void Netlink::each(Request request, const std::function<void(const nlmsghdr&)>& take) const {
  send(request);
  int error = receive(take);
  if (error != 0) throw Refused("cannot ask the kernel", error);
}

}  // namespace standin
