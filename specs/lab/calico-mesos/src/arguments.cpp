#include "arguments.hpp"

#include "addresses.hpp"

namespace standin {

using nlohmann::json;

std::string text_at(const json& args, const char* key) {
  auto found = args.find(key);
  if (found == args.end() || !found->is_string() || found->get<std::string>().empty()) {
    throw Failed(std::string("Missing ") + key);
  }
  return found->get<std::string>();
}

std::vector<std::string> texts_at(const json& args, const char* key) {
  std::vector<std::string> texts;
  auto found = args.find(key);
  if (found == args.end()) return texts;
  if (!found->is_array()) throw Failed(std::string(key) + " must be a list");
  for (const json& item : *found) {
    if (!item.is_string()) throw Failed(std::string(key) + " must hold texts only");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

long count_at(const json& args, const char* key) {
  auto found = args.find(key);
  if (found == args.end()) return 0;
  if (!found->is_number_integer() || found->get<long>() < 0 || found->get<long>() > 256) {
    throw Failed(std::string(key) + " must be a number from 0 to 256");
  }
  return found->get<long>();
}

std::vector<std::string> addresses_at(const json& args) {
  auto addresses = texts_at(args, "ipv4_addrs");
  if (!texts_at(args, "ipv6_addrs").empty()) throw Failed("the stand-in has no IPv6 addresses");
  if (addresses.empty()) throw Failed("Must provide at least one IPv4 or IPv6 address.");
  check_addresses(addresses);
  return addresses;
}

void check_labels(const json& args) {
  auto found = args.find("labels");
  if (found == args.end()) return;
  bool good = found->is_array();
  for (const json& label : good ? *found : json::array()) {
    good = good && label.is_object() && label.contains("key") && label["key"].is_string();
  }
  if (!good) throw Failed("labels must be a list of objects with key and value");
}

}  // namespace standin
