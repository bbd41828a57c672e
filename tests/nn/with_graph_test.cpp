// Networks that come with their graph: ncnn pairs, ONNX files; what is read, and what is refused.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "nn/onnx_builder.hpp"
#include "nn/sweep.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
using torch::Tensor;
namespace fs = std::filesystem;

namespace {

std::string raw_bytes(const Tensor& tensor) {
  const Tensor dense = tensor.contiguous();
  return {static_cast<const char*>(dense.data_ptr()), dense.nbytes()};
}
/// As ncnn stores weights: a mark, and the values in fp32 or fp16.
std::string ncnn_marked(const Tensor& tensor, bool half = false) {
  if (!half) return std::string(4, '\0') + raw_bytes(tensor);
  std::string text = std::string("\x47\x6b\x30\x01", 4) + raw_bytes(tensor.to(torch::kHalf));
  return text + std::string((4 - text.size() % 4) % 4, '\0');
}

struct NcnnPair {
  TemporaryFolder folder;
  /// Layers without the head of the file.
  explicit NcnnPair(const std::string& layers, const std::string& weights = {}) {
    const auto count = std::count(layers.begin(), layers.end(), '\n');
    write("7767517\n" + std::to_string(count) + " 99\n" + layers, weights);
  }
  void write(const std::string& text, const std::string& weights) {
    write_file_atomically(folder / "x.param", text);
    write_file_atomically(folder / "x.bin", weights);
  }
  GeneratorPtr load() const { return load_generator(folder / "x.param").network; }
};

/// The one line with which a file is refused.
template <typename Load>
std::string refusal_of(Load load) {
  try {
    load();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::model);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "was accepted";
}

void refused_pair(const std::string& part, const std::string& layers, const std::string& weights = {}) {
  const std::string message = refusal_of([&] { NcnnPair(layers, weights).load(); });
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
}

const std::string picture_layer = "Input in 0 1 x 0=8 1=8 2=3\n";

struct OnnxFile {
  TemporaryFolder folder;
  explicit OnnxFile(const std::string& bytes) { write_file_atomically(folder / "x.onnx", bytes); }
  GeneratorPtr load() const { return load_generator(folder / "x.onnx").network; }
};

bool reads_onnx() {
  try {
    OnnxFile("").load();
  } catch (const Error& error) {
    return error.kind() == ErrorKind::model;
  }
  return false;
}

}  // namespace

TEST_CASE("graphs: ncnn pairs as people share them give the outputs of the original network") {
  const fs::path folder = test::shared_folder() / "weights/community";
  SKIP_WITHOUT(folder);
  const torch::NoGradGuard no_grad;
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".param") continue;
    CAPTURE(entry.path().filename().string());
    const LoadedGenerator loaded = load_generator(entry.path());
    const StateDict pair = read_safetensors(fs::path(entry.path()).replace_extension(".io.safetensors")).tensors;
    CHECK(test::relative_error(loaded.network->forward(pair.at("input")), pair.at("output")) <= 1e-4);
    // The graph of a plain Compact is one.
    CHECK((loaded.network->architecture() == "compact") == (entry.path().stem() == "4xLSDIRCompactC3"));
    ++compared;
  }
  CHECK(compared == 4);
}

