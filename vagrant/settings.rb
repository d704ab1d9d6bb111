require "did_you_mean"
require "json"

# What the cluster is to be like. The environment goes before what it said when the machines were made, and that
# before the Vagrantfile.
class Settings
  # A setting that cannot be; shown without a stack trace.
  class Mistake < Vagrant::Errors::VagrantError
    def initialize(message)
      @message = message
      super()
    end

    def error_message
      @message
    end
  end

  def initialize(defaults)
    @known = defaults.keys.map(&:to_s)
    refuse_misspelt
    defaults.each do |name, default|
      text = from_environment[name.to_s]
      value = text.nil? ? default : read(name, text, default)
      define_singleton_method(name) { value }
    end
    check
  end

  # Where Vagrant keeps what it knows of these machines.
  def self.folder
    Pathname.new(ENV["VAGRANT_DOTFILE_PATH"] || ".vagrant").expand_path(__dir__)
  end

  # Keeps what the environment says for the commands to come.
  def remember
    return forget if from_environment.empty?

    self.class.folder.mkpath
    file.write(JSON.pretty_generate(from_environment) + "\n")
  end

  def forget
    file.delete if file.exist?
  end

  # The release of a provider's box, and the setting that says so.
  def release_of(provider)
    provider == :lxc ? [lxc_release, :lxc_release] : [release, :release]
  end

  # Refuses what names a file that is not there. Machines can be destroyed without it.
  def check_files(provider)
    wanted, name = release_of(provider)
    if packages.empty?
      refuse(name, "give one of #{data('releases').join(', ')}") unless data("releases").include?(wanted)
    elsif Pathname.new(packages).expand_path(__dir__).glob("#{wanted}/*/*/build.json").empty?
      refuse(:packages, "no packages of release #{wanted} are there; " \
                        "`calico-mesos-install build --release #{wanted} --out #{packages}` puts them there")
    end
    refuse(:distro, "give one of #{data('distros').join(', ')}") unless data("distros").include?(distro)
    refuse(:tool, "there is no such program") unless tool.empty? || program?(tool)
  end

  private

  PREFIX = "CLUSTER_".freeze

  def file
    self.class.folder.join("settings.json")
  end

  # One that is empty goes back to the Vagrantfile's.
  def from_environment
    @from_environment ||= remembered.merge(
      ENV.select { |name, _| name.start_with?(PREFIX) }
         .transform_keys { |name| name.delete_prefix(PREFIX).downcase }
         .slice(*@known)
    ).reject { |_, text| text.empty? }
  end

  def remembered
    file.exist? ? JSON.parse(file.read) : {}
  end

  def read(name, text, default)
    return text unless default.is_a?(Integer)

    Integer(text, 10, exception: false) || raise(Mistake, "CLUSTER_#{name.to_s.upcase} is #{text.inspect}: give a whole number")
  end

  # Other programs have variables that begin with CLUSTER_, too: only what is nearly a setting is a mistake.
  def refuse_misspelt
    names = ENV.keys.select { |name| name.start_with?(PREFIX) }.map { |name| name.delete_prefix(PREFIX).downcase }
    (names - @known).each do |name|
      meant = DidYouMean::SpellChecker.new(dictionary: @known).correct(name).first
      raise Mistake, "there is no setting #{PREFIX}#{name.upcase}: did you mean #{PREFIX}#{meant.upcase}?" if meant
    end
  end

  def check
    refuse(:masters, "give an odd number, for example 1 or 3") unless masters.odd? && masters.positive?
    refuse(:agents, "give 0 or more") if agents.negative?
    raise Mistake, "#{masters + agents} machines: the subnet has room for 154" if masters + agents > 154
    %i[master_memory agent_memory].each { |name| refuse(name, "give MB, at least 256") if public_send(name) < 256 }
    refuse(:cpus, "give 1 or more") unless cpus.positive?
    refuse(:subnet, "give the first three numbers of an address, for example 172.24.197") unless subnet?(subnet)
    refuse(:containerizers, "give mesos, docker or mesos,docker") unless containerizers?(containerizers)
    refuse(:provision_from, "give host or guest") unless %w[host guest].include?(provision_from)
  end

  def refuse(name, remedy)
    raise Mistake, "CLUSTER_#{name.to_s.upcase} is #{public_send(name).inspect}: #{remedy}"
  end

  def subnet?(text)
    text.match?(/\A\d{1,3}(\.\d{1,3}){2}\z/) && text.split(".").all? { |number| number.to_i <= 255 }
  end

  def containerizers?(text)
    names = text.split(",", -1).map(&:strip)
    names.any? && names.uniq == names && (names - %w[mesos docker]).empty?
  end

  # The names of the data files of a kind, in all folders where the tool looks for them.
  def data(kind)
    folders = ["..", ENV["CALICO_MESOS_INSTALL_DATA"], "/etc/calico-mesos-install", "/usr/share/calico-mesos-install"].compact
    files = folders.flat_map { |folder| Pathname.new(folder).expand_path(__dir__).glob("specs/#{kind}/*.toml") }
    files.map { |path| path.basename(".toml").to_s }.uniq.sort
  end

  def program?(path)
    full = File.expand_path(path, __dir__)
    File.file?(full) && File.executable?(full)
  end
end
