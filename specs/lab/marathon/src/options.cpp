#include "options.hpp"

#include <set>

#include "text.hpp"

namespace standin {

namespace {

// Source: the page of command line flags in the documentation of Marathon 1.1.
const std::set<std::string> with_value = {
    "master", "zk", "hostname", "http_port", "https_port", "http_address", "https_address", "webui_url",
    "framework_name", "failover_timeout", "mesos_role", "mesos_user", "default_accepted_resource_roles",
    "task_launch_timeout", "task_launch_confirm_timeout", "task_reservation_timeout", "task_lost_expunge_gc",
    "task_lost_expunge_initial_delay", "task_lost_expunge_interval", "reconciliation_initial_delay",
    "reconciliation_interval", "scale_apps_initial_delay", "scale_apps_interval", "local_port_min", "local_port_max",
    "executor", "env_vars_prefix", "enable_features", "event_subscriber", "http_endpoints", "http_credentials",
    "access_control_allow_origin", "artifact_store", "assets_path", "zk_timeout", "zk_session_timeout",
    "zk_max_versions", "zk_max_node_size", "zk_compression_threshold", "max_apps", "max_tasks_per_offer",
    "max_tasks_per_offer_cycle", "launch_tokens", "launch_token_refresh_interval", "offer_matching_timeout",
    "decline_offer_duration", "min_revive_offers_interval", "revive_offers_repetitions", "leader_proxy_connection_timeout",
    "leader_proxy_read_timeout", "on_elected_prepare_timeout", "http_event_callback_slow_consumer_timeout",
    "mesos_authentication_principal", "mesos_authentication_secret_file", "mesos_leader_ui_url", "ssl_keystore_path",
    "ssl_keystore_password", "http_realm", "plugin_dir", "plugin_conf", "reporter_graphite", "reporter_datadog",
    "logging_level", "marathon_store_timeout", "http_max_concurrent_requests", "http_compression",
    "save_tasks_to_launch_timeout",
};
const std::set<std::string> switches = {
    "ha", "disable_ha", "checkpoint", "disable_checkpoint", "zk_compression", "disable_zk_compression", "store_cache",
    "disable_store_cache", "metrics", "disable_metrics", "tracing", "disable_tracing", "disable_http", "help",
    "version", "disable_revive_offers_for_new_apps", "mesos_authentication", "disable_mesos_authentication",
};

}  // namespace

Options Options::parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (!starts_with(argument, "--")) throw Mistake("Excess argument: '" + argument + "'; options are --name value");
    auto equals = argument.find('=');
    std::string name = argument.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    std::string value;
    if (with_value.count(name) != 0) {
      if (equals != std::string::npos) {
        value = argument.substr(equals + 1);
      } else if (++i < argc) {
        value = argv[i];
      } else {
        throw Mistake("Option '" + name + "' needs a value: --" + name + " VALUE");
      }
    } else if (switches.count(name) == 0 || equals != std::string::npos) {
      throw Mistake("Unknown option '" + name + "'");
    }
    if (!options.values_.emplace(name, value).second) throw Mistake("Option '" + name + "' is given more than once");
  }
  return options;
}

std::string Options::get(const std::string& name, const std::string& standard) const {
  auto found = values_.find(name);
  return found == values_.end() ? standard : found->second;
}

int Options::port(const std::string& name, int standard) const {
  if (!has(name)) return standard;
  auto port = parse_integer(get(name));
  if (!port || *port < 1 || *port > 65535) throw Mistake("Bad value '" + get(name) + "' of '" + name + "': not a port");
  return static_cast<int>(*port);
}

}  // namespace standin