TEST_CASE("graphs: ncnn's layers do what LibTorch's functions do, weights in fp32 and fp16") {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  for (const bool half : {false, true}) {
    const auto random = [&](at::IntArrayRef shape) {
      const Tensor x = 0.4 * torch::randn(shape);
      return half ? x.to(torch::kHalf).to(torch::kFloat) : x;
    };
    const Tensor a = random({8, 3, 3, 3}), a_bias = torch::randn({8}), wide = random({8, 1, 3, 5});
    const Tensor slopes = torch::rand({8}), up = random({6, 8, 2, 2}), up_bias = torch::randn({6});
    const Tensor squeeze = random({8, 8, 1, 1}), factors = torch::rand({8}), terms = torch::rand({8});
    const std::string weights = ncnn_marked(a, half) + raw_bytes(a_bias) + ncnn_marked(wide, half) + raw_bytes(slopes) +
                                raw_bytes(factors) + raw_bytes(terms) + ncnn_marked(squeeze, half) +
                                ncnn_marked(up, half) + raw_bytes(up_bias);
    const NcnnPair pair(picture_layer +
                            "Split s 1 2 x x1 x2\n"
                            "Convolution a 1 1 x1 a 0=8 1=3 4=1 5=1 6=216 9=2 -23310=1,0.25\n"
                            "ConvolutionDepthWise b 1 1 a b 0=8 1=5 11=3 4=2 14=1 6=120 7=8\n"
                            "PReLU p 1 1 b p 0=8\n"
                            "Scale c 1 1 p c 0=8 1=1\n"
                            "Pooling m 1 1 c m 0=1 4=1\n"
                            "InnerProduct i 1 1 m i 0=8 2=64 9=4\n"
                            "BinaryOp g 2 1 c i g 0=2\n"
                            "Slice t 1 2 g t1 t2 -23300=2,3,5 1=0\n"
                            "Concat k 2 1 t2 t1 k\n"
                            "Eltwise e 2 1 k g e 0=1 -23301=2,0.5,-2\n"
                            "BinaryOp r 1 1 e r 0=7 1=1 2=0.75\n"
                            "Deconvolution d 1 1 r d 0=6 1=2 3=2 5=1 6=192\n"
                            "Crop q 1 1 d q 0=1 1=2 6=1 7=2\n"
                            "Padding z 1 1 q z 0=2 1=2 2=1 3=1 4=1\n"
                            "Sigmoid f 1 1 z f\n"
                            "Interp n 1 1 x2 n 0=2 1=2 2=2\n"
                            "Slice h 1 2 f h1 h2 -23300=2,-233,-233 1=0\n"
                            "BinaryOp y 2 1 h1 n y 0=1\n",
                        weights);
    const GeneratorPtr network = pair.load();
    CHECK(network->info().scale == 2);
    CHECK(network->info().global);
    const Tensor x = torch::rand({1, 3, 19, 22});
    Tensor y = torch::leaky_relu(torch::conv2d(x, a, a_bias, 1, 1), 0.25);
    y = torch::prelu(torch::conv2d(y, wide, {}, 1, at::IntArrayRef{1, 2}, 1, 8), slopes);
    y = y * factors.view({8, 1, 1}) + terms.view({8, 1, 1});
    const Tensor g = y * torch::sigmoid(torch::conv2d(y.mean({2, 3}, true), squeeze));
    const Tensor e = 0.75 - (0.5 * torch::cat({g.narrow(1, 3, 5), g.narrow(1, 0, 3)}, 1) - 2 * g);
    Tensor d = torch::conv_transpose2d(e, up.transpose(0, 1).contiguous(), up_bias, 2);
    d = torch::replication_pad2d(d.slice(2, 2, -2).slice(3, 1, -1), {1, 1, 2, 2});
    const Tensor large = torch::upsample_bilinear2d(x, {38, 44}, false);
    CHECK(relative_error(network->forward(x), torch::sigmoid(d).narrow(1, 0, 3) - large) <= 1e-5);
  }
}

TEST_CASE("graphs: networks without padding get the picture's border, and multiples what is missing") {
  const torch::NoGradGuard no_grad;
  const Tensor a = 0.3 * torch::randn({12, 3, 3, 3}), b = 0.3 * torch::randn({12, 3, 2, 2});
  const NcnnPair valid(picture_layer + "Convolution a 1 1 x a 0=12 1=3 6=324\nPixelShuffle y 1 1 a y 0=2\n",
                       ncnn_marked(a));
  const GeneratorPtr network = valid.load();
  const Tensor x = torch::rand({1, 3, 9, 12});
  const Tensor expected = torch::pixel_shuffle(torch::conv2d(torch::reflection_pad2d(x, {1, 1, 1, 1}), a), 2);
  CHECK(relative_error(network->forward(x), expected) <= 1e-6);
  CHECK(network->info().halo == 1);
  const NcnnPair even(picture_layer + "Convolution a 1 1 x a 0=12 1=2 3=2 6=144\nPixelShuffle y 1 1 a y 0=2\n",
                      ncnn_marked(b));
  CHECK(even.load()->info().multiple == 2);
  CHECK(even.load()->forward(torch::rand({1, 3, 9, 13})).sizes() == at::IntArrayRef{1, 3, 9, 13});
}

