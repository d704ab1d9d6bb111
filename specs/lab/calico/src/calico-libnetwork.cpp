// Docker's plugin for networks and their addresses, as far as it can be had without making a network.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "profile.hpp"

using nlohmann::json;

namespace {

const std::string folder = "/run/docker/plugins";

// That a pool that Docker names is one of Calico's.
void check_pool(const Etcd& etcd, const std::string& cidr) {
  if (!cidr.empty() && !etcd.get(pool_key(cidr))) {
    throw Failed("The requested subnet must match the CIDR of a configured Calico IP Pool.");
  }
}

// The answer to a call of the protocol.
json answer(const std::string& call, const json& args) {
  Etcd etcd;
  if (call == "/Plugin.Activate") return {{"Implements", {"NetworkDriver", "IpamDriver"}}};
  if (call == "/NetworkDriver.GetCapabilities") return {{"Scope", "global"}};
  if (call == "/IpamDriver.GetCapabilities") return {{"RequiresMACAddress", false}};
  if (call == "/IpamDriver.GetDefaultAddressSpaces") {
    return {{"LocalDefaultAddressSpace", "CalicoLocalAddressSpace"},
            {"GlobalDefaultAddressSpace", "CalicoGlobalAddressSpace"}};
  }
  if (call == "/IpamDriver.RequestPool") {
    if (args.value("V6", false)) throw Failed("the stand-in has no IPv6 pools");
    if (!args.value("SubPool", "").empty()) throw Failed("Calico IPAM does not support sub pool configuration");
    std::string pool = args.value("Pool", "");
    check_pool(etcd, pool);
    // The gateway is a dummy, as with Calico: Docker asks for none then.
    return {{"PoolID", pool.empty() ? "CalicoPoolIPv4" : pool},
            {"Pool", "0.0.0.0/0"},
            {"Data", {{"com.docker.network.gateway", "0.0.0.0/0"}}}};
  }
  if (call == "/NetworkDriver.CreateNetwork") {
    create_profile(etcd, args.at("NetworkID").get<std::string>());
    return json::object();
  }
  if (call == "/NetworkDriver.DeleteNetwork") {
    etcd.remove(profile_key(args.at("NetworkID").get<std::string>()));
    return json::object();
  }
  for (const char* harmless : {"/IpamDriver.ReleasePool", "/IpamDriver.ReleaseAddress", "/NetworkDriver.DeleteEndpoint",
                               "/NetworkDriver.Leave", "/NetworkDriver.DiscoverNew", "/NetworkDriver.DiscoverDelete"}) {
    if (call == harmless) return json::object();
  }
  if (call == "/NetworkDriver.EndpointOperInfo") return {{"Value", json::object()}};
  throw Failed("this is a stand-in for calico/node-libnetwork: it makes no network, so it cannot do " + call.substr(1));
}

// Reads a request: its path, and as much of a body as it announces. Docker's client says how long its bodies are.
bool receive(int peer, std::string& path, std::string& body) {
  std::string text;
  char buffer[4096];
  std::size_t head = std::string::npos, length = 0;
  while (head == std::string::npos || text.size() < head + 4 + length) {
    ssize_t count = read(peer, buffer, sizeof buffer);
    if (count <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(count));
    if (head == std::string::npos && (head = text.find("\r\n\r\n")) != std::string::npos) {
      std::size_t field = text.find("Content-Length: ");
      length = field < head ? std::stoul(text.substr(field + 16)) : 0;
    }
  }
  std::size_t begin = text.find(' ') + 1;
  path = text.substr(begin, text.find(' ', begin) - begin);
  body = text.substr(head + 4);
  return true;
}

void serve(int peer) {
  std::string path, body, status = "200 OK";
  if (receive(peer, path, body)) {
    json said;
    try {
      said = answer(path, body.empty() ? json::object() : json::parse(body));
    } catch (const std::exception& failure) {
      said = {{"Err", failure.what()}};
      status = "500 Internal Server Error";
    }
    std::cout << path << " " << status << (status[0] == '5' ? " " + said.dump() : "") << std::endl;
    std::string text = said.dump();
    std::string all = "HTTP/1.1 " + status + "\r\nContent-Type: application/vnd.docker.plugins.v1.2+json\r\nConnection: close\r\nContent-Length: " +
                      std::to_string(text.size()) + "\r\n\r\n" + text;
    [[maybe_unused]] ssize_t sent = write(peer, all.data(), all.size());
  }
  close(peer);
}

}  // namespace

int main(int argc, char** argv) {
  const char* version = "calico-libnetwork " VERSION " (stand-in: it makes no network)";
  std::cout << version << std::endl;
  if (argc > 1 && std::string(argv[1]) == "--version") return 0;
  // The first process of a container ends at a signal only if it says so.
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGPIPE, SIG_IGN);
  sockaddr_un here{};
  here.sun_family = AF_UNIX;
  std::string path = folder + "/calico.sock";
  path.copy(here.sun_path, sizeof here.sun_path - 1);
  unlink(path.c_str());
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || listen(listener, 64) != 0) {
    std::cerr << path << " cannot be listened on" << std::endl;
    return 1;
  }
  for (;;) {
    int peer = accept(listener, nullptr, nullptr);
    if (peer >= 0) std::thread(serve, peer).detach();
  }
}
