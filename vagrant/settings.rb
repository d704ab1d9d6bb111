require "json"

# What the cluster is to be like. The environment goes before what it said when the machines were made, and that
# before the Vagrantfile.
class Settings
  def initialize(defaults)
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
    return if from_environment.empty?

    self.class.folder.mkpath
    file.write(JSON.pretty_generate(from_environment) + "\n")
  end

  def forget
    file.delete if file.exist?
  end

  private

  PREFIX = "CLUSTER_".freeze

  def file
    self.class.folder.join("settings.json")
  end

  def from_environment
    @from_environment ||= remembered.merge(
      ENV.select { |name, text| name.start_with?(PREFIX) && !text.empty? }
         .transform_keys { |name| name.delete_prefix(PREFIX).downcase }
    )
  end

  def remembered
    file.exist? ? JSON.parse(file.read) : {}
  end

  def read(name, text, default)
    return text unless default.is_a?(Integer)

    Integer(text, 10, exception: false) || raise("CLUSTER_#{name.to_s.upcase} is #{text.inspect}: give a whole number")
  end

  def check
    raise "#{masters} masters: give an odd number, for example 1 or 3" unless masters.odd? && masters.positive?
    raise "#{agents} agents: give 0 or more" if agents.negative?
    raise "#{masters + agents} machines: the subnet has room for 154" if masters + agents > 154
    raise "the subnet #{subnet.inspect}: give its first three numbers, for example 172.24.197" unless subnet =~ /\A(\d+\.){2}\d+\z/
    raise "provision_from is #{provision_from.inspect}: give host or guest" unless %w[host guest].include?(provision_from)
  end
end