TEST_CASE("graphs: a network of no known architecture is stored with its graph") {
  const torch::NoGradGuard no_grad;
  const NcnnPair pair(picture_layer +
                          "Convolution a 1 1 x a 0=12 1=3 4=1 6=324 9=4\nPixelShuffle p 1 1 a p 0=2\n"
                          "Interp n 1 1 x n 0=1 1=2 2=2\nBinaryOp y 2 1 p n y 0=0\n",
                      ncnn_marked(torch::randn({12, 3, 3, 3})));
  const GeneratorPtr network = pair.load();
  CHECK(network->architecture() == "graph");
  save_generator(pair.folder / "x.safetensors", *network);
  const GeneratorPtr again = load_generator(pair.folder / "x.safetensors").network, twin = replicate(*network);
  const Tensor x = torch::rand({1, 3, 7, 8});
  CHECK(torch::equal(again->forward(x), network->forward(x)));
  CHECK(torch::equal(twin->forward(x), network->forward(x)));
}

TEST_CASE("graphs: damaged and hostile ncnn pairs are refused in a line, and nothing of them runs") {
  const std::string good = "Convolution a 1 1 x a 0=4 1=3 4=1 6=108\n";
  const std::string weights = ncnn_marked(torch::randn({4, 3, 3, 3}));
  refused_pair("ends too early", picture_layer + good, weights.substr(0, 300));
  refused_pair("4 bytes more", picture_layer + good, weights + "abcd");
  refused_pair("int8", picture_layer + good, std::string("\x38\x4b\x0d\x00", 4) + weights);
  refused_pair("no weights start", picture_layer + good, std::string("\x01\x02\x03\x04", 4) + weights);
  refused_pair("int8", picture_layer + "Convolution a 1 1 x a 0=4 1=3 6=108 8=2\n", weights);
  refused_pair("0=-4", picture_layer + "Convolution a 1 1 x a 0=-4 1=3 6=108\n", weights);
  refused_pair("6=1e+18", picture_layer + "Convolution a 1 1 x a 0=4 1=3 6=1000000000000000000\n", weights);
  refused_pair("6=", picture_layer + "Convolution a 1 1 x a 0=4 1=3 6=99999999999\n", weights);
  refused_pair("are no", picture_layer + "Convolution a 1 1 x a 0=4 1=3 6=107\n", weights);
  refused_pair("1=", picture_layer + "Convolution a 1 1 x a 0=4 1=300 6=108\n", weights);
  refused_pair("3=0", picture_layer + "Convolution a 1 1 x a 0=4 1=3 3=0 6=108\n", weights);
  refused_pair("'z', which nothing before it gives", picture_layer + "ReLU a 1 1 z a\n");
  refused_pair("'b', which nothing before it gives",
               picture_layer + "BinaryOp a 2 1 x b a\nReLU b 1 1 a b\nReLU c 1 1 x c\n");
  refused_pair("is there already", picture_layer + "ReLU a 1 1 x a\nReLU b 1 1 a a\nReLU c 1 1 a c\n");
  refused_pair("layer 'a' (LSTM): is not known", picture_layer + "LSTM a 1 1 x a\n");
  refused_pair("no number=value", picture_layer + "ReLU a 1 1 x a zero=1\n");
  refused_pair("holds no number", picture_layer + "ReLU a 1 1 x a 0=nan\n");
  refused_pair("not as many values", picture_layer + "Eltwise a 2 1 x x a -23301=3,1,1\n");
  refused_pair("no count", picture_layer + "ReLU a 1 99999999 x a\n");
  refused_pair("ends too early", picture_layer + "ReLU a 2 1 x\n");
  refused_pair("no Input", "ReLU a 1 1 x a\n");
  refused_pair("a second picture", picture_layer + "Input b 0 1 b\nBinaryOp a 2 1 x b a\n");
  refused_pair("a whole picture", picture_layer + "InnerProduct a 1 1 x a 0=4 2=12\n", ncnn_marked(torch::randn({12})));
  refused_pair("fails on", picture_layer + "Convolution a 1 1 x a 0=4 1=3 4=1 6=108\nPixelShuffle y 1 1 a y 0=3\n",
               weights);
  const auto with_head = [&](const std::string& head) {
    NcnnPair pair("");
    pair.write(head + picture_layer + "ReLU a 1 1 x a\n", "");
    return refusal_of([&] { pair.load(); });
  };
  CHECK(with_head("7767517\n3 3\n").find("2 layers, line 2 says 3") != std::string::npos);
  CHECK(with_head("7767517\n1 3\n").find("one more than") != std::string::npos);
  CHECK(with_head("7767517\n999999999 3\n").find("no count") != std::string::npos);
  CHECK(with_head("7767517\n-1 3\n").find("no count") != std::string::npos);
}

