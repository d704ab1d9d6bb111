#include "pool.hpp"

namespace standin {

using nlohmann::json;

namespace {

const std::string pool_folder = "/calico/v1/ipam/v4/pool";

std::string pool_key(std::string cidr) {
  std::size_t slash = cidr.find('/');
  if (slash != std::string::npos) cidr[slash] = '-';
  return pool_folder + "/" + cidr;
}

std::optional<Pool> parse_pool(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  std::string cidr = value.is_object() ? value.value("cidr", "") : "";
  auto network = Network::of(cidr);
  if (!network) return std::nullopt;
  bool gives = value.value("ipam", true) && !value.value("disabled", false);
  return Pool{cidr, *network, value.contains("ipip"), value.value("masquerade", false), gives};
}

}  // namespace

std::vector<Pool> pools(const Etcd& etcd) {
  std::vector<Pool> all;
  for (const auto& [key, value] : etcd.below(pool_folder)) {
    if (auto pool = parse_pool(value)) all.push_back(*pool);
  }
  return all;
}

std::optional<Pool> pool_at(const Etcd& etcd, const std::string& cidr) {
  auto value = etcd.get(pool_key(cidr));
  return value ? parse_pool(*value) : std::nullopt;
}

void put_pool(const Etcd& etcd, const Pool& pool) {
  json value = {{"cidr", pool.cidr}};
  if (pool.ipip) value["ipip"] = "tunl0";
  if (pool.nat_outgoing) value["masquerade"] = true;
  etcd.put(pool_key(pool.cidr), value.dump());
}

bool remove_pool(const Etcd& etcd, const std::string& cidr) { return etcd.remove(pool_key(cidr)); }

}  // namespace standin
