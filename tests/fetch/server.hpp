#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ganvas::test {

struct Request {
  std::string target;                          ///< path, or the whole URL when this server is a proxy
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::size_t send = std::string::npos;  ///< close after so many bytes of the body
  bool hang = false;                     ///< then keep the connection open and silent
  bool tell_length = true;
};

/// Bytes in and out of one connection; TLS puts itself in between.
struct Wire {
  std::function<long(char*, std::size_t)> read;
  std::function<long(const char*, std::size_t)> write;
  std::function<void()> end = [] {};
};

/// An HTTP/1.1 server on 127.0.0.1, one connection after the other, each for one request.
class Server {
 public:
  using Handler = std::function<Answer(const Request&)>;
  using Wrap = std::function<Wire(int socket)>;

  explicit Server(Handler handler, Wrap wrap = plain) : handler_(std::move(handler)), wrap_(std::move(wrap)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, generic, &length) != 0)
      std::abort();
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string url(const std::string& path, const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  static Wire plain(int socket) {
    return {[socket](char* to, std::size_t size) { return ::recv(socket, to, size, 0); },
            [socket](const char* from, std::size_t size) { return ::send(socket, from, size, MSG_NOSIGNAL); }};
  }

  void serve() {
    while (!stopping_) {
      const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      const Wire wire = wrap_(socket);
      if (Request request; wire.read && receive(wire, request)) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        answer(socket, wire, handler_(request));
        wire.end();
      }
      ::close(socket);
    }
  }

  static bool receive(const Wire& wire, Request& request) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const long got = wire.read(buffer, sizeof buffer);
      if (got <= 0) return false;
      text.append(buffer, static_cast<std::size_t>(got));
      if (text[0] == '\x16') return false;  // TLS where plain text should be
    }
    const std::size_t from = text.find(' ') + 1;
    request.target = text.substr(from, text.find(' ', from) - from);
    for (std::size_t at = text.find("\r\n") + 2; at < text.size() && text[at] != '\r';) {
      const std::size_t colon = text.find(": ", at), end = text.find("\r\n", at);
      std::string name = text.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = text.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    return true;
  }

  void answer(int socket, const Wire& wire, const Answer& answer) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " whatever\r\nConnection: close\r\n";
    for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
    if (answer.tell_length) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    text += "\r\n" + answer.body.substr(0, answer.send);
    for (std::size_t sent = 0; sent < text.size();) {
      const long put = wire.write(text.data() + sent, text.size() - sent);
      if (put <= 0) return;
      sent += static_cast<std::size_t>(put);
    }
    // The other side goes first, or the test ends.
    char byte = 0;
    while (answer.hang && !stopping_ && ::recv(socket, &byte, 1, MSG_DONTWAIT) != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  Handler handler_;
  Wrap wrap_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

/// A file as a good server gives it: in parts when asked for, whole when the asker holds another version.
inline Answer give_file(const Request& request, const std::string& body, const std::string& etag = "\"v1\"") {
  Answer answer;
  if (!etag.empty()) answer.headers.emplace_back("ETag", etag);
  const std::string range = request.header("range"), if_range = request.header("if-range");
  if (!range.starts_with("bytes=") || (!if_range.empty() && if_range != etag)) {
    answer.body = body;
    return answer;
  }
  const std::size_t from = std::strtoull(range.c_str() + 6, nullptr, 10);
  if (from >= body.size()) {
    answer.status = 416;
    return answer;
  }
  answer.status = 206;
  answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) +
                                                   "/" + std::to_string(body.size()));
  answer.body = body.substr(from);
  return answer;
}

}  // namespace ganvas::test
