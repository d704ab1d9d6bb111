// The flags of mesos-master and mesos-slave at 0.28, with the standard values that matter here.

#include "flags.hpp"

namespace standin {

namespace {

std::vector<Flag> both() {
  return {
      {"help", Kind::Bool, "false"},
      {"version", Kind::Bool, "false"},
      {"ip", Kind::Address},
      {"port", Kind::Port},
      {"advertise_ip", Kind::Address},
      {"advertise_port", Kind::Port},
      {"ip_discovery_command", Kind::Text},
      {"hostname", Kind::Text},
      {"hostname_lookup", Kind::Bool, "true"},
      {"firewall_rules", Kind::Path},
      {"modules", Kind::Text},
      {"hooks", Kind::Names},
      {"quiet", Kind::Bool, "false"},
      {"logging_level", Kind::Key, "INFO", {"INFO", "WARNING", "ERROR"}},
      {"log_dir", Kind::Text},
      {"logbufsecs", Kind::Integer, "0"},
      {"initialize_driver_logging", Kind::Bool, "true"},
      {"external_log_file", Kind::Text},
  };
}

std::vector<Flag> with_both(std::vector<Flag> own) {
  auto all = both();
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

}  // namespace

std::vector<Flag> master_flags() {
  return with_both({
      {"zk", Kind::Text},
      {"quorum", Kind::Integer},
      {"work_dir", Kind::Text},
      {"cluster", Kind::Text},
      {"registry", Kind::Key, "replicated_log", {"replicated_log", "in_memory"}},
      {"registry_fetch_timeout", Kind::Duration, "1mins"},
      {"registry_store_timeout", Kind::Duration, "20secs"},
      {"registry_strict", Kind::Bool, "false"},
      {"zk_session_timeout", Kind::Duration, "10secs"},
      {"log_auto_initialize", Kind::Bool, "true"},
      {"root_submissions", Kind::Bool, "true"},
      {"slave_reregister_timeout", Kind::Duration, "10mins"},
      {"recovery_slave_removal_limit", Kind::Text},
      {"slave_removal_rate_limit", Kind::Text},
      {"slave_ping_timeout", Kind::Duration, "15secs"},
      {"max_slave_ping_timeouts", Kind::Integer, "5"},
      {"webui_dir", Kind::Text},
      {"whitelist", Kind::Path},
      {"user_sorter", Kind::Text, "drf"},
      {"framework_sorter", Kind::Text, "drf"},
      {"allocation_interval", Kind::Duration, "1secs"},
      {"allocator", Kind::Text, "HierarchicalDRF"},
      {"roles", Kind::Names},
      {"weights", Kind::Text},
      {"authenticate", Kind::Bool, "false"},
      {"authenticate_slaves", Kind::Bool, "false"},
      {"authenticate_http", Kind::Bool, "false"},
      {"authenticators", Kind::Text, "crammd5"},
      {"http_authenticators", Kind::Text, "basic"},
      {"authorizers", Kind::Text, "local"},
      {"credentials", Kind::Path},
      {"acls", Kind::Path},
      {"rate_limits", Kind::Path},
      {"max_executors_per_slave", Kind::Integer},
      {"offer_timeout", Kind::Duration},
      {"max_completed_frameworks", Kind::Integer, "50"},
      {"max_completed_tasks_per_framework", Kind::Integer, "1000"},
  });
}

std::vector<Flag> slave_flags() {
  return with_both({
      {"master", Kind::Text},
      {"work_dir", Kind::Text, "/tmp/mesos"},
      {"attributes", Kind::Text},
      {"resources", Kind::Text},
      {"default_role", Kind::Text, "*"},
      {"containerizers", Kind::Keys, "mesos", {"mesos", "docker", "external"}},
      {"containerizer_path", Kind::Text},
      {"isolation", Kind::Names, "posix/cpu,posix/mem"},
      {"launcher", Kind::Key, "", {"linux", "posix"}},
      {"launcher_dir", Kind::Text, PKGLIBEXECDIR},
      {"image_providers", Kind::Keys, "", {"appc", "docker"}},
      {"image_provisioner_backend", Kind::Key, "copy", {"bind", "copy"}},
      {"appc_simple_discovery_uri_prefix", Kind::Text, "http://"},
      {"appc_store_dir", Kind::Text, "/tmp/mesos/store/appc"},
      {"docker", Kind::Text, "docker"},
      {"docker_kill_orphans", Kind::Bool, "true"},
      {"docker_mesos_image", Kind::Text},
      {"docker_registry", Kind::Text},
      {"docker_remove_delay", Kind::Duration, "6hrs"},
      {"docker_socket", Kind::Text, "/var/run/docker.sock"},
      {"docker_stop_timeout", Kind::Duration, "0ns"},
      {"docker_store_dir", Kind::Text, "/tmp/mesos/store/docker"},
      {"default_container_image", Kind::Text},
      {"default_container_info", Kind::Text},
      {"sandbox_directory", Kind::Text, "/mnt/mesos/sandbox"},
      {"switch_user", Kind::Bool, "true"},
      {"frameworks_home", Kind::Text},
      {"hadoop_home", Kind::Text},
      {"fetcher_cache_dir", Kind::Text, "/tmp/mesos/fetch"},
      {"fetcher_cache_size", Kind::Text, "2GB"},
      {"registration_backoff_factor", Kind::Duration, "1secs"},
      {"executor_environment_variables", Kind::Text},
      {"executor_registration_timeout", Kind::Duration, "1mins"},
      {"executor_shutdown_grace_period", Kind::Duration, "5secs"},
      {"gc_delay", Kind::Duration, "1weeks"},
      {"gc_disk_headroom", Kind::Number, "0.1"},
      {"disk_watch_interval", Kind::Duration, "1mins"},
      {"container_disk_watch_interval", Kind::Duration, "15secs"},
      {"enforce_container_disk_quota", Kind::Bool, "false"},
      {"container_logger", Kind::Text},
      {"recover", Kind::Key, "reconnect", {"cleanup", "reconnect"}},
      {"recovery_timeout", Kind::Duration, "15mins"},
      {"strict", Kind::Bool, "true"},
      {"cgroups_hierarchy", Kind::Text, "/sys/fs/cgroup"},
      {"cgroups_root", Kind::Text, "mesos"},
      {"cgroups_enable_cfs", Kind::Bool, "false"},
      {"cgroups_limit_swap", Kind::Bool, "false"},
      {"cgroups_cpu_enable_pids_and_tids_count", Kind::Bool, "false"},
      {"cgroups_net_cls_primary_handle", Kind::Text},
      {"cgroups_net_cls_secondary_handles", Kind::Text},
      {"slave_subsystems", Kind::Names},
      {"perf_events", Kind::Names},
      {"perf_interval", Kind::Duration, "1mins"},
      {"perf_duration", Kind::Duration, "10secs"},
      {"revocable_cpu_low_priority", Kind::Bool, "true"},
      {"systemd_enable_support", Kind::Bool, "true"},
      {"systemd_runtime_directory", Kind::Text, "/run/systemd/system"},
      {"credential", Kind::Path},
      {"authenticatee", Kind::Text, "crammd5"},
      {"resource_estimator", Kind::Text},
      {"qos_controller", Kind::Text},
      {"qos_correction_interval_min", Kind::Duration, "0ns"},
      {"oversubscribed_resources_interval", Kind::Duration, "15secs"},
  });
}

}  // namespace standin
