#include "network.hpp"

#include <stdexcept>

#include "log.hpp"
#include "text.hpp"

namespace standin {

using nlohmann::json;

namespace {
// No answer of a plugin may be longer.
constexpr std::size_t longest_answer = 40 * 1024;
}  // namespace

Network::Network(const Flags& flags, const Modules& modules) {
  for (const auto& name : flags.names("isolation")) {
    if (modules.has_isolator(name)) isolator_ = modules.isolator(name);
  }
  hooked_ = !flags.names("hooks").empty();
}

json Network::call(const char* command, const json& args) const {
  std::string answer(longest_answer, '\0');
  bool ran = isolator_(command, args.dump().c_str(), answer.data(), answer.size());
  answer.resize(std::char_traits<char>::length(answer.c_str()));
  if (!ran) throw std::runtime_error(std::string(command) + ": " + answer);
  json told = json::parse(answer, nullptr, false);
  if (!told.is_object()) {
    throw std::runtime_error(std::string(command) + ": the plugin has answered with " +
                             (trim(answer).empty() ? "nothing" : "what is no JSON object"));
  }
  json error = told.value("error", json());
  if (error.is_string() && !error.get<std::string>().empty()) throw std::runtime_error(error.get<std::string>());
  return told;
}

// The name of the host is the hook's to add: without it the plugin says "Missing hostname".
json Network::common(const json& infos) const {
  json args = {{"netgroups", json::array()}, {"labels", json::array()}};
  if (hooked_) args["hostname"] = host_name();
  for (const json& info : infos) {
    for (const json& group : info.value("groups", json::array())) args["netgroups"].push_back(group);
    for (const json& label : info.value("/labels/labels"_json_pointer, json::array())) args["labels"].push_back(label);
  }
  return args;
}

std::vector<std::string> Network::allocate(const json& infos, const std::string& container) const {
  std::vector<std::string> asked;
  int any = 0;
  for (const json& info : infos) {
    for (const json& address : info.value("ip_addresses", json::array())) {
      std::string text = address.value("ip_address", "");
      if (text.empty()) {
        ++any;
      } else {
        asked.push_back(text);
      }
    }
  }
  json args = common(infos);
  args["uid"] = container;
  if (!asked.empty()) {
    args["ipv4_addrs"] = asked;
    call("reserve", args);
    args.erase("ipv4_addrs");
  }
  if (any == 0) return asked;
  args["num_ipv4"] = any;
  args["num_ipv6"] = 0;
  json given = call("allocate", args).value("ipv4", json::array());
  for (const json& address : given) asked.push_back(address.get<std::string>());
  if (given.empty()) throw std::runtime_error("allocate: the plugin has given no address");
  return asked;
}

void Network::isolate(const json& infos, const std::string& container, int pid,
                      const std::vector<std::string>& addresses) const {
  json args = common(infos);
  args["container_id"] = container;
  args["ipv4_addrs"] = addresses;
  args["ipv6_addrs"] = json::array();
  args["pid"] = pid;
  call("isolate", args);
}

void Network::cleanup(const std::string& container) const {
  json args = {{"container_id", container}};
  if (hooked_) args["hostname"] = host_name();
  call("cleanup", args);
}

void Network::release(const std::string& container) const { call("release", {{"uid", container}}); }

}  // namespace standin
