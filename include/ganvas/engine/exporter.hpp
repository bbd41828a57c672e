#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "ganvas/nn/generator.hpp"

/// Networks for other programs: as a graph of standard operators, with batch norms and constant factors folded into
/// the convolutions. Only networks whose operators the engine knows can be exported.
namespace ganvas {

/// Both formats take `input`, N x C x H x W in the network's value range, any N, H and W (networks that work on
/// multiples pad and cut inside), and give `output`. `metadata` goes along, with the architecture, scale, value range
/// and channels. Throw Error(model) that names the operator that has no translation, Error(file).

/// ONNX, opset 17; checked by the ONNX library's own checker and shape inference before it is written. Throws
/// Error(usage) in a build without that library.
void export_onnx(Generator& network, const std::filesystem::path& path,
                 const std::map<std::string, std::string>& metadata = {});

/// A TorchScript archive for torch.jit.load; the metadata lie in its extra file `ganvas.json`.
void export_torchscript(Generator& network, const std::filesystem::path& path,
                        const std::map<std::string, std::string>& metadata = {});

}  // namespace ganvas
