require "json"

# Which machines there are, and the inventory that says so to the installer.
class Cluster
  Machine = Struct.new(:name, :role, :address, :memory)

  attr_reader :settings, :machines

  def initialize(settings)
    @settings = settings
    names = (1..settings.masters).map { |number| ["master", number, settings.master_memory] } +
            (1..settings.agents).map { |number| ["agent", number, settings.agent_memory] }
    @machines = names.each.with_index(101).map do |(role, number, memory), place|
      Machine.new("#{role}-#{number}", role, "#{settings.subnet}.#{place}", memory)
    end
  end

  # The inventory's text; the block gives the private key of each machine.
  def inventory(release:, packages:, user:)
    containerizers = settings.containerizers.split(",").map { |name| quote(name.strip) }.join(", ")
    <<~HEAD + machines.map { |machine| host(machine, yield(machine)) }.join
      # Written by `vagrant up` and `vagrant provision`, anew each time.

      [cluster]
      name = "vagrant"
      release = #{quote(release)}
      containerizers = [#{containerizers}]

      [packages]
      repo = #{quote(packages)}

      [ssh]
      user = #{quote(user)}
      known_hosts = "known_hosts"
    HEAD
  end

  # A script that lets a machine find all of them by name, itself by its own address.
  def names
    lines = machines.map { |machine| "#{machine.address} #{machine.name}\n" }.join
    <<~SCRIPT
      set -eu
      begin='# machines of this cluster' end='# end of machines'
      sed -i "/^$begin/,/^$end/d; /^127\\..*[[:space:]]$(hostname)\\([[:space:]]\\|\$\\)/d" /etc/hosts
      printf '%s\\n' "$begin" '#{lines.chomp.gsub("
", "' '")}' "$end" >>/etc/hosts
    SCRIPT
  end

  # Whether Vagrant has no such machine.
  def gone?(name)
    Settings.folder.glob("machines/#{name}/*/id").empty?
  end

  # Where the inventory is.
  def file
    Settings.folder.join("inventory.toml")
  end

  def known_hosts
    Settings.folder.join("known_hosts")
  end

  # Removes what was written for machines that are gone.
  def forget
    [file, known_hosts].each { |path| path.delete if path.exist? }
    settings.forget
  end

  private

  def host(machine, key)
    <<~HOST

      [[hosts]]
      name = #{quote(machine.name)}
      address = #{quote(machine.address)}
      roles = [#{quote(machine.role)}]
      ssh = { identity_file = #{quote(key)} }
    HOST
  end

  # A TOML string is a JSON string.
  def quote(text)
    JSON.generate(text.to_s)
  end
end
