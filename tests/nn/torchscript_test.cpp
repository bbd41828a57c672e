// TorchScript archives, written by hand: what is run of them, and what is not.
#include "ganvas/nn/torchscript_network.hpp"

#include <torch/torch.h>

#include "format/pth_builder.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "nn/script/evaluator.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// An archive with one class `Net` and these attributes, as torch.jit.save writes it.
std::string archive(const std::string& code, const std::string& attributes = "", const std::string& functions = "") {
  const std::string proto("\x80\x02", 2);
  std::string text = "class Net(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n";
  return zip_of({{"m/data.pkl", proto + "c__torch__\nNet\n)\x81}(" + text_of("training") + "\x89" + attributes + "ub."},
                 {"m/code/__torch__.py", text + code + functions},
                 {"m/constants.pkl", proto + ")."},
                 {"m/version", "3\n"}});
}

std::string forward(const std::string& lines) {
  return "  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n" + lines;
}

struct Loaded {
  std::string error;
  bool untrusted = false;
  GeneratorPtr network;
};

Loaded load(const std::string& bytes, const LoadOptions& options = {}) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x.pt", bytes);
  try {
    return {"", false, load_torchscript(folder / "x.pt", options).network};
  } catch (const UntrustedProgram& error) {
    return {error.what(), true, {}};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::model);
    return {error.what(), false, {}};
  }
}

void refused(const std::string& part, const std::string& bytes) {
  const Loaded loaded = load(bytes);
  INFO(loaded.error);
  CHECK(loaded.untrusted);
  CHECK(loaded.error.find(part) != std::string::npos);
  CHECK(loaded.error.find('\n') == std::string::npos);
}

void refused_line(const std::string& part, const std::string& line) {
  refused(part, archive(forward("    " + line + "\n    return x\n")));
}

}  // namespace

TEST_CASE("TorchScript: programs of known operators are evaluated, loops and branches on sizes too") {
  const std::string half = text_of("half") + "G\x3f\xe0" + std::string(6, '\0');  // 0.5
  const std::string good = forward(
                               "    if torch.gt(torch.size(x, 2), 1):\n"
                               "      _0 = __torch__.twice\n"
                               "    else:\n"
                               "      ops.prim.RaiseException(torch.format(\"{}\", 1))\n"
                               "    sizes = annotate(List[int], [])\n"
                               "    for i in range(2):\n"
                               "      _1 = torch.append(sizes, _0(torch.size(x, torch.add(i, 2)), ))\n"
                               "    y = torch.upsample_nearest2d(x, sizes)\n"
                               "    a, b, c, = torch.chunk((self).twice(y, ), 3, 1)\n"
                               "    return torch.cat([a, b, torch.mul(c, self.half)], 1)\n") +
                           "  def twice(self: __torch__.Net,\n    x: Tensor,\n    times: int=2) -> Tensor:\n"
                           "    return torch.mul(x, times)\n";
  const Loaded two = load(archive(good, half, "def twice(x: int) -> int:\n  return torch.mul(x, 2)\n"));
  INFO(two.error);
  REQUIRE(two.network);
  CHECK(two.network->info().scale == 2);
  const torch::Tensor input = torch::rand({1, 3, 5, 7}), output = two.network->forward(input);
  CHECK(torch::allclose(output.slice(1, 0, 2), 2 * torch::upsample_nearest2d(input.slice(1, 0, 2), {10, 14})));
  CHECK(torch::allclose(output.slice(1, 2, 3), torch::upsample_nearest2d(input.slice(1, 2, 3), {10, 14})));
}

