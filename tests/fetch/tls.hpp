#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "fetch/server.hpp"

namespace ganvas::test {

/// A certificate for 127.0.0.1 that nobody has signed but itself, and TLS for the server with it.
class Tls {
 public:
  Tls() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the client has closed
    key_ = EVP_RSA_gen(2048);
    certificate_ = X509_new();
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* address = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate_, address, -1);
    X509_EXTENSION_free(address);
    X509_sign(certificate_, key_, EVP_sha256());
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, certificate_);
    SSL_CTX_use_PrivateKey(context_, key_);
  }
  ~Tls() {
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  void save_certificate(const std::string& path) const {
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate_);
    std::fclose(file);
  }

  Server::Wrap wrap() {
    return [this](int socket) {
      const std::shared_ptr<SSL> ssl(SSL_new(context_), SSL_free);
      SSL_set_fd(ssl.get(), socket);
      if (SSL_accept(ssl.get()) != 1) return Wire{};
      return Wire{[ssl](char* to, std::size_t size) { return SSL_read(ssl.get(), to, static_cast<int>(size)); },
                  [ssl](const char* from, std::size_t size) {
                    return SSL_write(ssl.get(), from, static_cast<int>(std::min<std::size_t>(size, 16384)));
                  },
                  [ssl] { SSL_shutdown(ssl.get()); }};
    };
  }

 private:
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  SSL_CTX* context_ = nullptr;
};

}  // namespace ganvas::test
