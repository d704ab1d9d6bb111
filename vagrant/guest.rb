require "digest"
require "shellwords"
require "tempfile"

# Provisioning from inside the first machine, for people who have nothing but Vagrant.
module CalicoMesosInstall
  class Guest
    # What compiling the tool takes.
    SOURCES = %w[Cargo.toml Cargo.lock inventory.example.toml installer/Cargo.toml installer/build.rs installer/src roles templates specs].freeze

    def initialize(provisioner)
      @provisioner = provisioner
      @machine = provisioner.machines.first.last
    end

    def run
      on("mkdir -p keys && chmod 0700 keys")
      if @provisioner.packages_from_here?
        bring_packages
        bring_tool
      else
        bring_tool
        tool("build --release #{@provisioner.release.shellescape} --out dist")
      end
      bring_inventory
      tool("apply inventory.toml --yes")
      tool("verify inventory.toml")
      @provisioner.say("the cluster works: vagrant ssh #{@machine.name} -c 'cd #{folder} && #{@tool} status inventory.toml'")
    end

    private

    # Below the home of the user that Vagrant logs in as.
    def folder
      "/home/#{user}/cluster"
    end

    def user
      @machine.ssh_info[:username]
    end

    # The release's packages, without their sources and reports.
    def bring_packages
      @provisioner.build_packages
      here = @provisioner.packages
      files = here.glob("#{@provisioner.release}/*/*/build.json").flat_map { |made| made.dirname.children.select(&:file?) }
      bring(files.to_h { |file| ["dist/#{file.relative_path_from(here)}", file] }, instead_of: "dist")
    end

    # The binary that the settings name, else the package of the tool, else what these sources are compiled to.
    def bring_tool
      package = own_package
      @tool = "./#{Provisioner::NAME}"
      if @provisioner.named
        bring({ Provisioner::NAME => @provisioner.named }, instead_of: Provisioner::NAME)
        on("chmod 0755 #{@tool}")
      elsif package
        @tool = Provisioner::NAME
        install(package)
      else
        upload(File.expand_path("guest-setup", __dir__), "guest-setup")
        on("sudo sh guest-setup")
        SOURCES.each { |path| upload(@provisioner.checkout.join(path), "source/#{path}") }
        on("cd source && cargo build --release --locked && cp target/release/#{Provisioner::NAME} ..")
      end
    end

    # The tool's package among those of the release, below the folder; that of the box's profile if there are several.
    def own_package
      return unless @provisioner.packages_from_here?

      found = @provisioner.packages.glob("#{@provisioner.release}/*/*/#{Provisioner::NAME}-[0-9]*.rpm")
      file = found.find { |path| path.parent.parent.basename.to_s == @provisioner.settings.distro } || found.first
      "dist/#{file.relative_path_from(@provisioner.packages)}" if file
    end

    # The header's digest tells builds of one version apart.
    def install(package)
      identity = "--queryformat '%{SHA256HEADER}'"
      on("[ \"$(rpm -q #{identity} #{Provisioner::NAME})\" = \"$(rpm -qp #{identity} #{package.shellescape})\" ] || " \
         "sudo rpm --upgrade --replacepkgs --oldpackage #{package.shellescape}")
    end

    def bring_inventory
      @provisioner.machines.each { |node, made| upload(@provisioner.private_key(made), "keys/#{node.name}") }
      on("chmod 0600 keys/*")
      write("known_hosts", @provisioner.known_hosts)
      write("inventory.toml", @provisioner.cluster.inventory(release: @provisioner.release, packages: "dist", user: user) { |node| "keys/#{node.name}" })
    end

    def tool(arguments)
      on("#{@tool} #{arguments}")
    end

    def on(command)
      @provisioner.say(command)
      status = @machine.communicate.execute("mkdir -p #{folder} && cd #{folder} && #{command}", error_check: false) do |_, data|
        @machine.ui.info(data, new_line: false, prefix: false)
      end
      raise Failed, "`#{command}` failed on #{@machine.name}, see above. When its cause is gone: `vagrant provision`" unless status.zero?
    end

    # Uploads files, by where they are to be below the folder, in the place of what is there; nothing if they all are
    # there as they are here.
    def bring(files, instead_of:)
      sums = files.map { |to, from| "#{Digest::SHA256.file(from).hexdigest}  #{to}\n" }.join
      return if @machine.communicate.test("cd #{folder} && sha256sum --check --status <<'END'\n#{sums}END")

      folders = files.keys.map { |to| File.dirname(to).shellescape }.uniq
      on("rm -rf #{instead_of} && mkdir -p #{folders.join(' ')}")
      @provisioner.say("uploading #{instead_of}")
      files.each { |to, from| @machine.communicate.upload(from.to_s, "#{folder}/#{to}") }
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
