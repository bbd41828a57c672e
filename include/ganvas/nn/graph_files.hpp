#pragma once

#include <filesystem>

#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// Networks that come with their graph. The graph is read as data into a list of known operators (nn/netlist); nothing
/// of the file runs. What the network takes is tried out as for TorchScript; where the graph is that of a known
/// architecture, which a comparison of results shows, the network is that one.

/// A network that is written down with its graph, and so isn't recognised by its keys: a TorchScript archive, an ncnn
/// pair, an ONNX file.
bool has_graph(const std::filesystem::path& path);

/// ncnn's pair of a text file, by its first line (7767517), and `<stem>.bin` beside it with weights in fp32 or fp16.
bool is_ncnn(const std::filesystem::path& path);
/// Throws Error(model) for layers that aren't known, damaged and hostile files, and Error(file) without the .bin.
LoadedGenerator load_ncnn(const std::filesystem::path& path);

/// By its content, as far as one can tell, and its name (.onnx).
bool is_onnx(const std::filesystem::path& path);
/// Throws Error(model) for operators that aren't known (by name and node), damaged and hostile files, and weights that
/// lie outside of the file's folder; Error(usage) in builds without the ONNX library.
LoadedGenerator load_onnx(const std::filesystem::path& path);

}  // namespace ganvas