TEST_CASE("graphs: ONNX files give what their operators say") {
  if (!reads_onnx()) {
    MESSAGE("[skipped] built without the ONNX library");
    return;
  }
  const torch::NoGradGuard no_grad;
  const Tensor weight = torch::randn({12, 3, 1, 1}), x = torch::rand({1, 3, 5, 6});
  // Depth to space as ONNX has it by itself: cells outside, channels inside.
  const std::string block = proto_field(5, proto_field(1, "blocksize") + proto_field(3, 2) + proto_field(20, 2));
  const OnnxFile file(onnx_model(onnx_node("Conv", {"x", "w"}, "a") + onnx_node("Sigmoid", {"a"}, "b") +
                                     onnx_node("Mul", {"a", "b"}, "c") + onnx_node("DepthToSpace", {"c"}, "y", block),
                                 onnx_constant("w", {12, 3, 1, 1}, proto_field(9, raw_bytes(weight)))));
  const Tensor deep = torch::silu(torch::conv2d(x, weight));
  const Tensor expected = torch::pixel_shuffle(deep.view({1, 4, 3, 5, 6}).transpose(1, 2).reshape({1, 12, 5, 6}), 2);
  CHECK(relative_error(file.load()->forward(x), expected) <= 1e-6);
}

TEST_CASE("graphs: damaged and hostile ONNX files are refused in a line, and nothing of them runs") {
  if (!reads_onnx()) {
    MESSAGE("[skipped] built without the ONNX library");
    return;
  }
  const auto says = [](const std::string& part, const std::string& bytes) {
    const std::string message = refusal_of([&] { OnnxFile(bytes).load(); });
    INFO(message);
    CHECK(message.find(part) != std::string::npos);
  };
  const std::string relu = onnx_node("Relu", {"x"}, "y"), conv = onnx_node("Conv", {"x", "w"}, "y");
  says("no ONNX file", "");
  says("no ONNX file", onnx_model(relu).substr(0, 30));
  says("operator 'NonMaxSuppression' of node 'node y' is not known",
       onnx_model(onnx_node("NonMaxSuppression", {"x"}, "y")));
  says("operator 'evil.Run' of node 'node y' is not known",
       onnx_model(onnx_node("Run", {"x"}, "y", proto_field(7, "evil"))));
  says("'z', which nothing before it gives", onnx_model(onnx_node("Relu", {"z"}, "y")));
  says("which nothing before it gives",
       onnx_model(onnx_node("Relu", {"b"}, "a") + onnx_node("Relu", {"a"}, "b") + relu));
  says("nothing gives its result", onnx_model(onnx_node("Relu", {"x"}, "a")));
  says("where its shape wants", onnx_model(conv, onnx_constant("w", {3, 3, 1, 1}, proto_field(9, "abcd"))));
  says("a side of -1", onnx_model(conv, onnx_constant("w", {3, -1, 1, 1}, proto_field(9, "abcd"))));
  says("too large", onnx_model(conv, onnx_constant("w", {1 << 30, 1 << 30, 1, 1}, proto_field(9, "abcd"))));
  const auto external = [&](const std::string& location) {
    const std::string entry = proto_field(13, proto_field(1, "location") + proto_field(2, location));
    return onnx_model(conv, onnx_constant("w", {3, 3, 1, 1}, entry + proto_field(14, 1)));
  };
  for (const std::string location : {"/etc/passwd", "../x.bin", "a/../../x.bin", ""})
    says("outside of the file's folder", external(location));
  // Beside the file it is read.
  const OnnxFile beside(external("w.bin"));
  const torch::NoGradGuard no_grad;
  write_file_atomically(beside.folder / "w.bin", raw_bytes(torch::eye(3)));
  const Tensor x = torch::rand({1, 3, 4, 4});
  CHECK(relative_error(beside.load()->forward(x), x) <= 1e-6);
}
