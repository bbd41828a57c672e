#include "ganvas/format/model_file.hpp"

#include <cstring>
#include <new>

#include "format/byte_source.hpp"
#include "format/prefixes.hpp"
#include "format/pth_reader.hpp"
#include "format/pth_writer.hpp"
#include "format/safetensors_source.hpp"
#include "format/unwrap.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/format/safetensors.hpp"

namespace ganvas {
namespace {

using format::ByteSource;

bool is_safetensors(const ByteSource& source) {
  if (source.size() < 9) return false;
  const std::string start = source.read_text(0, 9);
  std::uint64_t header_length = 0;
  std::memcpy(&header_length, start.data(), sizeof header_length);
  // A damaged length is still recognised: no other format has '{' there and zeros before.
  return start[8] == '{' && (header_length <= source.size() || start.substr(5, 3) == std::string(3, '\0'));
}

/// Files that are often met in place of a model, and what to do about them.
void refuse_known_others(const ByteSource& source) {
  const std::string start = source.read_text(0, std::min<std::uint64_t>(source.size(), 512));
  const auto refuse = [&](std::string_view what) {
    fail(ErrorKind::model, "{}: not a model: {}", source.name(), what);
  };
  if (start.empty()) refuse("the file is empty");
  if (start.starts_with("version https://git-lfs"))
    refuse("a Git LFS pointer; fetch the file itself with 'git lfs pull'");
  if (start.starts_with('<')) refuse("a web page, perhaps of a failed download; download the model again");
  if (start.starts_with("\x89HDF")) refuse("an HDF5 file; ganvas reads .safetensors and .pth");
  if (start.starts_with("7767517")) refuse("the text of an ncnn pair, where a file of weights is wanted");
  if (start.starts_with(std::string_view("\x47\x6b\x30\x01", 4)))
    refuse("the weights of an ncnn pair; give the .param file beside it");
  if (start.starts_with("GGUF")) refuse("a GGUF file; ganvas reads .safetensors and .pth");
  if (start.size() > 262 && start.substr(257, 5) == "ustar")
    refuse("torch.save's tar format of 2016; load and save it again in Python");
  // Pickles start with their protocol, those of protocol 0 and 1 with a bracket, a mark, a name or a number.
  if (std::string_view("\x80(]}cIL").find(start[0]) == std::string_view::npos)
    refuse("its format is unknown; ganvas reads .safetensors and .pth");
}

ModelFile read_pth(const ByteSource& source) {
  const bool is_zip = format::is_zip(source);
  format::PthContent content = is_zip ? format::read_zip_pth(source) : format::read_legacy_pth(source);
  const format::Unwrapped unwrapped = format::unwrap(content.pickle, source.name());
  ModelFile model{{}, {}, unwrapped.wrapper, is_zip ? "pth (zip)" : "pth (legacy)"};
  if (!unwrapped.network.empty()) model.metadata["nunif.name"] = unwrapped.network;
  for (const auto& [key, tensor] : unwrapped.tensors)
    model.weights.set(std::string(key), content.storages.load(*tensor));
  return model;
}

/// People take a name for a promise: of .safetensors, that nothing but numbers is inside. Content decides how a file is
/// read, and a name that says otherwise is an error.
void check_name(const ByteSource& source, bool is_tensors_only) {
  const std::string extension = std::filesystem::path(source.name()).extension().string();
  if (extension == ".safetensors" && !is_tensors_only)
    fail(ErrorKind::model,
         "{}: refused: named .safetensors, but its content is no safetensors file; rename it if you "
         "know what it is",
         source.name());
  if ((extension == ".pth" || extension == ".pt" || extension == ".ckpt") && is_tensors_only)
    fail(ErrorKind::model, "{}: refused: named {}, but its content is a safetensors file; rename it", source.name(),
         extension);
}

ModelFile read_any(const ByteSource& source) {
  const bool tensors_only = is_safetensors(source);
  if (!tensors_only && !format::is_zip(source)) refuse_known_others(source);
  check_name(source, tensors_only);
  if (tensors_only) {
    Safetensors file = format::parse_safetensors(source);
    return {std::move(file.tensors), std::move(file.metadata), {}, "safetensors"};
  }
  return read_pth(source);
}

}  // namespace

ModelFile read_model_file(const std::filesystem::path& path) {
  const format::FileSource source(path);
  try {
    ModelFile model = read_any(source);
    model.weights = format::strip_prefixes(model.weights);
    return model;
  } catch (const c10::Error& error) {
    // Nothing that was checked should end here but a failed allocation.
    fail(ErrorKind::memory, "{}: LibTorch can't hold it: {}", source.name(),
         format::in_quotes(error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::memory, "{}: not enough memory to read it", source.name());
  }
}

void write_model_file(const std::filesystem::path& path, const ModelFile& model) {
  const std::string extension = path.extension().string();
  if (extension == ".safetensors") return write_safetensors(path, model.weights, model.metadata);
  if (extension == ".pth" || extension == ".pt") return format::write_pth(path, model.weights, model.wrapper);
  fail(ErrorKind::usage, "{}: the name of a model must end in .safetensors, .pth or .pt", path.string());
}

}  // namespace ganvas
