#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "ganvas/infer/batch.hpp"
#include "ganvas/infer/noise_pictures.hpp"
#include "ganvas/infer/projection.hpp"

namespace ganvas {

/// Projects each picture of `options.pictures`, cut and resized to the network's shape, and writes into the folder
/// `where.output` <stem>.png (what the network makes), <stem>.safetensors (its latent, which `where.latents` reads) and
/// <stem>-progress.png (the way there, the target last). The rules of run_generate() hold; `where` says output, force,
/// skip_existing and what is reported.
BatchSummary project_pictures(const GenerateOptions& where, const ProjectOptions& options, NoisePictures& pictures,
                              const DistanceTo& distance_to, const std::map<std::string, std::string>& facts,
                              std::ostream& out, const std::function<std::string(const Error&)>& explain = {});

}  // namespace ganvas
