#include "ganvas/format/model_file.hpp"

#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

StateDict one_of_each_type() {
  torch::manual_seed(3);
  StateDict weights;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    const std::string name = torch::toString(type);
    weights.set(name, (torch::rand({3, 5, 2}) * 100 - 20).abs().to(type));
    weights.set(name + ".transposed", torch::rand({4, 3}).mul(9).to(type).t());
    weights.set(name + ".scalar", torch::ones({}, type));
    weights.set(name + ".empty", torch::ones({2, 0, 3}, type));
  }
  return weights;
}

void check_equal(const StateDict& a, const StateDict& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [key, tensor] : a) {
    INFO(key);
    CHECK((tensor.scalar_type() == b.at(key).scalar_type()));
    CHECK(torch::equal(tensor, b.at(key)));
  }
}

/// Runs a script; its output, or nothing when it fails.
std::string run_python(const TemporaryFolder& folder, const std::string& script) {
  std::ofstream(folder / "script.py") << script;
  const std::string command = "cd " + folder.path().string() + " && /usr/bin/python3 script.py > out.txt 2> errors.txt";
  if (std::system(command.c_str()) != 0) {
    const Bytes errors = read_file(folder / "errors.txt");
    MESSAGE(std::string(errors.begin(), errors.end()));
    return {};
  }
  const Bytes out = read_file(folder / "out.txt");
  return {out.begin(), out.end()};
}

bool has_python_torch() { return std::system("/usr/bin/python3 -c 'import torch' > /dev/null 2>&1") == 0; }

#define SKIP_WITHOUT_PYTHON_TORCH()                               \
  if (!has_python_torch()) {                                      \
    std::printf("[skipped] needs /usr/bin/python3 with torch\n"); \
    return;                                                       \
  }

struct Known {
  const char *file, *container, *wrapper;
  std::size_t tensors;
  std::int64_t elements;
  double sum, absolute_sum;
  const char *first, *last;
};

// Computed with Python's torch.load, in float64.
const Known kKnown[] = {
    {"containers/efdn-x4-zip.pth", "pth (zip)", "", 142, 276192, -1157.04775, 50872.8293, "head.weight", "tail.0.bias"},
    {"containers/imdn-x4-legacy-module-prefix.pth", "pth (legacy)", "", 92, 715176, -1442.94723, 64408.8988,
     "fea_conv.weight", "upsampler.0.bias"},
    {"containers/safmn-x4.pth", "pth (zip)", "params", 62, 237000, 254.74552, 33924.5622, "norm.gamma",
     "to_img.0.bias"},
    {"containers/srgan-x4-legacy-batchnorm.pth", "pth (legacy)", "", 79, 735372, 21842.304, 85049.1039,
     "block1.0.weight", "block8.2.bias"},
    {"lpips-v0.1/squeeze.pth", "pth (legacy)", "", 7, 2240, 173.438718, 173.438718, "lin0.model.1.weight",
     "lin6.model.1.weight"},
    {"realesr-animevideov3-x4.pth", "pth (zip)", "params", 53, 621424, -147.277182, 28257.549, "body.0.weight",
     "body.34.bias"},
};

}  // namespace

TEST_CASE("model file: published files have the numbers that Python finds in them") {
  SKIP_WITHOUT(shared_folder() / "weights/containers");
  for (const Known& known : kKnown) {
    INFO(known.file);
    const ModelFile model = read_model_file(shared_folder() / "weights" / known.file);
    CHECK(model.container == known.container);
    CHECK(model.wrapper == known.wrapper);
    CHECK(model.weights.size() == known.tensors);
    CHECK(model.weights.element_count() == known.elements);
    CHECK(model.weights.begin()->first == known.first);
    CHECK((model.weights.end() - 1)->first == known.last);
    double sum = 0, absolute_sum = 0;
    for (const auto& [key, tensor] : model.weights) {
      sum += tensor.to(torch::kDouble).sum().item<double>();
      absolute_sum += tensor.to(torch::kDouble).abs().sum().item<double>();
    }
    CHECK(sum == doctest::Approx(known.sum).epsilon(1e-8));
    CHECK(absolute_sum == doctest::Approx(known.absolute_sum).epsilon(1e-8));
  }
}

