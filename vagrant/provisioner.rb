require_relative "guest"

# The one thing that Vagrant has to be taught: to run the installer once all machines are up.
module CalicoMesosInstall
  class Plugin < Vagrant.plugin("2")
    name "calico-mesos-install"

    config(:calico_mesos_install, :provisioner) { Config }
    provisioner(:calico_mesos_install) { Provisioner }
  end

  class Config < Vagrant.plugin("2", :config)
    attr_accessor :cluster
  end

  # What failed, and what to do about it.
  class Failed < Settings::Mistake
  end

  class Provisioner < Vagrant.plugin("2", :provisioner)
    NAME = "calico-mesos-install".freeze

    def provision
      settings.provision_from == "guest" ? Guest.new(self).run : on_host
    end

    def cluster
      config.cluster
    end

    def settings
      cluster.settings
    end

    # The release of the provider's box.
    def release
      settings.release_of(machine.provider_name).first
    end

    # Every machine of the cluster, with what Vagrant knows of it.
    def machines
      cluster.machines.map do |node|
        [node, node.name == machine.name.to_s ? machine : machine.env.machine(node.name.to_sym, machine.provider_name)]
      end
    end

    # The machines' host keys, asked for on the connections that Vagrant has anyway.
    def known_hosts
      machines.map { |node, made| "#{node.address} #{host_key(made)}\n" }.join
    end

    def private_key(made)
      made.ssh_info[:private_key_path].first
    end

    def checkout
      Pathname.new("..").expand_path(__dir__)
    end

    # Where the packages are, or are to be.
    def packages
      Pathname.new(own_packages? ? settings.packages : "../dist").expand_path(__dir__)
    end

    # Whether they are on this machine before the installer runs. The box of lxc has no compiler to build them with.
    def packages_from_here?
      own_packages? || lxc?
    end

    # Builds what there is to install, unless somebody else has.
    def build_packages
      run(tool, "build", "--release", release, "--out", packages.to_s, *for_box) unless own_packages?
    end

    # The tool that the settings name, if they do.
    def named
      File.expand_path(settings.tool, __dir__) unless settings.tool.empty?
    end

    def say(text)
      machine.ui.info(text)
    end

    private

    # Whether somebody else has built them.
    def own_packages?
      !settings.packages.empty?
    end

    def lxc?
      machine.provider_name == :lxc
    end

    def on_host
      build_packages
      cluster.known_hosts.write(known_hosts)
      keys = machines.to_h { |node, made| [node.name, private_key(made)] }
      cluster.file.write(
        cluster.inventory(release: release, packages: packages, user: machine.ssh_info[:username]) { |node| keys[node.name] }
      )
      run(tool, "apply", cluster.file.to_s, "--yes")
      run(tool, "verify", cluster.file.to_s)
      say("the cluster works: #{tool} status #{cluster.file}")
    end

    # How packages are built that are for the box, and not for the machine that Vagrant runs on.
    def for_box
      lxc? ? [] : ["--distro", settings.distro, "--backend", "container"]
    end

    def host_key(made)
      line = ""
      made.communicate.sudo("cat /etc/ssh/ssh_host_ed25519_key.pub") { |kind, data| line << data if kind == :stdout }
      line.split.first(2).join(" ")
    end

    # The tool: what the settings name, else what this checkout was built to, else what is installed.
    def tool
      @tool ||= named || built || installed || build
    end

    def built
      %w[release debug].map { |profile| checkout.join("target", profile, NAME) }.find(&:executable?)&.to_s
    end

    def installed
      Vagrant::Util::Which.which(NAME)
    end

    def build
      run("cargo", "build", "--locked", "--manifest-path", checkout.join("Cargo.toml").to_s)
      checkout.join("target", "debug", NAME).to_s
    end

    # Runs a program on the terminal that Vagrant has.
    def run(*command)
      say(command.join(" "))
      done = Vagrant::Util::Env.with_original_env { system(*command) }
      raise Failed, "`#{command.join(' ')}` failed, see above. When its cause is gone: `vagrant provision`" unless done
    end
  end
end
