#include "address_calls.hpp"

#include "addresses.hpp"

namespace standin {

using nlohmann::json;

namespace {

// Stands for all pools, where a network names none.
const std::string any_pool = "CalicoPoolIPv4";

json spaces(const Etcd&, const json&) {
  return {{"LocalDefaultAddressSpace", "CalicoLocalAddressSpace"},
          {"GlobalDefaultAddressSpace", "CalicoGlobalAddressSpace"}};
}

json request_pool(const Etcd& etcd, const json& args) {
  if (args.value("V6", false)) throw Failed("the stand-in has no IPv6 pools");
  if (!args.value("SubPool", "").empty()) throw Failed("Calico IPAM does not support sub pool configuration");
  std::string pool = args.value("Pool", "");
  if (!pool.empty() && !pool_at(etcd, pool)) {
    throw Failed("The requested subnet must match the CIDR of a configured Calico IP Pool.");
  }
  // The gateway is a dummy, as with Calico: Docker asks for none then.
  return {{"PoolID", pool.empty() ? any_pool : pool},
          {"Pool", "0.0.0.0/0"},
          {"Data", {{"com.docker.network.gateway", "0.0.0.0/0"}}}};
}

json request_address(const Etcd& etcd, const json& args) {
  Addresses addresses(etcd, hostname());
  std::string wanted = args.value("Address", ""), id = args.value("PoolID", any_pool);
  if (!wanted.empty()) {
    addresses.reserve({wanted}, "");
    return {{"Address", wanted + "/32"}, {"Data", json::object()}};
  }
  auto from = pools(etcd);
  if (id != any_pool) {
    auto pool = pool_at(etcd, id);
    if (!pool) throw Failed("The network references a Calico pool which has been deleted.");
    from = {*pool};
  }
  return {{"Address", addresses.take(from, 1, "").front() + "/32"}, {"Data", json::object()}};
}

json release_address(const Etcd& etcd, const json& args) {
  Addresses(etcd, hostname()).release({args.at("Address").get<std::string>()});
  return json::object();
}

}  // namespace

const Calls& address_calls() {
  static const Calls calls = {
      {"GetCapabilities", [](const Etcd&, const json&) { return json{{"RequiresMACAddress", false}}; }},
      {"GetDefaultAddressSpaces", spaces},
      {"RequestPool", request_pool},
      {"ReleasePool", [](const Etcd&, const json&) { return json::object(); }},
      {"RequestAddress", request_address},
      {"ReleaseAddress", release_address},
  };
  return calls;
}

}  // namespace standin