TEST_CASE("model file: every reference model can be read") {
  SKIP_WITHOUT(shared_folder() / "weights/reference");
  for (const fs::path& path : list_files(shared_folder() / "weights/reference", false)) {
    if (path.extension() != ".pth" && path.extension() != ".safetensors") continue;
    INFO(path.string());
    CHECK_FALSE(read_model_file(path).weights.empty());
  }
}

TEST_CASE("model file: a pickled module is refused by its class") {
  const fs::path path = shared_folder() / "weights/containers/vdsr-whole-module-pickle.pth";
  SKIP_WITHOUT(path);
  CHECK_THROWS_WITH_AS(read_model_file(path), doctest::Contains("the pickle asks for 'vdsr.Net'"), Error);
}

TEST_CASE("model file: every container returns what it was given") {
  const TemporaryFolder folder;
  const StateDict weights = one_of_each_type();
  for (const char* name : {"a.safetensors", "a.pth", "a.pt"}) {
    for (const char* wrapper : {"", "params_ema", "something"}) {
      INFO(name);
      write_model_file(folder / name, {weights, {{"architecture", "rrdb"}}, wrapper, ""});
      const ModelFile read = read_model_file(folder / name);
      check_equal(weights, read.weights);
      const bool is_safetensors = std::string_view(name) == "a.safetensors";
      CHECK(read.container == (is_safetensors ? "safetensors" : "pth (zip)"));
      CHECK(read.wrapper == (is_safetensors ? "" : wrapper));
      CHECK(read.metadata.size() == (is_safetensors ? 1 : 0));
      if (!is_safetensors) CHECK(read.weights.begin()->first == weights.begin()->first);
    }
  }
}

TEST_CASE("model file: the same weights make the same file, aligned to 64 bytes") {
  const TemporaryFolder folder;
  const StateDict weights = one_of_each_type();
  write_model_file(folder / "a.pth", {weights, {}, {}, {}});
  write_model_file(folder / "another name.pth", {weights, {}, {}, {}});
  const Bytes bytes = read_file(folder / "a.pth");
  CHECK(bytes == read_file(folder / "another name.pth"));
  const std::string text(bytes.begin(), bytes.end());
  const torch::Tensor first = weights.begin()->second;
  CHECK(text.find(std::string(static_cast<const char*>(first.data_ptr()), first.nbytes())) % 64 == 0);
}

TEST_CASE("model file: a name that contradicts the content is an error") {
  const TemporaryFolder folder;
  const StateDict weights = one_of_each_type();
  write_model_file(folder / "a.safetensors", {weights, {}, {}, {}});
  write_model_file(folder / "a.pth", {weights, {}, {}, {}});
  fs::copy_file(folder / "a.pth", folder / "b.safetensors");
  fs::copy_file(folder / "a.safetensors", folder / "b.pth");
  fs::copy_file(folder / "a.safetensors", folder / "b.model");
  CHECK_THROWS_WITH_AS(read_model_file(folder / "b.safetensors"), doctest::Contains("named .safetensors"), Error);
  CHECK_THROWS_WITH_AS(read_model_file(folder / "b.pth"), doctest::Contains("named .pth"), Error);
  check_equal(weights, read_model_file(folder / "b.model").weights);
}

