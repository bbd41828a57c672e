#pragma once

#include <string>
#include <vector>

/// Everywhere `model`, `a` and `b` are files or shipped names.
namespace ganvas::cli {

struct ModelInfoRequest {
  std::string model;
  bool json = false;
  bool trust = false;  ///< TorchScript programs may do anything
};

struct ModelListRequest {
  bool json = false;
};

struct ModelConvertRequest {
  std::string model, out;
  bool half = false;
  bool force = false;  ///< replace what is there
};

struct ModelBlendRequest {
  std::string a, b, out;
  double weight = 0.5;
  bool force = false;  ///< replace what is there
};

struct ModelExportRequest {
  std::string model, out;
  bool check = false;
  bool force = false;  ///< replace what is there
  bool trust = false;  ///< TorchScript programs may do anything
};

struct ModelQuantizeRequest {
  std::string model, data, out;
  int pictures = 32;  ///< at most
  int side = 64;      ///< of the crops, in input pixels
  int threads = 0;
  bool force = false;  ///< replace what is there
};

struct ModelTuneRequest {
  std::string model;
  int width = 512, height = 512;  ///< of the pictures (or tiles), in input pixels
  int threads = 0;
  bool json = false;
};

struct ModelCheckRequest {
  std::string model, io;
  double tolerance = 1e-4;
  bool trust = false;  ///< TorchScript programs may do anything
};

struct ModelFetchRequest {
  std::vector<std::string> names;
  std::string sha256;  ///< of the one file named, where the catalogue doesn't know it
  bool all = false, list = false, json = false, force = false;
};

}  // namespace ganvas::cli