TEST_CASE("TorchScript: what reaches outside is refused by name, wherever it stands, and does nothing") {
  const TemporaryFolder folder;
  const std::string file = (folder / "written").string();
  const std::string save = "torch.save(x, \"" + file + "\")";
  refused_line("'aten::save'", save);
  // In a method that nobody calls, in a function, in a branch that is never taken.
  refused("'aten::save'",
          archive(forward("    return x\n") + "  def other(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    " +
                  save + "\n    return x\n"));
  refused("'aten::save'",
          archive(forward("    return x\n"), "", "def f(x: Tensor) -> Tensor:\n  " + save + "\n  return x\n"));
  refused("'aten::save'", archive(forward("    if False:\n      " + save + "\n    else:\n      pass\n    return x\n")));
  // Behind an interface, a fork, a state that unpacks itself.
  refused("ModuleInterface", archive(forward("    return x\n"), "",
                                     "class I(ModuleInterface):\n  def go(self, x: Tensor) -> Tensor:\n    pass\n"));
  refused("'def'", archive(forward("    def __forked_function():\n      " + save +
                                   "\n    f = fork(__forked_function)\n    return torch.wait(f)\n")));
  refused("'fork'", archive(forward("    return fork(x)\n")));
  refused("'__setstate__'", archive(forward("    return x\n") +
                                    "  def __setstate__(self: __torch__.Net,\n    s: Tensor) -> NoneType:\n    " +
                                    save + "\n    return None\n"));
  refused_line("'print'", "print(\"result\")");
  refused_line("'aten::from_file'", "y = torch.from_file(\"/etc/hostname\", False, 2)");
  refused_line("'aten::_sparse_coo_tensor_unsafe'", "y = torch._sparse_coo_tensor_unsafe(x, x, [4])");
  refused_line("'aten::_index_put_impl_'", "y = torch._index_put_impl_(x, [x], x, False, True)");
  refused_line("'aten::as_strided'", "y = torch.as_strided(x, [9], [9], 9)");
  refused_line("'quantized::conv2d'", "y = ops.quantized.conv2d(x, x)");
  refused_line("'.ljust()'", "y = (\"x\").ljust(1000000000)");
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("TorchScript: C++ classes and states of their own in the pickle are refused") {
  const std::string proto("\x80\x02", 2);
  const std::string classes =
      "c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n)\x81K\x05"
      "b";
  refused("C++ class", archive(forward("    return x\n"), text_of("z") + classes));
  const auto with_pickle = [&](const std::string& pickle, const std::string& constants) {
    return zip_of({{"m/data.pkl", pickle},
                   {"m/code/__torch__.py", "class Net(Module):\n" + forward("    return x\n")},
                   {"m/constants.pkl", constants}});
  };
  const std::string plain = proto + "c__torch__\nNet\n)\x81}b.";
  CHECK(load(with_pickle(plain, proto + ").")).network);
  refused("C++ class", with_pickle(plain, proto + classes + "\x85."));
  refused("'__setstate__'", with_pickle(proto + "c__torch__\nNet\n)\x81K\x05"
                                                "b.",
                                        proto + ")."));
  refused("the class '__torch__.Other'", with_pickle(proto + "c__torch__\nOther\n)\x81}b.", proto + ")."));
}

TEST_CASE("TorchScript: of two directories in one archive only ours counts") {
  // A whole archive in front, whose end stands in the comment of the second.
  const TemporaryFolder folder;
  const std::string file = (folder / "written").string();
  const std::string first = archive(forward("    torch.save(x, \"" + file + "\")\n    return x\n"));
  std::string second = archive(forward("    return torch.mul(x, 2)\n"));
  const Loaded loaded = load(first + second);
  CHECK_FALSE(fs::exists(file));
  if (loaded.network) CHECK(loaded.network->forward(torch::ones({1, 3, 2, 2})).max().item<float>() == 2);
}

TEST_CASE("TorchScript: programs that try to exhaust the machine are refused") {
  refused_line("'while'", "while True:\n      y = x");
  refused("a million steps", archive(forward("    for i in range(9223372036854775807):\n      y = x\n    return x\n")));
  refused("nested too deeply", archive(forward("    y = " + std::string(60'000, '(') + "1" + std::string(60'000, ')') +
                                               "\n    return x\n")));
  std::string chain;
  for (int i = 0; i < 60'000; ++i) chain += ".a";
  refused("too long", archive(forward("    y = x" + chain + "\n    return x\n")));
  refused("nested too deeply", archive(forward("    y = " + std::string(60'000, '-') + "1\n    return x\n")));
  std::string blocks;
  for (int i = 0; i < 300; ++i) blocks += std::string(4 + 2 * static_cast<std::size_t>(i), ' ') + "if True:\n";
  refused("indentation", archive(forward(blocks)));
  refused("calls nested", archive(forward("    return (self).forward(x, )\n")));
  // Memory: at once, by growth, by lists.
  CHECK(load(archive(forward("    return torch.add(x, torch.sum(torch.zeros([4398046511104])))\n"))).untrusted);
  refused("more memory", archive(forward("    return torch.add(x, torch.sum(torch.zeros([2147483647])))\n")));
  std::string growth;
  for (int i = 0; i < 6; ++i) growth += "    x = torch.repeat(x, [1, 1, 16, 16])\n";
  refused("more memory", archive(forward(growth + "    return x\n")));
  std::string list = "    y = [1]\n";
  for (int i = 0; i < 60; ++i) list += "    y = torch.add(y, y)\n";
  refused("without an end", archive(forward(list + "    return x\n")));
  // Arithmetic that would trap.
  refused("by 0", archive(forward("    y = torch.remainder(1, 0)\n    return x\n")));
  refused("too large", archive(forward("    y = torch.mul(9223372036854775807, 2)\n    return x\n")));
  refused("stride", archive(forward("    y = torch.conv2d(x, x, None, [0, 0])\n    return x\n")));
  refused("'bool' of a tensor",
          archive(forward("    if bool(torch.sum(x)):\n      pass\n    else:\n      pass\n    return x\n")));
}

TEST_CASE("TorchScript: lists in lists, calls in calls and objects in objects end before the stack does") {
  const std::string grow = "    for i in range(400000):\n      y = ";
  refused("lists nested", archive(forward("    y = [1]\n" + grow + "[y]\n    return x\n")));
  refused("lists nested", archive(forward("    y = (1, 1)\n" + grow + "(y, y)\n    return x\n")));
  refused("a list that grows", archive(forward("    y = [1]\n    z = torch.append(y, y)\n    return x\n")));
  // Copies of a long list, as many as the program has lines.
  std::string copies = "    y = [1]\n";
  for (int i = 0; i < 16; ++i) copies += "    y = torch.add(y, y)\n";
  for (int i = 0; i < 100; ++i) copies += fmt::format("    z{} = torch.list(y)\n", i);
  refused("a million steps", archive(forward(copies + "    return x\n")));
  // Each of a hundred functions calls the next from the depth of an expression.
  std::string functions;
  for (int i = 0; i < 98; ++i) {
    const std::string call = i == 97 ? "x" : fmt::format("__torch__.f{}(x, )", i + 1);
    functions += fmt::format("def f{}(x: Tensor) -> Tensor:\n  return torch.neg(", i);
    for (int k = 0; k < 40; ++k) functions += "torch.neg(";
    functions += call + std::string(41, ')') + "\n";
  }
  refused("calls nested", archive(forward("    return __torch__.f0(x, )\n"), "", functions));
  // Chains of objects, each behind the last one's end.
  std::string chains;
  for (int k = 0; k < 300; ++k) {
    const std::string name = fmt::format("s{:03}", 999 - k), number = little_endian(static_cast<std::uint64_t>(k), 4);
    std::string chain = k == 0 ? "N" : "j" + little_endian(static_cast<std::uint64_t>(k - 1), 4);
    for (int i = 0; i < 100; ++i) chain = "c__torch__\nNet\n)\x81}" + text_of("n") + chain + "sb";
    chains += text_of(name) + chain + "r" + number;
  }
  const Loaded chained = load(archive(forward("    return x\n"), chains));
  CHECK(chained.error.find("nested too deeply") != std::string::npos);
  const Loaded circle =
      load(archive(forward("    return x\n"), text_of("n") + "c__torch__\nNet\n)\x81r" + little_endian(7, 4) + "}" +
                                                  text_of("n") + "j" + little_endian(7, 4) + "sb"));
  CHECK(circle.error.find("nested too deeply") != std::string::npos);
}

TEST_CASE("TorchScript: numbers that LibTorch doesn't ask about, and work that doesn't end") {
  refused_line("odd dtype", "y = torch.zeros([2, 2], dtype=1000)");
  refused_line("odd dtype", "y = torch.zeros([2, 2], dtype=12)");
  refused_line("'aten::tensor'", "y = torch.tensor([1, 2], dtype=1000)");
  refused_line("'aten::to'", "y = torch.to(1, 1000)");
  refused_line("odd dtype", "y = torch.to(x, 1000)");
  refused_line("odd layout", "y = torch.zeros([2, 2], dtype=6, layout=1)");
  refused_line("odd memory_format", "y = torch.contiguous(x, memory_format=77)");
  refused_line("output_size", "y = torch.repeat_interleave(torch.tensor([1000000]), output_size=1)");
  refused_line("scale", "y = torch._upsample_bilinear2d_aa(x, [900, 900], False, 0.01, 0.01)");
  refused_line("scale", "y = torch.upsample_nearest2d(x, [900, 900], 0.01, 0.01)");
  refused_line("more work", "y = torch.conv2d(torch.zeros([1, 1, 2048, 2048]), torch.zeros([1, 1, 1024, 1024]))");
  refused_line("more work", "y = torch.matmul(torch.zeros([9000, 5000]), torch.zeros([5000, 9000]))");
  refused_line("more work", "y = torch.avg_pool2d(torch.zeros([1, 1, 4096, 4096]), [2048, 2048], [1, 1])");
  refused_line("integers", "y = torch.matmul(torch.zeros([9, 9], dtype=4), torch.zeros([9, 9], dtype=4))");
}

TEST_CASE("TorchScript: the clock and Ctrl-C end a program between two steps") {
  const script::Program program =
      script::compile({{"__torch__", "class Net(Module):\n" + forward("    return torch.neg(x)\n")}});
  ScriptObject object;
  object.type = "__torch__.Net";
  const auto root = script::instantiate(program, object);
  using Clock = script::Evaluator::Clock;
  const auto run = [&](Clock::time_point deadline) {
    return script::Evaluator(program, {}, deadline, 1e9).forward(root, torch::ones({1, 3, 4, 4}));
  };
  CHECK(run(Clock::time_point::max()).max().item<float>() == -1);
  CHECK_THROWS_AS(run(Clock::now() - std::chrono::seconds(1)), script::Foreign);
  set_interrupted(true);
  CHECK_THROWS_WITH_AS(run(Clock::time_point::max()), doctest::Contains("interrupt"), Error);
  set_interrupted(false);
}

TEST_CASE("TorchScript: LibTorch runs what would be refused where the user trusts it, and only there") {
  const std::string program =
      archive(forward("    i = 0\n    y = x\n    while torch.lt(i, 2):\n      i = torch.add(i, 1)\n      y = "
                      "torch.neg(y)\n    return y\n"));
  refused("'while'", program);
  LoadOptions options;
  options.trust = true;
  const Loaded trusted = load(program, options);
  INFO(trusted.error);
  REQUIRE(trusted.network);
  CHECK(trusted.network->info().scale == 1);
}

TEST_CASE("TorchScript: a name that promises tensors only is refused with a program inside") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x.safetensors", archive(forward("    return x\n")));
  CHECK_THROWS_WITH_AS(load_generator(folder / "x.safetensors"), doctest::Contains("named .safetensors"), Error);
}
