#include "addresses.hpp"

#include <algorithm>

namespace standin {

using nlohmann::json;

namespace {

// Beside Calico's blocks of addresses, which are at …/block.
const std::string given_folder = "/calico/ipam/v2/assignment/ipv4/address";

}  // namespace

void check_addresses(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    if (!address_of(address)) throw Failed("'" + address + "' is not an IPv4 address");
  }
}

bool Addresses::claim(const std::string& address, const std::string& handle) const {
  return etcd_.create(given_folder + "/" + address, json{{"host", host_}, {"handle", handle}}.dump());
}

std::vector<std::string> Addresses::take(const std::vector<Pool>& pools, std::size_t count,
                                         const std::string& handle) const {
  std::vector<std::string> given;
  auto known = etcd_.below(given_folder);
  for (const Pool& pool : pools) {
    if (!pool.gives) continue;
    // Neither the network's own address nor the broadcast address is given out.
    for (std::uint32_t next = pool.network.first + 1; next < pool.network.last && given.size() < count; ++next) {
      std::string address = text_of(next);
      // Who is not known to have it may have taken it since: then the next one is tried.
      if (known.count(address) == 0 && claim(address, handle)) given.push_back(address);
    }
  }
  if (given.size() < count) {
    release(given);
    throw Failed(pools.empty() ? "there is no pool of addresses in etcd" : "the pools have no free address left");
  }
  return given;
}

void Addresses::reserve(const std::vector<std::string>& addresses, const std::string& handle) const {
  check_addresses(addresses);
  auto all = pools(etcd_);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    bool in_pool = std::any_of(all.begin(), all.end(), [&](const Pool& pool) {
      return pool.network.holds(*address_of(addresses[i]));
    });
    if (in_pool && claim(addresses[i], handle)) continue;
    release({addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(i)});
    throw Failed("the address " + addresses[i] + (in_pool ? " is already in use" : " is in none of the pools"));
  }
}

void Addresses::release(const std::vector<std::string>& addresses) const {
  check_addresses(addresses);
  for (const std::string& address : addresses) etcd_.remove(given_folder + "/" + address);
}

void Addresses::release_handle(const std::string& handle) const {
  for (const auto& [address, value] : etcd_.below(given_folder)) {
    json owner = json::parse(value, nullptr, false);
    if (owner.is_object() && owner.value("handle", "") == handle) release({address});
  }
}

bool Addresses::taken(const std::string& address) const { return etcd_.get(given_folder + "/" + address).has_value(); }

}  // namespace standin
