#include "commands/onnx_runtime.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/scratch_folder.hpp"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration)

namespace ganvas::cli {

namespace {

namespace fs = std::filesystem;

// Numbers go through files as plain fp32, shapes as text: "1,3,20,30".
constexpr const char* program = R"js(
const fs = require('fs');
let ort;
try { ort = require('onnxruntime-node'); } catch (error) { process.exit(3); }
const [model, input, shape, output] = process.argv.slice(1);
const bytes = fs.readFileSync(input);
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
(async () => {
  const session = await ort.InferenceSession.create(model);
  const result = (await session.run({input: new ort.Tensor('float32', values, shape.split(',').map(Number))})).output;
  fs.writeFileSync(output, new Uint8Array(result.data.buffer, result.data.byteOffset, result.data.byteLength));
  fs.writeFileSync(output + '.shape', result.dims.join(','));
})().catch(error => { fs.writeFileSync(output + '.error', String(error.message)); process.exit(4); });
)js";

/// The exit code of `node -e program arguments`; -1 when there is no such program. Its messages stay hidden: what
/// matters comes in files.
int run_node(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"node", "-e", program, "--"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {0, 1, 2}) posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "node", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string text_of(const fs::path& path) {
  const Bytes bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

torch::Tensor run_in_onnx_runtime(const fs::path& model, const torch::Tensor& input) {
  const ScratchFolder folder;
  const fs::path in = folder / "input", out = folder / "output";
  const torch::Tensor dense = input.contiguous();
  write_file_atomically(in, std::span(static_cast<const std::uint8_t*>(dense.data_ptr()), dense.nbytes()));
  const int code =
      run_node({model.string(), in.string(), fmt::format("{}", fmt::join(dense.sizes().vec(), ",")), out.string()});
  if (code == -1) fail(ErrorKind::usage, "--check: the program 'node' is missing (Debian's package nodejs)");
  if (code == 3)
    fail(ErrorKind::usage,
         "--check: node has no package onnxruntime-node; here, or where NODE_PATH points: npm install "
         "onnxruntime-node");
  const fs::path refusal = out.string() + ".error";
  if (fs::exists(refusal)) fail(ErrorKind::model, "{}: ONNX Runtime: {}", model.string(), text_of(refusal));
  if (code != 0) fail(ErrorKind::model, "{}: ONNX Runtime failed (node's exit code {})", model.string(), code);

  std::vector<std::int64_t> sizes;
  std::int64_t count = 1;
  const std::string shape = text_of(out.string() + ".shape");
  for (const char* at = shape.c_str(); *at;) {
    char* end = nullptr;
    sizes.push_back(std::strtoll(at, &end, 10));
    count *= sizes.back();
    at = *end ? end + 1 : end;
  }
  const Bytes bytes = read_file(out);
  if (bytes.size() != static_cast<std::size_t>(count) * sizeof(float))
    fail(ErrorKind::model, "{}: ONNX Runtime gave no fp32 picture", model.string());
  torch::Tensor result = torch::empty(sizes);
  std::memcpy(result.data_ptr(), bytes.data(), bytes.size());
  return result;
}

}  // namespace ganvas::cli
