#include "state.hpp"

#include "host.hpp"

namespace standin {

State read_state(const Etcd& etcd) {
  State state{addresses_of_hosts(etcd), endpoints(etcd), {}, pools(etcd)};
  for (Profile& profile : profiles(etcd)) state.profiles[profile.name] = profile;
  return state;
}

}  // namespace standin
