# Provisioning from inside the first machine, for people who have nothing but Vagrant.
module CalicoMesosInstall
  class Guest
    # What compiling the tool takes.
    SOURCES = %w[Cargo.toml Cargo.lock inventory.example.toml installer roles templates specs vagrant/guest-setup].freeze

    def initialize(provisioner)
      @provisioner = provisioner
      @machine = provisioner.machines.first.last
    end

    def run
      on("mkdir -p #{folder}/keys && chmod 0700 #{folder}/keys")
      bring_tool
      bring_packages
      bring_inventory
      tool("apply inventory.toml --yes")
      tool("verify inventory.toml")
      @provisioner.say("the cluster works: vagrant ssh #{@machine.name} -c 'cd #{folder} && ./calico-mesos-install status inventory.toml'")
    end

    private

    # Below the home of the user that Vagrant logs in as.
    def folder
      "/home/#{user}/cluster"
    end

    def user
      @machine.ssh_info[:username]
    end

    def bring_tool
      named = @provisioner.settings.tool
      if named.empty?
        SOURCES.each { |path| upload(@provisioner.checkout.join(path), "source/#{path}") }
        on("sudo sh source/vagrant/guest-setup && cd source && cargo build --release --locked && cp target/release/calico-mesos-install ..")
      else
        upload(named, "calico-mesos-install")
      end
      on("chmod 0755 calico-mesos-install")
    end

    def bring_packages
      if @provisioner.own_packages?
        upload(@provisioner.packages, "dist")
      else
        tool("build --release #{@provisioner.release} --out dist")
      end
    end

    def bring_inventory
      @provisioner.machines.each { |node, made| upload(@provisioner.private_key(made), "keys/#{node.name}") }
      on("chmod 0600 keys/*")
      write("known_hosts", @provisioner.known_hosts)
      write("inventory.toml", @provisioner.cluster.inventory(release: @provisioner.release, packages: "dist", user: user) { |node| "keys/#{node.name}" })
    end

    def tool(arguments)
      on("./calico-mesos-install #{arguments}")
    end

    def on(command)
      @provisioner.say(command)
      @machine.communicate.execute("mkdir -p #{folder} && cd #{folder} && #{command}") do |_, data|
        @machine.ui.info(data, new_line: false, prefix: false)
      end
    end

    # A file as `to`, or what is in a folder into the folder `to`.
    def upload(from, to)
      target = "#{folder}/#{to}"
      is_folder = File.directory?(from)
      @machine.communicate.execute("mkdir -p #{is_folder ? target : File.dirname(target)}")
      @machine.communicate.upload(is_folder ? "#{from}/." : from.to_s, target)
    end

    def write(name, text)
      file = Tempfile.new(name)
      file.write(text)
      file.close
      upload(file.path, name)
    ensure
      file&.close!
    end
  end
end
