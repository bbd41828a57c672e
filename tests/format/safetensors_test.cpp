#include "ganvas/format/safetensors.hpp"

#include <torch/torch.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "format/mutations.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

namespace {

/// A file by hand: header length, header, data of zeros.
Bytes safetensors_of(const std::string& header, std::size_t data_size, std::uint64_t length_added = 0) {
  Bytes bytes(8 + header.size() + data_size);
  const std::uint64_t length = header.size() + length_added;
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

/// The message with which a file is refused; empty when it isn't.
std::string refusal(const Bytes& bytes) {
  try {
    parse_safetensors(bytes, "x.safetensors");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::model);
    CHECK(std::string(error.what()).starts_with("x.safetensors: "));
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return {};
}

bool refused_for(const std::string& reason, const Bytes& bytes) {
  const std::string message = refusal(bytes);
  INFO(message);
  CHECK(message.find(reason) != std::string::npos);
  return message.find(reason) != std::string::npos;
}

std::string entry(const std::string& key, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "F32") {
  return "\"" + key + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: a file written by hand is read as the format says") {
  Bytes bytes =
      safetensors_of(R"({"__metadata__":{"a":"b"},)" + entry("w", "[2,3]", "[0,24]") + "," +
                         entry("empty", "[0,7]", "[24,24]") + "," + entry("scalar", "[]", "[24,32]", "I64") + "}   ",
                     32);
  const float value = 1.5f;
  const std::int64_t count = -7;
  std::memcpy(bytes.data() + bytes.size() - 32 + 20, &value, 4);
  std::memcpy(bytes.data() + bytes.size() - 8, &count, 8);
  const Safetensors file = parse_safetensors(bytes, "x");
  CHECK(file.metadata == std::map<std::string, std::string>{{"a", "b"}});
  REQUIRE(file.tensors.size() == 3);
  CHECK(file.tensors.begin()->first == "w");
  CHECK(file.tensors.at("w").sizes() == torch::IntArrayRef{2, 3});
  CHECK(file.tensors.at("w")[1][2].item<float>() == 1.5f);
  CHECK(file.tensors.at("empty").sizes() == torch::IntArrayRef{0, 7});
  CHECK(file.tensors.at("scalar").dim() == 0);
  CHECK(file.tensors.at("scalar").item<std::int64_t>() == -7);
}

TEST_CASE("safetensors: every element type and layout comes back") {
  const test::TemporaryFolder folder;
  torch::manual_seed(1);
  StateDict tensors;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    const std::string name = torch::toString(type);
    tensors.set(name, (torch::rand({3, 5, 2}) * 100 - 20).abs().to(type));
    tensors.set(name + ".transposed", torch::rand({4, 3}).mul(9).to(type).t());
    tensors.set(name + ".scalar", torch::ones({}, type));
    tensors.set(name + ".empty", torch::ones({2, 0, 3}, type));
  }
  const fs::path path = folder / "all.safetensors";
  write_safetensors(path, tensors, {{"title", "ä \"quoted\"\nline"}});
  const Safetensors read = read_safetensors(path);
  CHECK(read.metadata.at("title") == "ä \"quoted\"\nline");
  REQUIRE(read.tensors.size() == tensors.size());
  for (const auto& [key, tensor] : tensors) {
    INFO(key);
    CHECK((read.tensors.at(key).scalar_type() == tensor.scalar_type()));
    CHECK(torch::equal(read.tensors.at(key), tensor));
  }
}

TEST_CASE("safetensors: data are aligned to their elements and keep their order within a type") {
  const test::TemporaryFolder folder;
  StateDict tensors;
  tensors.set("z", torch::ones({3}));
  tensors.set("byte", torch::ones({1}, torch::kUInt8));
  tensors.set("count", torch::ones({1}, torch::kInt64));
  tensors.set("a", torch::ones({3}));
  write_safetensors(folder / "x.safetensors", tensors);
  std::vector<std::string> keys;
  for (const auto& [key, tensor] : read_safetensors(folder / "x.safetensors").tensors) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"count", "z", "a", "byte"});
  const Bytes bytes = read_file(folder / "x.safetensors");
  CHECK(bytes[0] % 8 == 0);  // the header's length
}

TEST_CASE("safetensors: an empty model and a missing file") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "none.safetensors", {});
  CHECK(read_safetensors(folder / "none.safetensors").tensors.empty());
  CHECK_THROWS_WITH_AS(read_safetensors(folder / "absent"), doctest::Contains("can't be opened"), Error);
  CHECK_THROWS_WITH_AS(read_safetensors(folder.path()), doctest::Contains("not a regular file"), Error);
  StateDict complex;
  complex.set("c", torch::ones({1}, torch::kComplexFloat));
  CHECK_THROWS_WITH_AS(write_safetensors(folder / "c.safetensors", complex), doctest::Contains("'c'"), Error);
  CHECK_FALSE(fs::exists(folder / "c.safetensors"));
}

