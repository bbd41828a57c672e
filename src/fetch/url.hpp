#pragma once

#include <string>

namespace ganvas {

/// What must be known of a URL before it is asked for.
struct UrlParts {
  std::string shown;   ///< without user and password, for messages and notes
  std::string scheme;  ///< "http" or "https"
  std::string host;
  bool loopback = false;  ///< this machine itself
};

/// Throws Error(usage) for what is no http or https URL.
UrlParts parse_url(const std::string& url);

}  // namespace ganvas
