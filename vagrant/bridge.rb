# The bridge between the machines of the provider lxc; the other providers make their own networks.
module Bridge
  module_function

  # At most 15 characters, and another for each subnet.
  def name(settings)
    "cmi#{settings.subnet.split('.').map { |number| format('%02x', number.to_i) }.join}"
  end

  def raise(settings)
    return if exists?(settings)

    ip("link", "add", name(settings), "type", "bridge")
    ip("addr", "add", "#{settings.subnet}.1/24", "dev", name(settings))
    ip("link", "set", name(settings), "up")
  end

  # Unless a machine is still plugged in.
  def remove(settings)
    return unless exists?(settings) && Dir.empty?("/sys/class/net/#{name(settings)}/brif")

    ip("link", "delete", name(settings))
  end

  def exists?(settings)
    Dir.exist?("/sys/class/net/#{name(settings)}")
  end

  def ip(*arguments)
    system("sudo", "ip", *arguments) || Kernel.raise("`ip #{arguments.join(' ')}` failed, see above")
  end
end