TEST_CASE("model file: impossible requests") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(write_model_file(folder / "a.onnx", {}), doctest::Contains(".safetensors"), Error);
  CHECK_THROWS_WITH_AS(read_model_file(folder / "absent.pth"), doctest::Contains("absent.pth: can't be opened"), Error);
  CHECK_THROWS_WITH_AS(read_model_file(folder.path()), doctest::Contains("not a regular file"), Error);
  StateDict complex;
  complex.set("c", torch::ones({1}, torch::kComplexFloat));
  CHECK_THROWS_WITH_AS(write_model_file(folder / "c.pth", {complex, {}, {}, {}}), doctest::Contains("'c'"), Error);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("model file: Python reads what we write") {
  SKIP_WITHOUT_PYTHON_TORCH();
  const TemporaryFolder folder;
  const StateDict weights = one_of_each_type();
  write_model_file(folder / "bare.pth", {weights, {}, {}, {}});
  write_model_file(folder / "wrapped.pth", {weights, {}, "params_ema", {}});
  const std::string out = run_python(folder, R"(
import torch, zipfile, collections
assert zipfile.ZipFile('bare.pth').testzip() is None
for options in ({}, {'weights_only': True}):
    bare = torch.load('bare.pth', **options)
    wrapped = torch.load('wrapped.pth', **options)
    assert type(bare) is collections.OrderedDict and list(wrapped) == ['params_ema']
    for key, tensor in wrapped['params_ema'].items():
        assert torch.equal(tensor, bare[key]) and tensor.is_contiguous()
for key, tensor in bare.items():
    print(key, str(tensor.dtype)[6:], list(tensor.shape), tensor.double().sum().item())
torch.save(bare, 'again.pth')
)");
  std::istringstream lines(out);
  for (const auto& [key, tensor] : weights) {
    std::string line;
    std::getline(lines, line);
    CHECK(line.starts_with(key + " "));
    const double sum = std::stod(line.substr(line.rfind(' ')));
    CHECK(sum == doctest::Approx(tensor.to(torch::kDouble).sum().item<double>()));
  }
  check_equal(weights, read_model_file(folder / "again.pth").weights);
}

TEST_CASE("model file: we read what Python writes in every way") {
  SKIP_WITHOUT_PYTHON_TORCH();
  const TemporaryFolder folder;
  const std::string out = run_python(folder, R"(
import torch, collections, numpy
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
for p in net.parameters(): torch.nn.init.constant_(p, 2)
big = torch.arange(24.)
odd = {'view': big[3:9].view(2, 3), 'turned': big.view(4, 6).t(), 'all': big, 'strided': big[::5],
       'half': big.half(), 'bfloat': big.bfloat16(), 'long': torch.tensor(7), 'empty': torch.empty(0, 3),
       'param': torch.nn.Parameter(big * 2)}
adam = torch.optim.Adam(net.parameters())
net(torch.ones(2, 3, 8, 8)).sum().backward()
adam.step()
scheduler = torch.optim.lr_scheduler.MultiStepLR(adam, [1, 2, 2])
for zip in (True, False):
    for protocol in (1, 2, 3, 4, 5):
        end = f'-{zip}-{protocol}.pth'
        save = lambda data, name: torch.save(data, name + end, pickle_protocol=protocol,
                                             _use_new_zipfile_serialization=zip)
        save(odd, 'odd')
        save(net.state_dict(), 'net')
        save({'epoch': 3, 'best': numpy.float64(0.5), 'state_dict': net.state_dict(), 'device': torch.device('cpu'),
              'size': torch.Size([1, 2]), 'dtype': torch.float32, 'optimizer': adam.state_dict(),
              'scheduler': scheduler.state_dict(), 'names': {'a'}, 'none': None, 'raw': b'x'}, 'checkpoint')
        print(end)
)");
  std::istringstream ends(out);
  int count = 0;
  for (std::string end; std::getline(ends, end); ++count) {
    INFO(end);
    const StateDict odd = read_model_file(folder / ("odd" + end)).weights;
    const torch::Tensor big = torch::arange(24, torch::kFloat);
    REQUIRE(odd.size() == 9);
    CHECK(torch::equal(odd.at("view"), big.slice(0, 3, 9).view({2, 3})));
    CHECK(torch::equal(odd.at("turned"), big.view({4, 6}).t()));
    CHECK(torch::equal(odd.at("all"), big));
    CHECK(torch::equal(odd.at("strided"), big.slice(0, 0, 24, 5)));
    CHECK(torch::equal(odd.at("half"), big.to(torch::kHalf)));
    CHECK(torch::equal(odd.at("bfloat"), big.to(torch::kBFloat16)));
    CHECK(odd.at("long").item<std::int64_t>() == 7);
    CHECK(odd.at("empty").sizes() == torch::IntArrayRef{0, 3});
    CHECK(torch::equal(odd.at("param"), big * 2));

    const ModelFile net = read_model_file(folder / ("net" + end));
    CHECK(net.weights.size() == 7);
    const ModelFile checkpoint = read_model_file(folder / ("checkpoint" + end));
    CHECK(checkpoint.wrapper == "state_dict");
    check_equal(net.weights, checkpoint.weights);
  }
  CHECK(count == 10);
}
