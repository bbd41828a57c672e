#pragma once

#include <string>

namespace ganvas {

/// This machine's address as `host` sees it, in numbers ("10.0.0.2", "fe80::1%eth0"): that of the interface through
/// which the system would send to it; nothing is sent. Empty where the host has no address or can't be reached.
std::string own_address_towards(const std::string& host, int port);

}  // namespace ganvas