TEST_CASE("safetensors: each inconsistency is refused with its reason") {
  refused_for("too few", Bytes{1, 2, 3});
  refused_for("ends past the end", safetensors_of("{}", 0, 1));
  refused_for("too long", safetensors_of("{}", 0, 200'000'000));
  refused_for("too long", safetensors_of("{}", 0, UINT64_MAX - 4));
  refused_for("doesn't start", safetensors_of(" {}", 0));
  refused_for("doesn't start", safetensors_of("", 0));
  refused_for("not JSON", safetensors_of("{\"a\":", 0));
  refused_for("not JSON", safetensors_of("{\"\xff\":1}", 0));
  refused_for("nested", safetensors_of("{\"a\":" + std::string(1'000'000, '['), 0));
  std::string objects = "{\"a\":";
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  refused_for("nested", safetensors_of(objects, 0));
  refused_for("not an object", safetensors_of(R"({"a":3})", 0));
  refused_for("no dtype", safetensors_of(R"({"a":{}})", 0));
  refused_for("'F9'", safetensors_of("{" + entry("w", "[1]", "[0,4]", "F9") + "}", 4));
  refused_for("'shape'", safetensors_of(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4));
  refused_for("integers from 0", safetensors_of("{" + entry("w", "[-1]", "[0,4]") + "}", 4));
  refused_for("integers from 0", safetensors_of("{" + entry("w", "[1.0]", "[0,4]") + "}", 4));
  refused_for("integers from 0", safetensors_of("{" + entry("w", "[18446744073709551615]", "[0,4]") + "}", 4));
  refused_for("impossible shape", safetensors_of("{" + entry("w", "[4611686018427387904,4]", "[0,0]") + "}", 0));
  refused_for("impossible shape",
              safetensors_of("{" + entry("w", "[0,4611686018427387904,4611686018427387904]", "[0,0]") + "}", 0));
  refused_for("impossible offsets", safetensors_of("{" + entry("w", "[1]", "[4,0]") + "}", 4));
  refused_for("impossible offsets", safetensors_of("{" + entry("w", "[1]", "[0,4,8]") + "}", 8));
  refused_for("bytes of data", safetensors_of("{" + entry("w", "[2]", "[0,4]") + "}", 4));
  refused_for("are there", safetensors_of("{" + entry("w", "[2]", "[0,8]") + "}", 4));
  refused_for("are there", safetensors_of("{" + entry("w", "[1]", "[0,4]") + "}", 8));
  refused_for("instead of 0", safetensors_of("{" + entry("w", "[1]", "[4,8]") + "}", 8));
  refused_for("instead of 8",
              safetensors_of("{" + entry("v", "[2]", "[0,8]") + "," + entry("w", "[1]", "[4,8]") + "}", 8));
  refused_for("twice", safetensors_of("{" + entry("w", "[1]", "[0,4]") + "," + entry("w", "[1]", "[4,8]") + "}", 8));
  refused_for("twice", safetensors_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4));
  refused_for("'__metadata__'", safetensors_of(R"({"__metadata__":{"a":1}})", 0));
  refused_for("twice", safetensors_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0));
  refused_for("'shape'", safetensors_of("{" + entry("w", "\"x\"", "[0,4]") + "}", 4));
  refused_for("nested", safetensors_of("{" + entry("w", "[[1]]", "[0,4]") + "}", 4));
  refused_for("nested", safetensors_of(R"({"a":{"dtype":"F32","x":{},"shape":[],"data_offsets":[0,4]}})", 4));
}

TEST_CASE("safetensors: many tensors are read, absurdly many refused") {
  const auto header = [](int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i) text += (i ? "," : "") + entry(std::to_string(i), "[0]", "[0,0]");
    return safetensors_of(text + "}", 0);
  };
  CHECK(parse_safetensors(header(40'000), "x").tensors.size() == 40'000);
  refused_for("more than 200000 tensors", header(200'001));
}

TEST_CASE("safetensors: mutations of a good file are read or refused, nothing else") {
  const test::TemporaryFolder folder;
  StateDict tensors;
  tensors.set("w", torch::ones({2, 3}));
  tensors.set("b", torch::ones({2}, torch::kBool));
  write_safetensors(folder / "x.safetensors", tensors, {{"a", "b"}});
  test::for_each_mutation(read_file(folder / "x.safetensors"), 4000, [](const Bytes& bytes) {
    for (const auto& [key, tensor] : parse_safetensors(bytes, "x.safetensors").tensors) tensor.to(torch::kFloat).sum();
  });
}
